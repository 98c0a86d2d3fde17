#include "src/online/stream_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/data/framed_file.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int64_t kReadBytes = 1 << 16;
// Between two looks at a file that may have grown.
constexpr double kLookSeconds = 0.02;
// What is renamed is written to until its writer opens the next one.
constexpr double kLastWordsSeconds = 2;

// Whether bytes that are passed over end in the middle of a row.
class RowTail {
 public:
  RowTail(const RowFraming& framing, int64_t max_row_bytes)
      : end_(framing.end()),
        most_bytes_(max_row_bytes + framing.overhead()),
        scanner_(end_.empty() ? framing.MakeScanner() : nullptr) {}

  void Add(absl::string_view bytes) {
    if (scanner_ == nullptr) {
      last_ = absl::StrCat(last_, bytes.substr(bytes.size() - std::min(bytes.size(), end_.size())));
      last_.erase(0, last_.size() - std::min(last_.size(), end_.size()));
      return;
    }
    // Without an end to look for, the rows have to be gone through.
    last_.append(bytes.data(), bytes.size());
    size_t begin = 0;
    while (begin < last_.size()) {
      const std::optional<size_t> row =
          scanner_->RowBytes(absl::string_view(last_).substr(begin), /*last=*/false);
      if (!row.has_value()) break;
      begin += *row;
      dropped_ = false;
    }
    last_.erase(0, begin);
    if (static_cast<int64_t>(last_.size()) <= most_bytes_) return;
    scanner_->Drop();
    last_.clear();
    dropped_ = true;
  }

  bool InRow() const { return dropped_ || (!last_.empty() && last_ != end_); }

 private:
  const absl::string_view end_;
  const int64_t most_bytes_;
  const std::unique_ptr<RowScanner> scanner_;  // null where rows have an end
  std::string last_;                           // the last bytes: an end, or of a row that isn't whole
  bool dropped_ = false;                       // that row is too long to keep
};

}  // namespace

StreamReader::StreamReader(FileSystem& fs, std::string path, bool follow, const RowFraming& framing,
                           int64_t max_row_bytes, const std::atomic<int>* stop, Clock& clock)
    : fs_(fs),
      path_(std::move(path)),
      follow_(follow),
      framing_(framing),
      scanner_(framing.MakeScanner()),
      max_row_bytes_(max_row_bytes),
      stop_(stop),
      clock_(clock) {}

absl::StatusOr<std::unique_ptr<StreamReader>> StreamReader::Open(FileSystem& fs, const std::string& path,
                                                                 bool follow, const RowFraming& framing,
                                                                 int64_t max_row_bytes,
                                                                 const std::atomic<int>* stop, Clock& clock) {
  if (path != "-") {
    // What isn't there is better known before anything begins.
    TANDEM_RETURN_IF_ERROR(ByteSource::Open(fs, path, ContentOf(framing), ByteSource::Pipes::kRead).status());
  }
  if (follow) {
    if (path == "-") return ConfigError("follow: standard input is followed to its end anyway; name a file");
    std::string first(4, '\0');
    const absl::StatusOr<int64_t> read = fs.ReadRange(path, 0, 4, &first[0]);
    if (!read.ok()) return DataError(read.status().message());
    first.resize(*read);
    if (IsCompressed(path, first, ContentOf(framing)))
      return ConfigError("follow: ", path, " is compressed; only what is plain can be followed");
  }
  return std::unique_ptr<StreamReader>(
      new StreamReader(fs, path, follow, framing, max_row_bytes, stop, clock));
}

void StreamReader::Wait(double seconds) {
  if (path_ == "-") {
    WaitForStandardInput(seconds);
  } else if (follow_) {
    clock_.Sleep(std::min(seconds, kLookSeconds));
  }
}

absl::StatusOr<int64_t> StreamReader::Fill(double wait_seconds) {
  if (at_end_ || Stopped()) return 0;
  if (path_ == "-" && !WaitForStandardInput(wait_seconds)) return 0;
  if (source_ == nullptr) {
    if (follow_) followed_ = fs_.Info(path_).value_or(FileInfo());
    TANDEM_ASSIGN_OR_RETURN(source_,
                            ByteSource::Open(fs_, path_, ContentOf(framing_), ByteSource::Pipes::kRead));
  }
  if (begin_ > 0) {
    std::memmove(&buffer_[0], buffer_.data() + begin_, end_ - begin_);
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + kReadBytes) buffer_.resize(end_ + kReadBytes);
  TANDEM_ASSIGN_OR_RETURN(const int64_t read, source_->Read(&buffer_[end_], kReadBytes));
  end_ += read;
  if (read > 0) return read;
  if (!follow_) {
    at_end_ = true;
    return 0;
  }
  TANDEM_RETURN_IF_ERROR(CheckStillThere());
  Wait(wait_seconds);
  return 0;
}

absl::Status StreamReader::CheckStillThere() {
  const int64_t read = offset_ + dropped_ + static_cast<int64_t>(end_ - begin_);
  const absl::StatusOr<FileInfo> info = fs_.Info(path_);
  const bool gone = !info.ok();
  if (gone || info->device != followed_.device || info->number != followed_.number) {
    if (!replaced_at_.has_value()) replaced_at_ = clock_.Now();
    if (clock_.Now() - *replaced_at_ < kLastWordsSeconds) return absl::OkStatus();
    return DataError(
        path_, gone ? ": was moved away or removed after " : ": was replaced by another file after ", read,
        " bytes, all of which were read; a file that is rotated isn't followed into the next one: "
        "resume with the old file's name if more was written to it, or begin a run from this one's "
        "student on the new file");
  }
  if (info->size < read) {
    return DataError(path_, ": is shorter than what was read of it (", read,
                     " bytes); a followed file only ever grows");
  }
  return absl::OkStatus();
}

void StreamReader::Pass(size_t bytes) {
  hash_.Update({buffer_.data() + begin_, bytes});
  begin_ += bytes;
}

StreamReader::Event StreamReader::Take(size_t bytes, StreamRow* row) {
  const absl::string_view text =
      framing_.Row({buffer_.data() + begin_, bytes}, /*first=*/numbers_ == 0 && dropped_ == 0);
  row->too_long = dropped_ > 0 || static_cast<int64_t>(text.size()) > max_row_bytes_;
  row->cut_off = false;
  row->text = row->too_long ? absl::string_view() : text;
  row->number = numbers_ + 1;
  numbers_ += framing_.Numbers(text);
  row->begin = offset_;
  offset_ += dropped_ + static_cast<int64_t>(bytes);
  row->end = offset_;
  dropped_ = 0;
  Pass(bytes);
  scanned_ = begin_;
  return Event::kRow;
}

absl::StatusOr<StreamReader::Event> StreamReader::Next(double wait_seconds, StreamRow* row) {
  for (;;) {
    if (scanned_ < end_) {
      if (unfinished_ && framing_.end().empty()) return HasGrown();
      const std::optional<size_t> bytes =
          scanner_->RowBytes({buffer_.data() + begin_, end_ - begin_}, /*last=*/false);
      if (bytes.has_value()) {
        if (unfinished_) {
          if (*bytes > framing_.end().size()) return HasGrown();
          // Only the row's end had been missing.
          offset_ += static_cast<int64_t>(*bytes);
          Pass(*bytes);
          scanned_ = begin_;
          unfinished_ = false;
          continue;
        }
        return Take(*bytes, row);
      }
      if (const std::string damage = scanner_->Damage(); !damage.empty())
        return DamagedRows(path_, offset_, damage, numbers_ + 1);
      scanned_ = end_;
      if (static_cast<int64_t>(end_ - begin_) > max_row_bytes_ + framing_.overhead()) {
        dropped_ += static_cast<int64_t>(end_ - begin_);
        Pass(end_ - begin_);
        scanner_->Drop();
        begin_ = scanned_ = end_ = 0;
      }
    }
    TANDEM_ASSIGN_OR_RETURN(const int64_t read, Fill(wait_seconds));
    if (read > 0) continue;
    if (!at_end_) return Event::kWait;
    if (unfinished_ || (begin_ == end_ && dropped_ == 0)) return Event::kEnd;
    const std::optional<size_t> bytes =
        scanner_->RowBytes({buffer_.data() + begin_, end_ - begin_}, /*last=*/true);
    if (framing_.end().empty() && dropped_ > 0)
      return DamagedRows(path_, offset_, EndsInTooLongRow(max_row_bytes_), numbers_ + 1);
    Take(bytes.value_or(0), row);
    row->cut_off = framing_.end().empty();
    return Event::kRow;
  }
}

absl::Status StreamReader::HasGrown() const {
  return DataError(path_, ": byte ", offset_,
                   " was the end of the stream in the middle of a row, which has grown since; a stream that "
                   "is followed waits for the end of a row");
}

absl::Status StreamReader::SkipTo(int64_t offset, int64_t numbers, std::optional<uint64_t> hash) {
  RowTail tail(framing_, max_row_bytes_);
  while (offset_ < offset) {
    if (begin_ == end_) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t read, Fill(/*wait_seconds=*/0.1));
      if (read == 0 && (at_end_ || follow_) && !Stopped()) {
        return DataError(
            path_, ": ends at byte ", offset_, ", but ", offset,
            " bytes of it were read before; a resumed run is fed the same stream from its beginning");
      }
      if (Stopped()) return absl::OkStatus();
      continue;
    }
    const auto step = std::min<int64_t>(offset - offset_, static_cast<int64_t>(end_ - begin_));
    tail.Add({buffer_.data() + begin_, static_cast<size_t>(step)});
    Pass(step);
    offset_ += step;
  }
  if (hash.has_value() && *hash != Hash()) {
    return DataError(path_, ": its first ", offset,
                     " bytes are not those that were read before; a resumed run is fed the same stream");
  }
  scanned_ = begin_;
  scanner_ = framing_.MakeScanner();
  numbers_ = numbers;
  unfinished_ = tail.InRow();
  return absl::OkStatus();
}

}  // namespace tandem
