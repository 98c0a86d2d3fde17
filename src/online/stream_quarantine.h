// Malformed rows of a stream: counted, reported, set aside, and judged; a stream goes on where it was
// resumed.
//
//   StreamQuarantine quarantine(fs, run_dir + "/quarantine", "clicks.tsv", max_bad_fraction);
//   TANDEM_RETURN_IF_ERROR(quarantine.Resume("label\tuser\n", &state));    // an empty state: from the beginning
//   TANDEM_RETURN_IF_ERROR(quarantine.GoodRow());
//   TANDEM_RETURN_IF_ERROR(quarantine.BadRow(4711, fault, detail, "x\tu17\n"));
//   TANDEM_RETURN_IF_ERROR(quarantine.Judge());                             // the stream is over
//
// The file is cut to what it held at the checkpoint, so that no row is in it twice. Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_STREAM_QUARANTINE_H_
#define TANDEM_SRC_ONLINE_STREAM_QUARANTINE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"
#include "tandem/row_fault.h"

namespace tandem {

namespace proto {
class OnlineState;
}  // namespace proto

class StreamQuarantine {
 public:
  // Rows between two judgements.
  static constexpr int64_t kJudgedRows = 10000;

  StreamQuarantine(FileSystem& fs, const std::string& directory, const std::string& input,
                   double max_bad_fraction);

  // Counts go on from `state`, into which they are written; it outlives this object. `head`: the bytes that
  // come first in a file of such rows.
  absl::Status Resume(absl::string_view head, proto::OnlineState* state);
  // `row` with what ends it (RowFraming::Append). A DataError when of the last kJudgedRows more than
  // max_bad_fraction are malformed.
  absl::Status GoodRow();
  absl::Status BadRow(int64_t number, RowFault fault, absl::string_view detail, absl::string_view row);
  // At the end of the stream: judges what is left.
  absl::Status Judge();
  absl::Status Sync();

 private:
  absl::Status Write(absl::string_view bytes);

  FileSystem& fs_;
  const std::string directory_, input_, path_;
  const double max_bad_fraction_;
  std::string head_;
  proto::OnlineState* state_ = nullptr;
  std::unique_ptr<WritableFile> file_;
  bool name_is_new_ = false;  // not durable yet
  int64_t reported_ = 0;
  std::string first_;  // of the rows that are judged together
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_STREAM_QUARANTINE_H_
