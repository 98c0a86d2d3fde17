// stream.bin of a checkpoint: where an online run stands in its stream, and the rows that it has read and not
// yet trained on.
//
//   TANDEM_RETURN_IF_ERROR(WriteStreamFile(fs, path, state, at_hand, waiting));
//   TANDEM_ASSIGN_OR_RETURN(StreamFile file, ReadStreamFile(fs, path));
//
// A record file (tandem/records.h): the state, then the rows, some in each record. A ModelError that names
// the file where it is damaged or of another version.
#ifndef TANDEM_SRC_ONLINE_STREAM_FILE_H_
#define TANDEM_SRC_ONLINE_STREAM_FILE_H_

#include <deque>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/online/label_queue.h"
#include "tandem/file_system.h"
#include "tandem/state.pb.h"

namespace tandem {

struct StreamFile {
  proto::OnlineState state;
  // Those of the micro-batch at hand, and those that wait for their label, in order. Their keys are not kept.
  std::vector<WaitingRow> at_hand, waiting;
};

// The numbers of rows are written beside `state`.
absl::Status WriteStreamFile(FileSystem& fs, const std::string& path, proto::OnlineState state,
                             const std::vector<WaitingRow>& at_hand, const std::deque<WaitingRow>& waiting);
absl::StatusOr<StreamFile> ReadStreamFile(FileSystem& fs, const std::string& path);
// The state alone; nothing else is read.
absl::StatusOr<proto::OnlineState> ReadStreamState(FileSystem& fs, const std::string& path);

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_STREAM_FILE_H_
