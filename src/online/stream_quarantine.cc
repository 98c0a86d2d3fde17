#include "src/online/stream_quarantine.h"

#include <glog/logging.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/util/packed_name.h"
#include "src/util/progress.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Rows that are reported one by one.
constexpr int64_t kReported = 10;

std::string FileName(const std::string& input) {
  if (input == "-") return "standard-input";
  return std::string(UnpackedName(std::filesystem::path(input).filename().string()));
}

}  // namespace

StreamQuarantine::StreamQuarantine(FileSystem& fs, const std::string& directory, const std::string& input,
                                   double max_bad_fraction)
    : fs_(fs),
      directory_(directory),
      input_(input == "-" ? "standard input" : input),
      path_(absl::StrCat(directory, "/", FileName(input))),
      max_bad_fraction_(max_bad_fraction) {}

absl::Status StreamQuarantine::Resume(absl::string_view head, proto::OnlineState* state) {
  state_ = state;
  head_ = std::string(head);
  file_ = nullptr;
  name_is_new_ = false;
  state_->mutable_rows_bad()->Resize(kRowFaults, 0);
  if (state_->quarantine_bytes() == 0) return fs_.RemoveAll(path_);
  TANDEM_ASSIGN_OR_RETURN(file_, fs_.OpenForAppend(path_, state_->quarantine_bytes()));
  return absl::OkStatus();
}

absl::Status StreamQuarantine::Write(absl::string_view bytes) {
  if (file_ == nullptr) {
    TANDEM_RETURN_IF_ERROR(fs_.CreateDirectories(directory_));
    TANDEM_ASSIGN_OR_RETURN(file_, fs_.Create(path_));
    name_is_new_ = true;
    if (!head_.empty()) TANDEM_RETURN_IF_ERROR(Write(head_));
  }
  state_->set_quarantine_bytes(state_->quarantine_bytes() + static_cast<int64_t>(bytes.size()));
  return file_->Append(bytes);
}

absl::Status StreamQuarantine::GoodRow() {
  state_->set_rows_good(state_->rows_good() + 1);
  state_->set_judged_rows(state_->judged_rows() + 1);
  return state_->judged_rows() >= kJudgedRows ? Judge() : absl::OkStatus();
}

absl::Status StreamQuarantine::BadRow(int64_t number, RowFault fault, absl::string_view detail,
                                      absl::string_view row) {
  if (fault == RowFault::kHeader) return DataError(input_, ":", number, ": ", detail);
  const int index = static_cast<int>(fault);
  if (IsPassedOver(fault)) {
    state_->set_rows_passed_over(state_->rows_passed_over() + 1);
    return absl::OkStatus();
  }
  state_->set_rows_bad(index, state_->rows_bad(index) + 1);
  state_->set_judged_rows(state_->judged_rows() + 1);
  state_->set_judged_bad(state_->judged_bad() + 1);
  if (state_->judged_bad() == 1) first_ = absl::StrCat(input_, ":", number, ": ", detail);
  TANDEM_RETURN_IF_ERROR(Write(row));
  if (++reported_ <= kReported) {
    LOG(WARNING) << input_ << ":" << number << ": " << detail << "; row set aside in " << path_;
  } else if (reported_ == kReported + 1) {
    LOG(WARNING) << input_ << ": further malformed rows are only counted";
  }
  return state_->judged_rows() >= kJudgedRows ? Judge() : absl::OkStatus();
}

absl::Status StreamQuarantine::Judge() {
  const int64_t rows = state_->judged_rows();
  const int64_t bad = state_->judged_bad();
  if (bad > 0 && static_cast<double>(bad) / static_cast<double>(rows) > max_bad_fraction_) {
    return DataError(input_, ": ", FormatCount(bad), " of the last ", FormatCount(rows),
                     " rows are malformed, more than data.max_bad_fraction ", max_bad_fraction_,
                     first_.empty() ? "" : absl::StrCat("; the first is ", first_));
  }
  state_->set_judged_rows(0);
  state_->set_judged_bad(0);
  first_.clear();
  return absl::OkStatus();
}

absl::Status StreamQuarantine::Sync() {
  if (file_ == nullptr) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(file_->Sync());
  if (!std::exchange(name_is_new_, false)) return absl::OkStatus();
  return fs_.SyncDirectory(directory_);
}

}  // namespace tandem
