#include "src/data/line_file.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/data/byte_source.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Bytes that are read at a time: about what the lines asked for take, so that little is left for the next
// call.
constexpr int64_t kFewestReadBytes = 1 << 14;
constexpr int64_t kMostReadBytes = 1 << 18;
// A chunk of longer lines ends here, whatever the number of lines asked for.
constexpr size_t kChunkBytes = 1 << 24;
constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

class LineFile : public SampleFile {
 public:
  LineFile(std::unique_ptr<ByteSource> source, const LineOptions& options, std::unique_ptr<LineJoiner> joiner)
      : source_(std::move(source)),
        max_line_bytes_(options.max_line_bytes),
        joiner_(std::move(joiner)),
        mark_(joiner_ == nullptr ? '\0' : joiner_->mark()) {}

  // The first line that isn't blank is the head.
  absl::Status ReadHead(const std::string& path) {
    head_.reset();
    for (RawRows line;;) {
      TANDEM_RETURN_IF_ERROR(Read(1, &line));
      if (line.rows.empty()) return absl::OkStatus();
      if (line.too_long[0]) {
        return DataError(path, ":", line.first_row, ": the header line is longer than max_line_bytes ",
                         max_line_bytes_);
      }
      if (line.rows[0].empty()) continue;
      head_ = std::string(line.rows[0]);
      return absl::OkStatus();
    }
  }
  const std::optional<std::string>& head() const override { return head_; }

  absl::Status Read(int max_lines, RawRows* chunk) override {
    chunk->Clear();
    chunk->first_row = next_line_;
    ends_.clear();
    // Line ends are noted as offsets: the bytes move as they grow.
    chunk->bytes.swap(left_);
    size_ = std::exchange(left_size_, 0);
    size_t begin = 0;
    size_t scanned = 0;
    next_mark_ = marks_scanned_ = 0;
    while (static_cast<int>(ends_.size()) < max_lines && begin < kChunkBytes) {
      const char* bytes = chunk->bytes.data();
      const void* found = size_ == scanned ? nullptr : std::memchr(bytes + scanned, '\n', size_ - scanned);
      std::optional<size_t> end;  // of the row and its line end
      if (found != nullptr) end = static_cast<const char*>(found) - bytes + 1;
      if (joiner_ != nullptr && end.has_value()) end = JoinedEnd(begin, *end, /*last=*/false, *chunk);
      if (end.has_value()) {
        AddRow(begin, *end, chunk);
        begin = scanned = *end;
        continue;
      }
      // A row of several lines is looked at from its begin on.
      scanned = found == nullptr ? size_ : begin;
      // Of a line that is too long only the fact is kept. A "\r" or a byte order mark, still there, doesn't
      // count.
      if (found == nullptr && static_cast<int64_t>(size_ - begin) >
                                  max_line_bytes_ + 1 + static_cast<int64_t>(kByteOrderMark.size())) {
        overlong_ = true;
        size_ = scanned = begin;
        next_mark_ = marks_scanned_ = begin;
        if (joiner_ != nullptr) joiner_->Forget();
      }
      TANDEM_ASSIGN_OR_RETURN(const bool more,
                              Fill(max_lines - static_cast<int>(ends_.size()), &chunk->bytes));
      if (more) continue;
      if (size_ == begin && !overlong_) break;
      end = size_;
      if (joiner_ != nullptr) end = JoinedEnd(begin, size_, /*last=*/true, *chunk);
      AddRow(begin, *end, chunk);
      begin = scanned = *end;
    }
    left_size_ = size_ - begin;
    if (left_.size() < left_size_) left_.resize(chunk->bytes.size());
    if (left_size_ > 0) std::memcpy(&left_[0], chunk->bytes.data() + begin, left_size_);
    for (const auto& [from, to] : ends_) chunk->rows.emplace_back(chunk->bytes.data() + from, to - from);
    chunk->file_bytes = static_cast<int64_t>(begin);
    if (!ends_.empty()) line_bytes_ = static_cast<int64_t>(begin / ends_.size()) + 1;
    return absl::OkStatus();
  }

 private:
  // Reads on behind `bytes`[size_], about what `lines` lines take; false at the end. The buffer only grows.
  absl::StatusOr<bool> Fill(int lines, std::string* bytes) {
    if (at_end_) return false;
    const int64_t wanted = std::clamp(lines * line_bytes_, kFewestReadBytes, kMostReadBytes);
    if (bytes->size() < size_ + wanted) {
      // No more is ever kept. A line of many megabytes gets that room at once, of which the machine gives
      // what is written: growing by copies would take twice the memory.
      const auto most = static_cast<size_t>(max_line_bytes_ + wanted);
      if (size_ > kChunkBytes) bytes->reserve(most + wanted);
      bytes->resize(std::max(std::min(size_ + size_ / 8, most), size_) + wanted);
    }
    const absl::StatusOr<int64_t> read = source_->Read(&(*bytes)[size_], wanted);
    if (!read.ok()) {
      return absl::Status(read.status().code(),
                          absl::StrCat(read.status().message(), ", at line ", next_line_));
    }
    size_ += *read;
    at_end_ = *read == 0;
    return *read > 0;
  }

  // Where the row ends whose first line ends before `line_end`; not set where that can't be told yet.
  std::optional<size_t> JoinedEnd(size_t begin, size_t line_end, bool last, const RawRows& chunk) {
    row_marked_ = !overlong_ && HasMark(begin, line_end, chunk.bytes.data());
    if (!row_marked_) {
      passed_ += line_end - begin;
      return line_end;
    }
    joiner_->Pass(std::exchange(passed_, 0));
    const absl::string_view rest(chunk.bytes.data() + begin, size_ - begin);
    const std::optional<size_t> bytes =
        last ? joiner_->RowBytes(rest, last) : joiner_->RowBytes(rest, line_end - 1 - begin, last);
    if (!bytes.has_value()) return std::nullopt;
    more_lines_ = last || begin + *bytes > line_end;
    return begin + *bytes;
  }

  // Each byte is looked at once, whatever is asked.
  bool HasMark(size_t begin, size_t end, const char* bytes) {
    if (next_mark_ < begin) next_mark_ = marks_scanned_ = begin;
    if (next_mark_ == marks_scanned_ && marks_scanned_ < end) {
      const void* found = std::memchr(bytes + marks_scanned_, mark_, size_ - marks_scanned_);
      next_mark_ = found == nullptr ? size_ : static_cast<const char*>(found) - bytes;
      marks_scanned_ = found == nullptr ? size_ : next_mark_ + 1;
    }
    return next_mark_ < end;
  }

  // `end`: behind the line end, where it has one.
  void AddRow(size_t begin, size_t end, RawRows* chunk) {
    const char* const bytes = chunk->bytes.data();
    const int64_t number = next_line_++;
    if (number == 1 && absl::StartsWith({bytes + begin, end - begin}, kByteOrderMark))
      begin += kByteOrderMark.size();
    if (end > begin && bytes[end - 1] == '\n') --end;
    if (end > begin && bytes[end - 1] == '\r') --end;
    const bool too_long = overlong_ || static_cast<int64_t>(end - begin) > max_line_bytes_;
    if (row_marked_) {
      chunk->marked = true;
      if (more_lines_) next_line_ += std::count(bytes + begin, bytes + end, '\n');
    }
    if (!chunk->numbers.empty()) {
      chunk->numbers.push_back(number);
    } else if (next_line_ > number + 1) {
      for (int64_t earlier = chunk->first_row; earlier <= number; ++earlier)
        chunk->numbers.push_back(earlier);
    }
    ends_.emplace_back(begin, too_long ? begin : end);
    chunk->too_long.push_back(too_long);
    overlong_ = false;
    row_marked_ = false;
  }

  std::unique_ptr<ByteSource> source_;
  const int64_t max_line_bytes_;
  const std::unique_ptr<LineJoiner> joiner_;  // null: every line is a row
  const char mark_;
  std::optional<std::string> head_ = std::string();
  size_t size_ = 0;       // of what the chunk's buffer holds
  std::string left_;      // a buffer: of the last read, what comes after its last line...
  size_t left_size_ = 0;  // ...in so many bytes
  std::vector<std::pair<size_t, size_t>> ends_;
  int64_t next_line_ = 1;
  int64_t line_bytes_ = 256;  // of a line of the last chunk, on average
  bool overlong_ = false;     // the line at hand has been too long already
  bool row_marked_ = false;   // the one at hand holds the joiner's mark...
  bool more_lines_ = false;   // ...and may hold line ends
  // In the chunk's buffer: the first mark from the row at hand on, or where none was found so far; and what
  // was looked through.
  size_t next_mark_ = 0, marks_scanned_ = 0;
  size_t passed_ = 0;  // bytes of rows that the joiner hasn't heard of
  bool at_end_ = false;
};

class LineScanner : public RowScanner {
 public:
  std::optional<size_t> RowBytes(absl::string_view bytes, bool last) override {
    const size_t end = bytes.find('\n', scanned_);
    scanned_ = 0;
    if (end != absl::string_view::npos) return end + 1;
    if (last && !bytes.empty()) return bytes.size();
    scanned_ = bytes.size();
    return std::nullopt;
  }
  void Drop() override { scanned_ = 0; }

 private:
  size_t scanned_ = 0;
};

class LineFramingImpl : public RowFraming {
 public:
  std::unique_ptr<RowScanner> MakeScanner() const override { return std::make_unique<LineScanner>(); }
  absl::string_view Row(absl::string_view bytes, bool first) const override {
    if (first) absl::ConsumePrefix(&bytes, kByteOrderMark);
    absl::ConsumeSuffix(&bytes, "\n");
    absl::ConsumeSuffix(&bytes, "\r");
    return bytes;
  }
  absl::string_view end() const override { return "\n"; }
  int64_t overhead() const override { return static_cast<int64_t>(kByteOrderMark.size()) + 2; }
  void Append(absl::string_view row, std::string* bytes) const override { absl::StrAppend(bytes, row, "\n"); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<SampleFile>> OpenLineFile(FileSystem& fs, const std::string& path,
                                                         const LineOptions& options,
                                                         std::unique_ptr<LineJoiner> joiner) {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, ByteSource::Open(fs, path));
  auto file = std::make_unique<LineFile>(std::move(source), options, std::move(joiner));
  if (options.has_head) TANDEM_RETURN_IF_ERROR(file->ReadHead(path));
  return file;
}

const RowFraming& LineFraming() {
  static const LineFramingImpl framing;
  return framing;
}

}  // namespace tandem
