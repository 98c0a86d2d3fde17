#include "src/train/completion.h"

#include <glog/logging.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/util/format_version.h"
#include "tandem/durable_files.h"

namespace tandem {
namespace {

std::string CompletionPath(const std::string& run_dir) { return run_dir + "/complete"; }

// The number of a line "name 412", which is taken away.
bool TakeLine(absl::string_view name, absl::string_view* text, int64_t* number) {
  const size_t newline = text->find('\n');
  if (newline == absl::string_view::npos) return false;
  absl::string_view line = text->substr(0, newline);
  text->remove_prefix(newline + 1);
  return absl::ConsumePrefix(&line, name) && absl::SimpleAtoi(line, number);
}

}  // namespace

absl::Status WriteCompletion(FileSystem& fs, const std::string& run_dir, int64_t step) {
  return WriteFileAtomically(fs, CompletionPath(run_dir),
                             absl::StrCat("step ", step, "\nformat ", kFormatVersion, "\n"));
}

absl::StatusOr<std::optional<int64_t>> ReadCompletion(FileSystem& fs, const std::string& run_dir) {
  const std::string path = CompletionPath(run_dir);
  if (!fs.Exists(path)) return std::optional<int64_t>();
  TANDEM_ASSIGN_OR_RETURN(const std::string bytes, fs.ReadFile(path));
  absl::string_view text = bytes;
  int64_t step = 0, version = kFormatWithoutVersion;
  if (!TakeLine("step ", &text, &step) || (!text.empty() && !TakeLine("format ", &text, &version)))
    return ModelError(path, ": not a run's 'step N'; remove it, and a resumed run looks what is left to do");
  TANDEM_RETURN_IF_ERROR(CheckFormatVersion(static_cast<int>(version), path));
  return std::optional<int64_t>(step);
}

absl::StatusOr<bool> IsComplete(FileSystem& fs, const std::string& run_dir, int64_t step) {
  TANDEM_ASSIGN_OR_RETURN(const std::optional<int64_t> ended, ReadCompletion(fs, run_dir));
  if (!ended.has_value()) return false;
  if (*ended == step) return true;
  LOG(WARNING) << run_dir << " was complete at step " << *ended
               << ", but its newest checkpoint is that of step " << step << ": training on from there";
  TANDEM_RETURN_IF_ERROR(RemoveCompletion(fs, run_dir));
  return false;
}

absl::Status RemoveCompletion(FileSystem& fs, const std::string& run_dir) {
  return fs.RemoveAll(CompletionPath(run_dir));
}

}  // namespace tandem
