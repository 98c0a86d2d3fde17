#include "src/util/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/util/printable.h"

namespace tandem {
namespace {

// The first `width` characters of UTF-8 text.
std::string Cut(const std::string& line, int width) {
  int characters = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool continues = (static_cast<unsigned char>(line[i]) & 0xc0) == 0x80;
    if (!continues && ++characters > width) return line.substr(0, i);
  }
  return line;
}

// Columns of the terminal behind `file`, 0 if unknown.
int Width(std::FILE* file) {
  winsize size = {};
  return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

bool Progress::IsTerminal(std::FILE* file) { return isatty(fileno(file)) == 1; }

void Progress::Update(const std::string& text) {
  const std::string line = Printable(text);
  if (terminal_) {
    const int width = Width(file_);
    // A full last column makes some terminals go to the next line.
    const std::string shown = width > 1 ? Cut(line, width - 1) : line;
    std::fprintf(file_, "\r%s\x1b[K", shown.c_str());
    open_ = true;
  } else {
    std::fprintf(file_, "%s\n", line.c_str());
  }
  std::fflush(file_);
}

void Progress::Finish() {
  if (!open_) return;
  std::fputc('\n', file_);
  std::fflush(file_);
  open_ = false;
}

std::string FormatDuration(double seconds) {
  constexpr double kLongest = 1e12;
  if (!(seconds >= 0 && seconds < kLongest)) return "?";
  const int64_t whole = std::llround(seconds);
  const int64_t minutes = whole / 60;
  const int64_t hours = minutes / 60;
  if (hours >= 24) return absl::StrFormat("%dd%02dh", hours / 24, hours % 24);
  if (hours > 0) return absl::StrFormat("%dh%02dm", hours, minutes % 60);
  if (minutes > 0) return absl::StrFormat("%dm%02ds", minutes, whole % 60);
  return absl::StrFormat("%ds", whole);
}

std::string FormatCount(int64_t count) {
  std::string digits = absl::StrCat(count);
  const int first = count < 0 ? 1 : 0;
  for (int i = static_cast<int>(digits.size()) - 3; i > first; i -= 3) digits.insert(i, ",");
  return digits;
}

}  // namespace tandem
