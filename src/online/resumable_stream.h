// A stream that is read on from where the run's state left it.
//
//   ResumableStream stream({"clicks.tsv", /*follow=*/true, &stop}, &admission, &state);
//   TANDEM_RETURN_IF_ERROR(stream.Check());
//   TANDEM_ASSIGN_OR_RETURN(const bool open, stream.Open());
//   while (open && !stream.over()) {
//     StreamRow row;
//     TANDEM_ASSIGN_OR_RETURN(const StreamReader::Event event, stream.Next(/*wait_seconds=*/0.1, &row));
//     if (event == StreamReader::Event::kRow) ...
//   }
//   stream.Save();
//
// In the run's state it keeps `offset` and `numbers`, and with Save `stream_hash`: a stream is known by what is
// in it, not by its name. Not thread-safe. Errors as StreamReader's and Admission's.
#ifndef TANDEM_SRC_ONLINE_RESUMABLE_STREAM_H_
#define TANDEM_SRC_ONLINE_RESUMABLE_STREAM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/online/stream_reader.h"
#include "tandem/clock.h"
#include "tandem/file_system.h"

namespace tandem {

class Admission;

namespace proto {
class OnlineState;
}  // namespace proto

class ResumableStream {
 public:
  struct Source {
    std::string input;             // a file, or "-"
    bool follow;                   // the file grows
    const std::atomic<int>* stop;  // may be null; not 0: waits no more
    FileSystem* file_system = &FileSystem::Default();
    Clock* clock = &Clock::Default();
  };

  // `admission`, which reads the head, and `state` outlive it.
  ResumableStream(Source source, Admission* admission, proto::OnlineState* state);

  // Before anything is written: the input is there, and what a file's head tells is well. Changes nothing.
  absl::Status Check();
  // Opens the stream at its beginning, reads its head, waiting for it, and then past what the state says
  // was read: a DataError where that was something else. False where the stream ended, or was told to stop,
  // before there was a head. May be called again, for a state that was changed.
  absl::StatusOr<bool> Open();
  bool opened() const { return reader_ != nullptr; }
  // As StreamReader::Next. Whether the row is a sample is for the admission to say.
  absl::StatusOr<StreamReader::Event> Next(double wait_seconds, StreamRow* row);
  // The stream has ended.
  bool over() const { return over_; }
  // Writes to the state by what the stream is known again.
  void Save();

 private:
  absl::StatusOr<std::unique_ptr<StreamReader>> OpenReader() const;
  bool Stopped() const { return source_.stop != nullptr && *source_.stop != 0; }

  const Source source_;
  Admission& admission_;
  proto::OnlineState& state_;
  std::unique_ptr<StreamReader> reader_;
  bool over_ = false;
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_RESUMABLE_STREAM_H_
