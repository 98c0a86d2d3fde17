#include "tandem/quarantine.h"

#include <glog/logging.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "src/util/packed_name.h"
#include "src/util/progress.h"
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
  path = UnpackedName(path);
  std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  const auto name = parts.end() - 1;
  if (DateDigits(*name) == 8) return std::string(*name);
  auto first = name;
  while (first != parts.begin() && (first == name || DateDigits(*first) == 0)) --first;
  return DateDigits(*first) > 0 ? absl::StrJoin(first, parts.end(), "_") : std::string(*name);
}

}  // namespace

// What is known of the file at hand.
struct Quarantine::File {
  std::string name, head, path;
  std::unique_ptr<WritableFile> aside;  // null as long as it has no rows
  int64_t rows = 0;
  int64_t bad = 0;
  std::array<int64_t, kRowFaults> by_fault = {};
  std::array<int64_t, kRowFaults> passed_over = {};
  std::string first;
};

Quarantine::Quarantine(FileSystem& fs, std::string directory, double max_bad_fraction)
    : fs_(fs), directory_(std::move(directory)), max_bad_fraction_(max_bad_fraction) {}

Quarantine::~Quarantine() {
  if (file_ == nullptr || file_->aside == nullptr) return;
  const absl::Status closed = file_->aside->Close();
  if (!closed.ok()) LOG(WARNING) << closed.message();
}

absl::Status Quarantine::BeginFile(const std::string& file, absl::string_view head) {
  file_ = std::make_unique<File>();
  file_->name = file;
  file_->head = std::string(head);
  if (directory_.empty()) return absl::OkStatus();
  const std::string name = QuarantineName(file);
  // a/clicks.tsv and b/clicks.tsv of one day, or clicks.tsv and clicks.tsv.gz.
  std::string unique = name;
  for (int copy = 2; !names_.emplace(unique, file).second && names_[unique] != file; ++copy) {
    unique = absl::StrCat(name, "-", copy);
  }
  file_->path = absl::StrCat(directory_, "/", unique);
  return fs_.RemoveAll(file_->path);
}

void Quarantine::GoodRows(int64_t rows) {
  rows_read_ += rows;
  file_->rows += rows;
}

absl::Status Quarantine::SetAside(absl::string_view row) {
  File& file = *file_;
  if (file.aside == nullptr) {
    TANDEM_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
    TANDEM_ASSIGN_OR_RETURN(file.aside, fs_.Create(file.path));
    TANDEM_RETURN_IF_ERROR(file.aside->Append(file.head));
  }
  return file.aside->Append(row);
}

absl::Status Quarantine::BadRow(int64_t number, RowFault fault, absl::string_view detail,
                                absl::string_view row) {
  if (fault == RowFault::kHeader) return DataError(file_->name, ":", number, ": ", detail);
  if (IsPassedOver(fault)) {
    ++rows_passed_over_;
    ++file_->passed_over[static_cast<int>(fault)];
    return absl::OkStatus();
  }
  ++rows_read_;
  ++rows_bad_;
  ++by_fault_[static_cast<int>(fault)];
  File& file = *file_;
  ++file.rows;
  ++file.bad;
  ++file.by_fault[static_cast<int>(fault)];
  if (file.bad == 1) file.first = absl::StrCat(file.name, ":", number, ": ", detail);
  if (!directory_.empty()) TANDEM_RETURN_IF_ERROR(SetAside(row));
  if (file.bad <= kReported) {
    LOG(WARNING) << file.name << ":" << number << ": " << detail
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
  if (file.aside != nullptr) {
    TANDEM_RETURN_IF_ERROR(file.aside->Sync());
    TANDEM_RETURN_IF_ERROR(file.aside->Close());
    // A checkpoint to come counts on its name, too.
    TANDEM_RETURN_IF_ERROR(fs_.SyncDirectory(directory_));
  }
  const std::string passed_over = FaultCounts(file.passed_over);
  if (!passed_over.empty()) LOG(INFO) << file.name << ": passed over: " << passed_over;
  if (file.bad > kReported) {
    LOG(WARNING) << file.name << ": " << FormatCount(file.bad) << " of " << FormatCount(file.rows)
                 << " rows are malformed (" << FaultCounts(file.by_fault) << ")";
  }
  absl::Status verdict = Judge();
  file_.reset();
  return verdict;
}

}  // namespace tandem
