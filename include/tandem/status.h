// The kinds of failure that a user meets, and the exit code that stands for each.
//
//   if (days.empty()) return DataError("data.path: no file for ", date, "; looked for '", path, "'");
//   ...
//   return ExitCode(status);
//
// A message says what, where, and the likely fix; it is one line, and never only an errno.
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_STATUS_H_
#define TANDEM_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tandem {

// Exit codes of the command line.
inline constexpr int kExitDone = 0;
inline constexpr int kExitInternal = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitData = 3;
inline constexpr int kExitModel = 4;

// The command line or the configuration is wrong (kInvalidArgument, exit code 2).
template <typename... Args>
absl::Status ConfigError(const Args&... args) {
  return absl::InvalidArgumentError(absl::StrCat(args...));
}

// The samples can't be used: absent, unreadable, too many malformed rows (kOutOfRange, exit code 3).
template <typename... Args>
absl::Status DataError(const Args&... args) {
  return absl::OutOfRangeError(absl::StrCat(args...));
}

// A checkpoint or bundle is damaged or isn't one (kDataLoss, exit code 4).
template <typename... Args>
absl::Status ModelError(const Args&... args) {
  return absl::DataLossError(absl::StrCat(args...));
}

// 0, 2, 3 or 4 for the kinds above, 1 for everything else.
inline int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kOutOfRange:
      return kExitData;
    case absl::StatusCode::kDataLoss:
      return kExitModel;
    default:
      return kExitInternal;
  }
}

}  // namespace tandem

// Returns from the calling function unless `expression` is OK.
#define TANDEM_RETURN_IF_ERROR(expression)         \
  do {                                             \
    absl::Status tandem_status = (expression);     \
    if (!tandem_status.ok()) return tandem_status; \
  } while (false)

#define TANDEM_CONCAT_INNER(a, b) a##b
#define TANDEM_CONCAT(a, b) TANDEM_CONCAT_INNER(a, b)

// TANDEM_ASSIGN_OR_RETURN(auto value, Function()): unwraps a StatusOr, or returns its status.
#define TANDEM_ASSIGN_OR_RETURN(declaration, expression) \
  TANDEM_ASSIGN_OR_RETURN_INNER(TANDEM_CONCAT(tandem_status_or_, __LINE__), declaration, expression)
// NOLINTBEGIN(bugprone-macro-parentheses): names and declarations can't stand in parentheses.
#define TANDEM_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                          \
  if (!result.ok()) return result.status();                            \
  declaration = std::move(result).value()
// NOLINTEND(bugprone-macro-parentheses)

#endif  // TANDEM_STATUS_H_
