#include <fcntl.h>
#include <glog/logging.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/util/progress.h"
#include "tandem/reader.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Rows of a file that are reported one by one.
constexpr int kReported = 10;
// From here on a file that is bad enough stops the run before its end.
constexpr int64_t kJudgedEarlyFrom = 1000;

// How many digits of a date the name holds: 8 for dt=2000-11-20 or 20001120, 4 for 2000, 0 for part-00001.
int DateDigits(absl::string_view name) {
  const std::string text = absl::StrReplaceAll(name, {{"-", ""}, {"_", ""}});
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && absl::ascii_isdigit(text[end])) ++end;
    const absl::string_view digits = absl::string_view(text).substr(begin, end - begin);
    const bool century = absl::StartsWith(digits, "19") || absl::StartsWith(digits, "20");
    if (century && digits.size() >= 8) return 8;
    if (century && (digits.size() == 4 || digits.size() == 6)) return static_cast<int>(digits.size());
    begin = end + 1;
  }
  return 0;
}

// part-0.gz of dt=2000-11-20/ becomes dt=2000-11-20_part-0, that of 2000/11/20/ becomes 2000_11_20_part-0:
// other days have a part-0 too.
std::string QuarantineName(const std::string& file) {
  absl::string_view path = file;
  if (path == "-") path = "standard-input";
  absl::ConsumeSuffix(&path, ".gz");
  absl::ConsumeSuffix(&path, ".zst");
  std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  const auto name = parts.end() - 1;
  if (DateDigits(*name) == 8) return std::string(*name);
  auto first = name;
  while (first != parts.begin() && (first == name || DateDigits(*first) == 0)) --first;
  return DateDigits(*first) > 0 ? absl::StrJoin(first, parts.end(), "_") : std::string(*name);
}

absl::Status WriteFailed(const std::string& path) {
  return absl::InternalError(absl::StrCat(path, ": ", std::strerror(errno)));
}

}  // namespace

// What is known of the file at hand.
struct Quarantine::File {
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
  absl::Status Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(descriptor, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return WriteFailed(path);
      bytes.remove_prefix(n);
    }
    return absl::OkStatus();
  }

  std::string name, header, path;
  int descriptor = -1;
  int64_t rows = 0;
  int64_t bad = 0;
  std::array<int64_t, kRowFaults> by_fault = {};
  std::string first;
};

Quarantine::Quarantine(std::string directory, double max_bad_fraction)
    : directory_(std::move(directory)), max_bad_fraction_(max_bad_fraction) {}

Quarantine::~Quarantine() = default;

void Quarantine::BeginFile(const std::string& file, const std::string& header) {
  file_ = std::make_unique<File>();
  file_->name = file;
  file_->header = header;
  if (directory_.empty()) return;
  const std::string name = QuarantineName(file);
  // a/clicks.tsv and b/clicks.tsv of one day, or clicks.tsv and clicks.tsv.gz.
  std::string unique = name;
  for (int copy = 2; !names_.emplace(unique, file).second && names_[unique] != file; ++copy) {
    unique = absl::StrCat(name, "-", copy);
  }
  file_->path = absl::StrCat(directory_, "/", unique);
  unlink(file_->path.c_str());
}

void Quarantine::GoodRows(int64_t rows) {
  rows_read_ += rows;
  file_->rows += rows;
}

absl::Status Quarantine::BadRow(int64_t line_number, RowFault fault, absl::string_view detail,
                                absl::string_view line) {
  ++rows_read_;
  ++rows_bad_;
  ++by_fault_[static_cast<int>(fault)];
  File& file = *file_;
  ++file.rows;
  ++file.bad;
  ++file.by_fault[static_cast<int>(fault)];
  if (file.bad == 1) file.first = absl::StrCat("line ", line_number, ": ", detail);
  if (!directory_.empty()) {
    if (file.descriptor < 0) {
      mkdir(directory_.c_str(), 0777);
      file.descriptor = open(file.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
      if (file.descriptor < 0) return WriteFailed(file.path);
      if (!file.header.empty()) TANDEM_RETURN_IF_ERROR(file.Write(file.header + "\n"));
    }
    TANDEM_RETURN_IF_ERROR(file.Write(absl::StrCat(line, "\n")));
  }
  if (file.bad <= kReported) {
    LOG(WARNING) << file.name << ":" << line_number << ": " << detail
                 << (directory_.empty() ? "" : absl::StrCat("; row set aside in ", file.path));
  } else if (file.bad == kReported + 1) {
    LOG(WARNING) << file.name << ": further malformed rows are only counted";
  }
  return absl::OkStatus();
}

absl::Status Quarantine::JudgeSoFar() const {
  return file_->rows >= kJudgedEarlyFrom ? Judge() : absl::OkStatus();
}

absl::Status Quarantine::Judge() const {
  const File& file = *file_;
  // A quotient, rounded as the option was: 29 of 100 are not more than 0.29.
  if (file.bad == 0 || static_cast<double>(file.bad) / static_cast<double>(file.rows) <= max_bad_fraction_) {
    return absl::OkStatus();
  }
  return DataError(file.name, ": ", FormatCount(file.bad), " of ", FormatCount(file.rows),
                   " rows are malformed (", FaultCounts(file.by_fault), "), more than data.max_bad_fraction ",
                   max_bad_fraction_, "; the first is ", file.first);
}

absl::Status Quarantine::EndFile() {
  const File& file = *file_;
  if (file.descriptor >= 0 && fsync(file.descriptor) != 0) return WriteFailed(file.path);
  if (file.bad > kReported) {
    LOG(WARNING) << file.name << ": " << FormatCount(file.bad) << " of " << FormatCount(file.rows)
                 << " rows are malformed (" << FaultCounts(file.by_fault) << ")";
  }
  absl::Status verdict = Judge();
  file_.reset();
  return verdict;
}

std::string FaultCounts(const std::array<int64_t, kRowFaults>& by_fault) {
  std::vector<std::string> parts;
  for (int fault = 1; fault < kRowFaults; ++fault) {
    if (by_fault[fault] == 0) continue;
    parts.push_back(
        absl::StrCat(RowFaultName(static_cast<RowFault>(fault)), " ", FormatCount(by_fault[fault])));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace tandem
