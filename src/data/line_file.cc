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
  LineFile(std::unique_ptr<ByteSource> source, int64_t max_line_bytes)
      : source_(std::move(source)), max_line_bytes_(max_line_bytes) {}

  // The first line is the head.
  absl::Status ReadHead(const std::string& path) {
    head_.reset();
    RawRows line;
    TANDEM_RETURN_IF_ERROR(Read(1, &line));
    if (line.rows.empty()) return absl::OkStatus();
    if (line.too_long[0]) {
      return DataError(path, ":1: the header line is longer than max_line_bytes ", max_line_bytes_);
    }
    head_ = std::string(line.rows[0]);
    return absl::OkStatus();
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
    while (static_cast<int>(ends_.size()) < max_lines && begin < kChunkBytes) {
      const char* bytes = chunk->bytes.data();
      const void* found = size_ == scanned ? nullptr : std::memchr(bytes + scanned, '\n', size_ - scanned);
      if (found != nullptr) {
        const size_t end = static_cast<const char*>(found) - bytes;
        AddLine(begin, end, chunk);
        begin = scanned = end + 1;
        continue;
      }
      scanned = size_;
      // Of a line that is too long only the fact is kept. A "\r" or a byte order mark, still there, doesn't
      // count.
      if (static_cast<int64_t>(scanned - begin) >
          max_line_bytes_ + 1 + static_cast<int64_t>(kByteOrderMark.size())) {
        overlong_ = true;
        size_ = scanned = begin;
      }
      TANDEM_ASSIGN_OR_RETURN(const bool more,
                              Fill(max_lines - static_cast<int>(ends_.size()), &chunk->bytes));
      if (more) continue;
      if (size_ > begin || overlong_) AddLine(begin, size_, chunk);
      begin = size_;
      break;
    }
    left_size_ = size_ - begin;
    if (left_.size() < left_size_) left_.resize(chunk->bytes.size());
    if (left_size_ > 0) std::memcpy(&left_[0], chunk->bytes.data() + begin, left_size_);
    for (const auto& [from, to] : ends_) chunk->rows.emplace_back(chunk->bytes.data() + from, to - from);
    next_line_ += static_cast<int64_t>(ends_.size());
    chunk->file_bytes = static_cast<int64_t>(begin);
    if (!ends_.empty()) line_bytes_ = static_cast<int64_t>(begin / ends_.size()) + 1;
    return absl::OkStatus();
  }

 private:
  // Reads on behind `bytes`[size_], about what `lines` lines take; false at the end. The buffer only grows.
  absl::StatusOr<bool> Fill(int lines, std::string* bytes) {
    if (at_end_) return false;
    const int64_t wanted = std::clamp(lines * line_bytes_, kFewestReadBytes, kMostReadBytes);
    if (bytes->size() < size_ + wanted) bytes->resize(size_ + wanted + size_ / 8);
    const absl::StatusOr<int64_t> read = source_->Read(&(*bytes)[size_], wanted);
    if (!read.ok()) {
      return absl::Status(read.status().code(),
                          absl::StrCat(read.status().message(), ", at line ", next_line_ + ends_.size()));
    }
    size_ += *read;
    at_end_ = *read == 0;
    return *read > 0;
  }

  void AddLine(size_t begin, size_t end, RawRows* chunk) {
    const absl::string_view line(chunk->bytes.data() + begin, end - begin);
    if (next_line_ == 1 && ends_.empty() && absl::StartsWith(line, kByteOrderMark))
      begin += kByteOrderMark.size();
    if (end > begin && chunk->bytes[end - 1] == '\r') --end;
    const bool too_long = overlong_ || static_cast<int64_t>(end - begin) > max_line_bytes_;
    ends_.emplace_back(begin, too_long ? begin : end);
    chunk->too_long.push_back(too_long);
    overlong_ = false;
  }

  std::unique_ptr<ByteSource> source_;
  int64_t max_line_bytes_;
  std::optional<std::string> head_ = std::string();
  size_t size_ = 0;       // of what the chunk's buffer holds
  std::string left_;      // a buffer: of the last read, what comes after its last line...
  size_t left_size_ = 0;  // ...in so many bytes
  std::vector<std::pair<size_t, size_t>> ends_;
  int64_t next_line_ = 1;
  int64_t line_bytes_ = 256;  // of a line of the last chunk, on average
  bool overlong_ = false;     // the line at hand has been too long already
  bool at_end_ = false;
};

class LineFramingImpl : public RowFraming {
 public:
  std::optional<size_t> RowBytes(absl::string_view bytes, size_t scanned) const override {
    const size_t end = bytes.find('\n', scanned);
    return end == absl::string_view::npos ? std::nullopt : std::optional<size_t>(end + 1);
  }
  absl::string_view Row(absl::string_view bytes, bool first) const override {
    if (first) absl::ConsumePrefix(&bytes, kByteOrderMark);
    absl::ConsumeSuffix(&bytes, "\n");
    absl::ConsumeSuffix(&bytes, "\r");
    return bytes;
  }
  absl::string_view end() const override { return "\n"; }
  void Append(absl::string_view row, std::string* bytes) const override { absl::StrAppend(bytes, row, "\n"); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<SampleFile>> OpenLineFile(FileSystem& fs, const std::string& path,
                                                         int64_t max_line_bytes, bool has_head) {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, ByteSource::Open(fs, path));
  auto file = std::make_unique<LineFile>(std::move(source), max_line_bytes);
  if (has_head) TANDEM_RETURN_IF_ERROR(file->ReadHead(path));
  return file;
}

const RowFraming& LineFraming() {
  static const LineFramingImpl framing;
  return framing;
}

}  // namespace tandem
