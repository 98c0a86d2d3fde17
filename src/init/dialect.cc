#include "src/init/dialect.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/data/numbers.h"
#include "src/init/column_profile.h"
#include "src/init/split_rows.h"
#include "tandem/format_look.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// A file that agrees with itself in fewer rows is not cut by that delimiter.
constexpr double kConsistent = 0.95;
constexpr double kHardlyConsistent = 0.7;
// Any text is cut by the bytes of the second line somehow: they are looked at only where those of the first cut nothing.
constexpr absl::string_view kDelimiters = ",\t;|\x01";
constexpr absl::string_view kRareDelimiters = ":~^ ";

using Rows = std::vector<std::vector<std::string>>;

bool IsNumber(absl::string_view text) {
  double number = 0;
  return ParseNumber(absl::StripAsciiWhitespace(text), &number) == RowFault::kNone;
}

// Well-formed UTF-8, but for a character that the end of the text cuts.
bool IsUtf8(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const size_t size = byte < 0x80                   ? 1
                        : byte >= 0xc2 && byte < 0xe0 ? 2
                        : byte >= 0xe0 && byte < 0xf0 ? 3
                        : byte >= 0xf0 && byte < 0xf5 ? 4
                                                      : 0;
    if (size == 0) return false;
    for (size_t i = 1; i < size && at + i < text.size(); ++i) {
      if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return false;
    }
    at += size;
  }
  return true;
}

std::string NameOf(char delimiter) {
  switch (delimiter) {
    case '\t':
      return "tabs";
    case ' ':
      return "blanks";
    default:
      return absl::StrCat("'", absl::CEscape(absl::string_view(&delimiter, 1)), "'");
  }
}

// One way to cut the text, and how well it does.
struct Guess {
  char delimiter = 0;
  bool quoted = false;
  int width = 0;
  double share = 0;
  Rows rows;
};

// With and without quotes.
Guess TryDelimiter(absl::string_view text, bool whole, char delimiter, const proto::Data& given) {
  const auto guess = [&](char quote) {
    GuessedRows rows = SplitRows(text, delimiter, quote, whole);
    Guess result{delimiter, quote != 0, 0, 0, {}};
    result.share = rows.WidthShare(&result.width);
    // The first row has the names: what doesn't cut it like the others is no delimiter.
    if (!rows.rows.empty() && static_cast<int>(rows.rows[0].size()) != result.width) result.share /= 2;
    if (quote != 0 && !given.has_quote() && (rows.quoted == 0 || 20 * rows.broken > rows.quoted))
      result.share = -1;
    result.rows = std::move(rows.rows);
    return result;
  };
  if (given.has_quote()) return guess(given.quote().empty() ? 0 : given.quote()[0]);
  Guess quoted = guess('"');
  Guess plain = guess(0);
  return quoted.share >= plain.share ? quoted : plain;
}

Guess BestGuess(absl::string_view text, bool whole, const proto::Data& given) {
  if (given.delimited().has_delimiter())
    return TryDelimiter(text, whole, given.delimited().delimiter()[0], given);
  Guess best;
  for (const absl::string_view delimiters : {kDelimiters, kRareDelimiters}) {
    for (const char delimiter : delimiters) {
      Guess guess = TryDelimiter(text, whole, delimiter, given);
      if (guess.width < 2 || guess.share < kHardlyConsistent) continue;
      const bool consistent = guess.share >= kConsistent;
      const bool best_is = best.share >= kConsistent;
      const bool better = consistent != best_is ? consistent
                          : consistent          ? guess.width > best.width
                                                : guess.share > best.share;
      if (better) best = std::move(guess);
    }
    if (best.share >= kConsistent) break;
  }
  return best;
}

// Whether all of a column below the first row are numbers, or empty; `seen`: how many numbers.
bool OnlyNumbersBelow(const Rows& rows, size_t c, int* seen) {
  *seen = 0;
  for (size_t r = 1; r < rows.size(); ++r) {
    if (rows[r].size() != rows[0].size()) continue;
    const absl::string_view cell = absl::StripAsciiWhitespace(rows[r][c]);
    if (cell.empty()) continue;
    if (!IsNumber(cell)) return false;
    ++*seen;
  }
  return true;
}

// A text that would be a name, and not one that says that a number is missing.
bool IsName(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isalpha(c) || (c & 0x80) != 0; }) &&
         !IsMissingText(text);
}

// Names are texts, and not among what stands below them. Each is its own; but where one stands above numbers, others may be
// there twice or be missing, as in exports and joins: those columns are left out.
bool LooksLikeHeader(const Rows& rows) {
  const std::vector<std::string>& first = rows[0];
  std::set<std::string> names;
  bool faulty = false;
  for (size_t c = 0; c < first.size(); ++c) {
    const std::string name(absl::StripAsciiWhitespace(first[c]));
    // A table written with its row numbers has no name for them.
    if (name.empty() ? c > 0 : !names.insert(name).second) faulty = true;
    if (!name.empty() && IsNumber(name)) return false;
  }
  size_t again = 0;
  for (size_t c = 0; c < first.size(); ++c) {
    int seen = 0;
    const bool numbers = rows.size() > 1 && OnlyNumbersBelow(rows, c, &seen);
    if (numbers && (!faulty || (seen > 0 && IsName(first[c])))) return true;
    const auto has_it = [&](const auto& row) { return row.size() == first.size() && row[c] == first[c]; };
    again += std::any_of(rows.begin() + 1, rows.end(), has_it) ? 1 : 0;
  }
  return !faulty && 4 * again <= first.size();
}

// `a::b` is cut by ':' into "a", "", "b".
bool HasDoubleDelimiter(const Guess& guess) {
  if (guess.width < 3 || guess.width % 2 == 0) return false;
  for (const auto& row : guess.rows) {
    for (size_t c = 1; c < row.size(); c += 2) {
      if (!row[c].empty()) return false;
    }
  }
  return true;
}

bool IsIndexValue(absl::string_view cell) {
  const size_t colon = cell.find(':');
  return colon != absl::string_view::npos && IsNumber(cell.substr(0, colon)) &&
         IsNumber(cell.substr(colon + 1));
}

// Lines of libsvm or libFM: a label, then index:value.
absl::Status CheckIndexValueLines(absl::string_view text, bool whole, absl::string_view origin, bool* are) {
  const Rows rows = SplitRows(text, ' ', 0, whole, 200).rows;
  *are = !rows.empty();
  size_t width = 0;
  bool all_ones = true;
  bool same_width = true;
  for (const auto& row : rows) {
    size_t items = 0;
    for (size_t c = 1; c < row.size(); ++c) {
      if (row[c].empty()) continue;
      if (!IsIndexValue(row[c])) *are = false;
      all_ones &= absl::EndsWith(row[c], ":1");
      ++items;
    }
    if (!IsNumber(row[0]) || items == 0) *are = false;
    if (!*are) return absl::OkStatus();
    if (width == 0) width = row.size();
    same_width &= width == row.size();
  }
  if (!*are || (same_width && all_ones)) return absl::OkStatus();
  return DataError(
      origin,
      ": lines of index:value (libsvm, libFM), which aren't read unless every line has as many, each of "
      "value 1; write one column a feature, or JSON lines with {\"label\": 1, \"ids\": {\"266\": 1, ...}}");
}

// "item" of item=i3; empty where the cell has no name.
absl::string_view NameInCell(absl::string_view cell) {
  const size_t equals = cell.find('=');
  if (equals == absl::string_view::npos || equals + 1 == cell.size()) return "";
  const absl::string_view name = cell.substr(0, equals);
  const auto of_names = [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.'; };
  const bool is_name =
      !name.empty() && !absl::ascii_isdigit(name[0]) && std::all_of(name.begin(), name.end(), of_names);
  return is_name ? name : "";
}

// Lines of user=u5|item=i3|label=0: most cells of most columns have a name within, of which there are few.
absl::Status CheckNamesInCells(const Guess& guess, absl::string_view origin) {
  std::vector<size_t> cells(guess.width), named(guess.width);
  std::set<std::string> names;
  std::string example;
  for (const auto& row : guess.rows) {
    if (row.size() != cells.size()) continue;
    for (size_t c = 0; c < row.size(); ++c) {
      const absl::string_view name = NameInCell(absl::StripAsciiWhitespace(row[c]));
      if (!row[c].empty()) ++cells[c];
      if (name.empty()) continue;
      ++named[c];
      names.emplace(name);
      if (example.empty()) example = row[c];
      // Ids that happen to look so.
      if (names.size() > 2 * cells.size()) return absl::OkStatus();
    }
  }
  size_t columns = 0;
  for (size_t c = 0; c < cells.size(); ++c) columns += 10 * named[c] > 9 * cells[c] ? 1 : 0;
  if (2 * columns <= cells.size()) return absl::OkStatus();
  return DataError(
      origin, ": this looks like key=value text, which isn't read: in ", columns, " of ", cells.size(),
      " columns cells begin with a name ('", absl::CEscape(example),
      "'), which would be part of every value and of the label; write the names once, in a header line, or JSON "
      "lines, or see docs/how_to_add_a_sample_format.md; where such cells are meant as they are, name "
      "data.delimited.delimiter");
}

void NameColumns(const Guess& guess, bool double_delimiter, const proto::Data& given, Dialect* dialect) {
  proto::Delimited* delimited = dialect->data.mutable_delimited();
  if (delimited->header() || given.delimited().column_size() > 0) return;
  for (int c = 0; c < guess.width; ++c) {
    const bool gap = double_delimiter && c % 2 == 1;
    const int number = double_delimiter ? c / 2 + 1 : c + 1;
    delimited->add_column(absl::StrCat(gap ? "gap_" : "column_", number));
  }
  dialect->notes.push_back(
      "The files have no header line: the columns have names by their place, here and for the label; other "
      "names may be "
      "written in their stead.");
}

// Why no delimiter was found, as far as that can be told.
absl::Status NoDelimiter(absl::string_view text, bool whole, absl::string_view origin,
                         const proto::Data& given) {
  for (const char delimiter : kDelimiters) {
    if (given.delimited().has_delimiter() && given.delimited().delimiter()[0] != delimiter) continue;
    const Guess guess = TryDelimiter(text, whole, delimiter, given);
    if (guess.width < 2 || guess.rows.size() < 3) continue;
    const auto same = [&](const auto& row) { return static_cast<int>(row.size()) == guess.width; };
    const auto others = static_cast<double>(guess.rows.size() - 1);
    if (same(guess.rows[0])) continue;
    if (static_cast<double>(std::count_if(guess.rows.begin(), guess.rows.end(), same)) < kConsistent * others)
      continue;
    const auto first = static_cast<int>(guess.rows[0].size());
    return DataError(origin, ":1: has ", first, " columns between ", NameOf(delimiter), ", the lines below ",
                     guess.width,
                     first + 1 == guess.width ? " (row numbers without a name of their own, perhaps)" : "",
                     "; give every column a name");
  }
  return DataError(origin,
                   ": no delimiter cuts its lines into the same number of columns (tried tab , ; | : ~ ^ "
                   "blank and 0x01); name it by data.delimited.delimiter");
}

absl::StatusOr<Dialect> FindDelimited(absl::string_view text, bool whole, absl::string_view origin,
                                      const proto::Data& given) {
  Dialect dialect;
  dialect.data = given;
  if (absl::StrContains(text, "\r") && !absl::StrContains(text, "\n"))
    return DataError(origin,
                     ": its lines end with carriage returns alone, as on old Macs, which isn't read; "
                     "tr '\\r' '\\n' <OLD >NEW writes it with line feeds");
  bool index_value = false;
  if (!given.delimited().has_delimiter())
    TANDEM_RETURN_IF_ERROR(CheckIndexValueLines(text, whole, origin, &index_value));
  const Guess guess = index_value ? TryDelimiter(text, whole, ' ', given) : BestGuess(text, whole, given);
  if (guess.rows.empty() || guess.width < 2) return NoDelimiter(text, whole, origin, given);
  const absl::Status names = CheckNamesInCells(guess, origin);
  if (!given.delimited().has_delimiter()) TANDEM_RETURN_IF_ERROR(names);
  if (!names.ok()) {
    dialect.notes.push_back(
        "Look here: this looks like key=value text. The name in a cell is part of its value, of numbers and of "
        "the label, too: see that `positive` and `negative` are right.");
  }
  proto::Delimited* delimited = dialect.data.mutable_delimited();
  delimited->set_delimiter(std::string(1, guess.delimiter));
  if (!given.delimited().has_header())
    delimited->set_header(given.delimited().column_size() == 0 && LooksLikeHeader(guess.rows));
  // As data.quote's default has it: an unset one means " but for tabs.
  if (!given.has_quote()) {
    if (guess.quoted && guess.delimiter == '\t') dialect.data.set_quote("\"");
    if (!guess.quoted && guess.delimiter != '\t' && absl::StrContains(text, "\"")) dialect.data.set_quote("");
  }
  const bool double_delimiter = guess.delimiter == ':' && HasDoubleDelimiter(guess);
  NameColumns(guess, double_delimiter, given, &dialect);
  dialect.findings.push_back(absl::StrCat(double_delimiter ? guess.width / 2 + 1 : guess.width,
                                          " columns separated by ",
                                          double_delimiter ? "'::'" : NameOf(guess.delimiter)));
  if (guess.quoted) dialect.findings.push_back("quoted");
  dialect.findings.push_back(delimited->header() ? "with a header" : "without a header");
  if (double_delimiter) {
    dialect.notes.push_back(
        "`::` is read as two delimiters with an empty column between them, gap_1 and so on.");
  }
  if (index_value) {
    dialect.notes.push_back(
        "These look like lines of libFM, each with one value of every field: a place of the line is read as "
        "a column, "
        "`index:1` as its id.");
  }
  if (guess.share < 1) {
    dialect.notes.push_back(
        absl::StrCat("Of the first rows ", static_cast<int>(guess.share * 1000) / 10.0,
                     " % have this number of columns; the others are malformed, and are set aside."));
  }
  return dialect;
}

// Of a format whose files say themselves what is in them.
absl::StatusOr<Dialect> FindLists(absl::string_view text, absl::string_view origin, const proto::Data& data) {
  Dialect dialect;
  dialect.data = data;
  const std::unique_ptr<const SampleFormat> format = MakeSampleFormat(data);
  TANDEM_ASSIGN_OR_RETURN(dialect.lists, format->look().FindLists(text, origin));
  dialect.findings.push_back(format->look().name());
  return dialect;
}

}  // namespace

absl::StatusOr<Dialect> FindDialect(absl::string_view text, bool whole, absl::string_view origin,
                                    const proto::Data& given) {
  const bool marked = absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(text);
  if (start.empty()) return DataError(origin, ": empty; nothing can be learned from it");
  proto::Data data = given;
  if (data.format_case() == proto::Data::FORMAT_NOT_SET) SetFormatLike(start, &data);
  const bool delimited = data.format_case() == proto::Data::FORMAT_NOT_SET || data.has_delimited();
  TANDEM_ASSIGN_OR_RETURN(
      Dialect dialect, delimited ? FindDelimited(text, whole, origin, data) : FindLists(text, origin, data));
  const bool utf8 = IsUtf8(text);
  dialect.findings.push_back(
      absl::StrCat(utf8 ? "UTF-8" : "not UTF-8", marked ? " with a byte order mark" : ""));
  if (!utf8)
    dialect.notes.push_back(
        "The text is not UTF-8 (Latin-1, perhaps). Ids are bytes: it is read as it is, the same when "
        "scoring.");
  return dialect;
}

}  // namespace tandem
