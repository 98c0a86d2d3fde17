// A stream of samples, row by row, that may not be all there yet: standard input, a file, or a file that
// grows.
//
//   TANDEM_ASSIGN_OR_RETURN(auto reader, StreamReader::Open(fs, "clicks.tsv", /*follow=*/true,
//                                                      format.framing(), format.max_row_bytes(), stop));
//   StreamRow row;
//   TANDEM_ASSIGN_OR_RETURN(StreamReader::Event event, reader->Next(/*wait_seconds=*/0.1, &row));
//
// A place in the stream is an offset in uncompressed bytes, at the beginning of a row. Nothing is read ahead
// beyond a buffer: a writer to a pipe waits for who reads from it. Not thread-safe. Errors are DataErrors
// that name the file; what no row can be is one, as in a file that is read whole (src/data/framed_file.h).
#ifndef TANDEM_SRC_ONLINE_STREAM_READER_H_
#define TANDEM_SRC_ONLINE_STREAM_READER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "src/data/byte_source.h"
#include "src/util/running_hash.h"
#include "tandem/clock.h"
#include "tandem/file_system.h"
#include "tandem/row_framing.h"

namespace tandem {

struct StreamRow {
  absl::string_view text;  // RowFraming::Row; empty where it is too long. Valid until the next call.
  bool too_long = false;
  bool cut_off = false;  // by the end of the stream, where rows have to be whole: as RawRows::cut_off
  int64_t number = 0;    // from 1; of text the line that it begins with
  int64_t begin = 0;     // offset of its first byte...
  int64_t end = 0;       // ...and of what comes after it
};

class StreamReader {
 public:
  enum class Event {
    kRow,   // a row
    kWait,  // none yet
    kEnd,   // there will be none
  };

  // `path` "-" is standard input. With `follow` the end of the file isn't the end of the stream: rows are
  // waited for, and a last row without an end isn't one yet. A followed file is plain
  // (ConfigError), and only ever grows. `stop` (may be null) ends waiting when it isn't 0. `fs` and `clock`
  // outlive the reader.
  static absl::StatusOr<std::unique_ptr<StreamReader>> Open(FileSystem& fs, const std::string& path,
                                                            bool follow, const RowFraming& framing,
                                                            int64_t max_row_bytes,
                                                            const std::atomic<int>* stop,
                                                            Clock& clock = Clock::Default());

  // The next row. Waits for it up to `wait_seconds`, roughly. A followed file that was cut short is an
  // error; one whose name leads to another file now is one a moment later, when its writer has had time to
  // end it.
  absl::StatusOr<Event> Next(double wait_seconds, StreamRow* row);
  // Reads past everything before `offset`, where the row of number `numbers` + 1 begins: what is skipped isn't
  // kept. With a `hash` it must be what had that Hash() when it was read first.
  absl::Status SkipTo(int64_t offset, int64_t numbers, std::optional<uint64_t> hash);

  int64_t offset() const { return offset_; }
  // The last one that is taken: RowFraming::Numbers of the rows before offset().
  int64_t numbers() const { return numbers_; }
  // Of all bytes before offset(); nullopt where more were passed, those of a row that is too long to keep.
  std::optional<uint64_t> Hash() const {
    return dropped_ > 0 ? std::nullopt : std::optional<uint64_t>(hash_.Digest());
  }

 private:
  StreamReader(FileSystem& fs, std::string path, bool follow, const RowFraming& framing,
               int64_t max_row_bytes, const std::atomic<int>* stop, Clock& clock);
  bool Stopped() const { return stop_ != nullptr && *stop_ != 0; }
  // Waits until there may be something to read.
  void Wait(double seconds);
  // The buffer's next bytes are dealt with.
  void Pass(size_t bytes);
  // Whether more of the file can still come.
  absl::Status CheckStillThere();
  // Reads on behind the buffer; the number of bytes, 0 for none now.
  absl::StatusOr<int64_t> Fill(double wait_seconds);
  Event Take(size_t bytes, StreamRow* row);
  absl::Status HasGrown() const;

  FileSystem& fs_;
  const std::string path_;
  const bool follow_;
  const RowFraming& framing_;
  std::unique_ptr<RowScanner> scanner_;
  const int64_t max_row_bytes_;
  const std::atomic<int>* const stop_;
  Clock& clock_;
  std::unique_ptr<ByteSource> source_;
  FileInfo followed_;                  // the file as it was opened
  std::optional<double> replaced_at_;  // when its name was first seen to lead elsewhere
  RunningHash hash_;
  std::string buffer_;
  size_t begin_ = 0, scanned_ = 0,
         end_ = 0;       // in buffer_: of the row at hand, of what was looked at in vain, of the bytes read
  int64_t offset_ = 0;   // of the row at hand, in the stream
  int64_t numbers_ = 0;  // taken before it
  int64_t dropped_ = 0;  // bytes of the row at hand that were too many to keep
  bool at_end_ = false;
  bool unfinished_ = false;  // the row before `offset_` wasn't whole
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_STREAM_READER_H_
