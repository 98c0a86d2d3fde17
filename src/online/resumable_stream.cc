#include "src/online/resumable_stream.h"

#include <optional>
#include <utility>

#include "src/online/admission.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// How long a head is waited for before the stop is looked at.
constexpr double kWaitSeconds = 0.05;

}  // namespace

ResumableStream::ResumableStream(Source source, Admission* admission, proto::OnlineState* state)
    : source_(std::move(source)), admission_(*admission), state_(*state) {}

absl::StatusOr<std::unique_ptr<StreamReader>> ResumableStream::OpenReader() const {
  const SampleFormat& format = admission_.format();
  return StreamReader::Open(*source_.file_system, source_.input, source_.follow, format.framing(),
                            format.max_row_bytes(), source_.stop, *source_.clock);
}

absl::Status ResumableStream::Check() {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<StreamReader> reader, OpenReader());
  // What was read of standard input could not be read again.
  if (source_.input == "-" && admission_.has_head()) return absl::OkStatus();
  return admission_.ReadHead(reader.get(), /*wait_seconds=*/0).status();
}

absl::StatusOr<bool> ResumableStream::Open() {
  over_ = false;
  TANDEM_ASSIGN_OR_RETURN(reader_, OpenReader());
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const StreamReader::Event event,
                            admission_.ReadHead(reader_.get(), kWaitSeconds));
    if (event == StreamReader::Event::kRow) break;
    over_ = event == StreamReader::Event::kEnd;
    if (over_ || Stopped()) return false;
  }
  if (state_.offset() > reader_->offset()) {
    const std::optional<uint64_t> hash =
        state_.has_stream_hash() ? std::optional<uint64_t>(state_.stream_hash()) : std::nullopt;
    TANDEM_RETURN_IF_ERROR(reader_->SkipTo(state_.offset(), state_.numbers(), hash));
  }
  return true;
}

absl::StatusOr<StreamReader::Event> ResumableStream::Next(double wait_seconds, StreamRow* row) {
  TANDEM_ASSIGN_OR_RETURN(const StreamReader::Event event, reader_->Next(wait_seconds, row));
  over_ = event == StreamReader::Event::kEnd;
  if (event == StreamReader::Event::kRow) {
    state_.set_offset(row->end);
    state_.set_numbers(reader_->numbers());
  }
  return event;
}

void ResumableStream::Save() {
  state_.clear_stream_hash();
  if (reader_ == nullptr || reader_->offset() != state_.offset()) return;
  const std::optional<uint64_t> hash = reader_->Hash();
  if (hash.has_value()) state_.set_stream_hash(*hash);
}

}  // namespace tandem
