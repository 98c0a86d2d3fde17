// How a long run shows that it is alive: one line rewritten in place on a terminal, a plain line each
// elsewhere.
//
//   Progress progress(Progress::IsTerminal(stderr), stderr);
//   progress.Update(absl::StrCat(FormatCount(rows), " rows, ", FormatDuration(left), " left"));
//   ...
//   progress.Finish();                       // before anything else is printed
//
// How often to update is the caller's business. Not thread-safe.
#ifndef TANDEM_SRC_UTIL_PROGRESS_H_
#define TANDEM_SRC_UTIL_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <string>

namespace tandem {

class Progress {
 public:
  // `file` must outlive this object.
  Progress(bool terminal, std::FILE* file) : terminal_(terminal), file_(file) {}
  ~Progress() { Finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  static bool IsTerminal(std::FILE* file);

  // Shows `line` (without a newline) in place of the last one; cut to the terminal's width, beyond which it
  // couldn't be rewritten.
  void Update(const std::string& line);
  // Leaves the last line standing and goes to the next; Update may start anew.
  void Finish();

 private:
  const bool terminal_;
  std::FILE* const file_;
  bool open_ = false;
};

// "7s", "3m07s", "1h02m", "2d05h"; "?" for what isn't a duration (negative, infinite, not a number).
std::string FormatDuration(double seconds);

// "1,234,567".
std::string FormatCount(int64_t count);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_PROGRESS_H_
