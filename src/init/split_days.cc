#include "src/init/split_days.h"

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "src/data/numbers.h"
#include "src/init/column_profile.h"
#include "tandem/durable_files.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kChunkRows = 4096;
constexpr size_t kBufferedBytes = size_t{64} << 20;
constexpr char kUndated[] = "undated";

bool DayOf(absl::string_view text, std::string* day) {
  const absl::string_view stripped = absl::StripAsciiWhitespace(text);
  double seconds = 0;
  if (!ParseMomentText(stripped, &seconds)) {
    if (ParseNumber(stripped, &seconds) != RowFault::kNone) return false;
    if (std::abs(seconds) >= 1e11) seconds /= 1000;
  }
  if (std::abs(seconds) > 1e11) return false;
  const absl::CivilDay civil =
      absl::ToCivilDay(absl::UnixEpoch() + absl::Seconds(seconds), absl::UTCTimeZone());
  *day = absl::FormatCivilTime(civil);
  return day->size() == 10;
}

class DaySplitter {
 public:
  DaySplitter(FileSystem& fs, const proto::Data& data, std::string column, std::string folder)
      : fs_(fs),
        format_(MakeSampleFormat(data)),
        column_(std::move(column)),
        folder_(std::move(folder)),
        extension_(format_->look().extension()) {}

  absl::Status Read(const std::string& path) {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<SampleFile> file, format_->Open(fs_, path));
    if (!file->head().has_value()) return absl::OkStatus();
    if (!head_.has_value()) head_ = *file->head();
    if (*head_ != *file->head())
      return DataError(path,
                       ": its header is another one than that of the first file; split them one by one");
    const std::unique_ptr<CellReader> reader = format_->MakeCellReader({}, *file->head());
    for (RawRows chunk;;) {
      TANDEM_RETURN_IF_ERROR(file->Read(kChunkRows, &chunk));
      if (chunk.rows.empty()) return absl::OkStatus();
      for (size_t i = 0; i < chunk.rows.size(); ++i) {
        if (chunk.too_long[i])
          return DataError(path, ":", chunk.first_row + static_cast<int64_t>(i),
                           ": too long a row to be kept");
        if (static_cast<int>(i) == chunk.cut_off) return DataError(path, ": ", kCutOffRow);
        Add(chunk.rows[i], reader.get());
      }
      if (buffered_ > kBufferedBytes) TANDEM_RETURN_IF_ERROR(Flush());
    }
  }

  absl::Status Flush() {
    for (auto& [day, file] : files_) {
      if (file.buffer.empty()) continue;
      const std::string path = absl::StrCat(folder_, "/", day, extension_);
      absl::StatusOr<std::unique_ptr<WritableFile>> opened =
          file.size == 0 ? fs_.Create(path) : fs_.OpenForAppend(path, file.size);
      if (!opened.ok()) return opened.status();
      TANDEM_RETURN_IF_ERROR((*opened)->Append(file.buffer));
      TANDEM_RETURN_IF_ERROR((*opened)->Close());
      file.size += static_cast<int64_t>(file.buffer.size());
      std::string().swap(file.buffer);
    }
    buffered_ = 0;
    return absl::OkStatus();
  }

  SplitDays result(const std::string& folder) const {
    SplitDays days{absl::StrCat(folder, "/{date}", extension_), {}, rows_, undated_};
    for (const auto& [day, file] : files_) {
      if (day != kUndated) days.days.push_back(day);
    }
    return days;
  }

 private:
  struct DayFile {
    std::string buffer;
    int64_t size = 0;  // written
  };

  void Add(absl::string_view row, CellReader* reader) {
    ++rows_;
    std::string day = kUndated;
    bool dated = false;
    if (reader->Read(row) == RowFault::kNone) {
      for (const CellReader::Cell& cell : reader->cells()) {
        if (reader->columns()[cell.column] == column_) dated = DayOf(cell.text, &day);
      }
    }
    if (!dated) {
      day = kUndated;
      ++undated_;
    }
    DayFile& file = files_[day];
    const size_t before = file.buffer.size();
    if (file.size == 0 && before == 0 && format_->has_head()) format_->framing().Append(*head_, &file.buffer);
    format_->framing().Append(row, &file.buffer);
    buffered_ += file.buffer.size() - before;
  }

  FileSystem& fs_;
  const std::unique_ptr<const SampleFormat> format_;
  const std::string column_;
  const std::string folder_;
  const std::string extension_;
  std::optional<std::string> head_;
  std::map<std::string, DayFile> files_;
  size_t buffered_ = 0;
  int64_t rows_ = 0;
  int64_t undated_ = 0;
};

}  // namespace

absl::StatusOr<SplitDays> SplitByDay(FileSystem& fs, const proto::Data& data,
                                     const std::vector<std::string>& files, const std::string& column,
                                     const std::string& folder) {
  SplitDays days;
  const absl::Status status = WriteDirectory(fs, folder, [&](const std::string& aside) {
    DaySplitter splitter(fs, data, column, aside);
    for (const std::string& file : files) TANDEM_RETURN_IF_ERROR(splitter.Read(file));
    TANDEM_RETURN_IF_ERROR(splitter.Flush());
    days = splitter.result(folder);
    if (days.days.empty())
      return DataError("no row has a time in its column '", column,
                       "' (2016-03-27 00:53:11, 2016-03-27, or seconds since 1970)");
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return days;
}

}  // namespace tandem
