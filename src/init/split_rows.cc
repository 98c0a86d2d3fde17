#include "src/init/split_rows.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tandem {
namespace {

class Splitter {
 public:
  Splitter(absl::string_view text, char delimiter, char quote)
      : text_(text), delimiter_(delimiter), quote_(quote) {}

  // The next row; `ended`: by a line end.
  bool Next(std::vector<std::string>* row, bool* ended, GuessedRows* counts) {
    row->clear();
    *ended = false;
    if (at_ >= text_.size()) return false;
    for (;;) {
      row->push_back(Cell(counts));
      if (at_ >= text_.size()) return true;
      const char byte = text_[at_++];
      if (byte != '\n') continue;
      if (!row->back().empty() && row->back().back() == '\r') row->back().pop_back();
      *ended = true;
      return true;
    }
  }

 private:
  bool AtCellEnd() const {
    if (at_ >= text_.size() || text_[at_] == delimiter_ || text_[at_] == '\n') return true;
    return text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n';
  }

  std::string Cell(GuessedRows* counts) {
    std::string cell;
    if (quote_ != 0 && at_ < text_.size() && text_[at_] == quote_) {
      ++counts->quoted;
      ++at_;
      while (at_ < text_.size()) {
        if (text_[at_] != quote_) {
          cell += text_[at_++];
        } else if (at_ + 1 < text_.size() && text_[at_ + 1] == quote_) {
          cell += quote_;
          at_ += 2;
        } else {
          ++at_;
          break;
        }
      }
      counts->broken += AtCellEnd() ? 0 : 1;
    }
    while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n') cell += text_[at_++];
    return cell;
  }

  absl::string_view text_;
  char delimiter_;
  char quote_;
  size_t at_ = 0;
};

}  // namespace

double GuessedRows::WidthShare(int* width) const {
  std::map<int, int> by_width;
  for (const auto& row : rows) ++by_width[static_cast<int>(row.size())];
  int most = 0;
  *width = 0;
  for (const auto& [cells, count] : by_width) {
    if (count < most) continue;
    most = count;
    *width = cells;
  }
  return rows.empty() ? 0 : static_cast<double>(most) / static_cast<double>(rows.size());
}

GuessedRows SplitRows(absl::string_view text, char delimiter, char quote, bool whole, int most_rows) {
  GuessedRows found;
  Splitter splitter(text, delimiter, quote);
  std::vector<std::string> row;
  bool ended = false;
  while (static_cast<int>(found.rows.size()) < most_rows && splitter.Next(&row, &ended, &found)) {
    const bool blank = row.size() == 1 && row[0].empty();
    if (!blank && (ended || whole)) found.rows.push_back(row);
  }
  return found;
}

}  // namespace tandem
