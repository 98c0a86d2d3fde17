#include "src/data/framed_file.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/data/byte_source.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int64_t kReadBytes = 1 << 16;
// A chunk of longer rows ends here, whatever the number of rows asked for.
constexpr size_t kChunkBytes = 1 << 24;

class FramedFile : public SampleFile {
 public:
  FramedFile(std::string path, std::unique_ptr<ByteSource> source, const RowFraming& framing,
             int64_t max_row_bytes)
      : path_(std::move(path)),
        source_(std::move(source)),
        framing_(framing),
        scanner_(framing.MakeScanner()),
        max_row_bytes_(max_row_bytes) {}

  const std::optional<std::string>& head() const override { return head_; }

  absl::Status Read(int max_rows, RawRows* chunk) override {
    chunk->Clear();
    chunk->first_row = next_number_;
    chunk->bytes.swap(left_);
    places_.clear();
    size_t begin = 0, scanned = 0;
    while (static_cast<int>(places_.size()) < max_rows && begin < kChunkBytes) {
      if (scanned < chunk->bytes.size()) {
        const std::optional<size_t> bytes = scanner_->RowBytes(Rest(*chunk, begin), /*last=*/false);
        if (bytes.has_value()) {
          scanned = begin = AddRow(begin, *bytes, chunk);
          continue;
        }
        if (const std::string damage = scanner_->Damage(); !damage.empty())
          return DamagedRows(path_, offset_, damage, next_number_);
        // Of a row that is too long only the fact is kept.
        if (static_cast<int64_t>(chunk->bytes.size() - begin) > max_row_bytes_ + framing_.overhead()) {
          scanner_->Drop();
          dropped_ += static_cast<int64_t>(chunk->bytes.size() - begin);
          chunk->bytes.resize(begin);
        }
        scanned = chunk->bytes.size();
      }
      TANDEM_ASSIGN_OR_RETURN(const bool more, Fill(&chunk->bytes));
      if (more) continue;
      if (begin == chunk->bytes.size() && dropped_ == 0) break;
      const std::optional<size_t> bytes = scanner_->RowBytes(Rest(*chunk, begin), /*last=*/true);
      if (framing_.end().empty()) {
        if (dropped_ > 0) return DamagedRows(path_, offset_, EndsInTooLongRow(max_row_bytes_), next_number_);
        chunk->cut_off = static_cast<int>(places_.size());
      }
      scanned = begin = AddRow(begin, bytes.value_or(0), chunk);
    }
    left_.assign(chunk->bytes, begin, std::string::npos);
    // The bytes have moved as they grew.
    for (const auto& [from, size] : places_) chunk->rows.emplace_back(chunk->bytes.data() + from, size);
    return absl::OkStatus();
  }

 private:
  static absl::string_view Rest(const RawRows& chunk, size_t begin) {
    return absl::string_view(chunk.bytes).substr(begin);
  }

  // Reads on behind `bytes`; false at the end.
  absl::StatusOr<bool> Fill(std::string* bytes) {
    const size_t before = bytes->size();
    bytes->resize(before + kReadBytes);
    const absl::StatusOr<int64_t> read = source_->Read(&(*bytes)[before], kReadBytes);
    bytes->resize(before + read.value_or(0));
    if (!read.ok()) {
      return absl::Status(read.status().code(),
                          absl::StrCat(read.status().message(), ", at row ", next_number_));
    }
    return *read > 0;
  }

  // Returns where the next one begins.
  size_t AddRow(size_t begin, size_t bytes, RawRows* chunk) {
    const absl::string_view all(chunk->bytes.data() + begin, bytes);
    const absl::string_view row = framing_.Row(all, /*first=*/next_number_ == 1 && dropped_ == 0);
    const bool too_long = dropped_ > 0 || static_cast<int64_t>(row.size()) > max_row_bytes_;
    const size_t from = begin + (row.empty() ? 0 : row.data() - all.data());
    places_.emplace_back(from, too_long ? 0 : row.size());
    chunk->too_long.push_back(too_long);
    chunk->numbers.push_back(next_number_);
    const int64_t file_bytes = dropped_ + static_cast<int64_t>(bytes);
    chunk->file_bytes += file_bytes;
    offset_ += file_bytes;
    next_number_ += framing_.Numbers(row);
    dropped_ = 0;
    return begin + bytes;
  }

  const std::string path_;
  const std::unique_ptr<ByteSource> source_;
  const RowFraming& framing_;
  const std::unique_ptr<RowScanner> scanner_;
  const int64_t max_row_bytes_;
  const std::optional<std::string> head_ = std::string();
  std::string left_;                               // of the last read, what comes after its last row
  std::vector<std::pair<size_t, size_t>> places_;  // of the chunk's rows in its buffer: begin and bytes
  int64_t next_number_ = 1;
  int64_t offset_ = 0;   // in the file, of the row at hand
  int64_t dropped_ = 0;  // bytes of the row at hand that were too many to keep
};

}  // namespace

absl::StatusOr<std::unique_ptr<SampleFile>> OpenFramedFile(FileSystem& fs, const std::string& path,
                                                           const RowFraming& framing, int64_t max_row_bytes) {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, ByteSource::Open(fs, path, ContentOf(framing)));
  return std::make_unique<FramedFile>(path, std::move(source), framing, max_row_bytes);
}

absl::Status DamagedRows(absl::string_view path, int64_t bytes, absl::string_view why, int64_t row) {
  return DataError(path == "-" ? "standard input" : path, ": damaged rows after ", bytes, " bytes: ", why,
                   ", at row ", row);
}

std::string EndsInTooLongRow(int64_t max_row_bytes) {
  return absl::StrCat("the file ends in the middle of a row of more than ", max_row_bytes,
                      " bytes, the most that one may have: its length is damaged, or the file is truncated");
}

}  // namespace tandem
