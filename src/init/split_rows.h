// Text as rows of cells under a delimiter and a quote that are only guessed at: to compare guesses by.
//
//   const GuessedRows rows = SplitRows(text, ';', '"', /*whole=*/false);
//   rows.WidthShare(&width);           // the share of rows that have as many cells as most
#ifndef TANDEM_SRC_INIT_SPLIT_ROWS_H_
#define TANDEM_SRC_INIT_SPLIT_ROWS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tandem {

struct GuessedRows {
  // Of rows that aren't blank.
  std::vector<std::vector<std::string>> rows;
  int quoted = 0;  // cells that begin with the quote...
  int broken = 0;  // ...and end otherwise
  // The most frequent number of cells of a row, and the share of the rows that have it.
  double WidthShare(int* width) const;
};

// At most `most_rows`; the last row is left out unless the text is the `whole` file. quote 0: none.
GuessedRows SplitRows(absl::string_view text, char delimiter, char quote, bool whole, int most_rows = 1000);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_SPLIT_ROWS_H_
