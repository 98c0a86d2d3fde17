#include "src/init/label.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/data/numbers.h"
#include "src/util/nearest_name.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// More texts than these are no classes.
constexpr size_t kMostTexts = 40;
// Up to so many that mean 0 are written down, so that others are told.
constexpr size_t kMostNegative = 20;
constexpr size_t kShownTexts = 8;

// Names that labels have, the likeliest first.
constexpr absl::string_view kNames[] = {
    "label",   "click",     "clicked",    "is_click",      "is_clicked", "target",      "y",        "class",
    "outcome", "converted", "conversion", "is_attributed", "purchased",  "bought",      "response", "churn",
    "churned", "default",   "survived",   "is_fraud",      "fraud",      "is_canceled", "income",   "result"};
constexpr absl::string_view kPositiveTexts[] = {"1",        "yes",       "y",     "true",    "t",
                                                "positive", "pos",       "click", "clicked", "success",
                                                "bought",   "purchased", "+"};
constexpr absl::string_view kNegativeTexts[] = {"0",        "no",  "n",    "false",   "f",
                                                "negative", "neg", "none", "failure", "-"};

template <size_t n>
bool IsOneOf(const absl::string_view (&texts)[n], absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  return std::find(std::begin(texts), std::end(texts), lower) != std::end(texts);
}

bool NumberOf(absl::string_view text, double* number) {
  return ParseNumber(absl::StripAsciiWhitespace(text), number) == RowFault::kNone;
}

std::vector<std::string> Texts(const ColumnProfile& column) {
  std::vector<std::string> texts;
  for (const auto& [text, hash] : column.first_values) texts.push_back(text);
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::string Shown(std::vector<std::string> texts) {
  const size_t all = texts.size();
  texts.resize(std::min(all, kShownTexts));
  for (std::string& text : texts) text = absl::StrCat("'", text, "'");
  return absl::StrCat(absl::StrJoin(texts, ", "), all > kShownTexts ? ", ..." : "");
}

std::vector<std::string> Names(const LogProfile& log) {
  std::vector<std::string> names;
  for (const auto& column : log.columns) names.push_back(column->name);
  return names;
}

// All of its texts are numbers equal to 0 or 1.
bool IsZeroOne(const std::vector<std::string>& texts) {
  return std::all_of(texts.begin(), texts.end(), [](const std::string& text) {
    double number = 0;
    // Exactly a number: blanks around it would be told.
    return ParseNumber(text, &number) == RowFault::kNone && (number == 0 || number == 1);
  });
}

int64_t RowsOf(const ColumnProfile& column, const std::string& text) {
  const auto found = column.values.counts().find(ValueHash(text));
  return found == column.values.counts().end() ? 0 : found->second.all();
}

// Which of two texts means 1, and why.
std::pair<std::string, std::string> PositiveOfTwo(const ColumnProfile& column, const std::string& a,
                                                  const std::string& b) {
  double x = 0, y = 0;
  if (NumberOf(a, &x) && NumberOf(b, &y)) return {x > y ? a : b, "the greater of its two numbers"};
  if (IsOneOf(kPositiveTexts, a) != IsOneOf(kPositiveTexts, b))
    return {IsOneOf(kPositiveTexts, a) ? a : b, "as it says"};
  if (IsOneOf(kNegativeTexts, a) != IsOneOf(kNegativeTexts, b))
    return {IsOneOf(kNegativeTexts, a) ? b : a, "as the other says"};
  return {RowsOf(column, a) <= RowsOf(column, b) ? a : b, "the rarer of its two texts, a guess"};
}

// The texts of the log that mean what is asked: the same, but for blanks around and spellings of a number.
absl::StatusOr<std::vector<std::string>> AskedTexts(const std::vector<std::string>& texts,
                                                    const AskedLabel& asked, const std::string& column) {
  std::vector<std::string> found;
  for (const std::string& wanted : asked.positive) {
    double number = 0;
    const bool is_number = NumberOf(wanted, &number);
    bool any = false;
    for (const std::string& text : texts) {
      double other = 0;
      const bool same = absl::StripAsciiWhitespace(text) == absl::StripAsciiWhitespace(wanted) ||
                        (is_number && NumberOf(text, &other) && number == other);
      if (!same) continue;
      any = true;
      found.push_back(text);
    }
    if (!any)
      return ConfigError("the positive text '", wanted, "' is not among those of the label '", column,
                         "': ", Shown(texts), DidYouMean(wanted, texts));
  }
  return found;
}

// The texts of a column that is the label.
absl::Status ChooseTexts(const ColumnProfile& column, const AskedLabel& asked, Label* label) {
  const std::vector<std::string> texts = Texts(column);
  if (texts.empty()) return DataError("the label '", column.name, "' is empty in every row");
  if (texts.size() > kMostTexts || column.distinct() > static_cast<int64_t>(texts.size())) {
    return ConfigError("the label '", column.name, "' has ", column.distinct(), " values (", Shown(texts),
                       "): a label has two classes",
                       asked.positive.empty()
                           ? ""
                           : absl::StrCat("; texts that are positive can be named for up to ", kMostTexts,
                                          " values: write a column of 0 and 1 from ", Shown(asked.positive),
                                          " and the others"));
  }
  if (!asked.positive.empty()) {
    TANDEM_ASSIGN_OR_RETURN(label->positive, AskedTexts(texts, asked, column.name));
    absl::StrAppend(&label->why, "; ", Shown(label->positive), label->positive.size() == 1 ? " is" : " are",
                    " positive, as asked");
  } else if (IsZeroOne(texts)) {
    return absl::OkStatus();
  } else if (texts.size() <= 2) {
    const auto [positive, why] = PositiveOfTwo(column, texts.front(), texts.back());
    label->positive = {positive};
    absl::StrAppend(&label->why, "; '", positive, "' is positive, ", why);
  } else {
    return ConfigError("the label '", column.name, "' has ", texts.size(), " values: ", Shown(texts),
                       "; say which of them are positive (data.positive)");
  }
  for (const std::string& text : texts) {
    if (std::find(label->positive.begin(), label->positive.end(), text) == label->positive.end())
      label->negative.push_back(text);
  }
  // A number of 0 or 1 says it itself.
  if (IsZeroOne(texts) && label->positive.size() == 1 && texts.size() == 2) {
    double number = 0;
    if (NumberOf(label->positive[0], &number) && number == 1) {
      label->positive.clear();
      label->negative.clear();
    }
  }
  if (label->negative.size() > kMostNegative) label->negative.clear();
  return absl::OkStatus();
}

bool HasTwoClasses(const ColumnProfile& column) {
  return column.distinct() == 2 && 10 * column.missing_rows() < column.cells;
}

const ColumnProfile* LikelyLabel(const LogProfile& log, std::string* why) {
  for (const absl::string_view name : kNames) {
    for (const auto& column : log.columns) {
      if (!absl::EqualsIgnoreCase(column->name, name) || !HasTwoClasses(*column)) continue;
      *why = "chosen by its name and its two classes";
      return column.get();
    }
  }
  const ColumnProfile* only = nullptr;
  int candidates = 0;
  for (const auto& column : log.columns) {
    if (!HasTwoClasses(*column)) continue;
    ++candidates;
    only = column.get();
  }
  if (candidates == 1) {
    *why = "chosen as the only column of two classes";
    return only;
  }
  // Tables put it first or last.
  for (const ColumnProfile* column : {log.columns.back().get(), log.columns.front().get()}) {
    if (!HasTwoClasses(*column)) continue;
    *why = column == log.columns.front().get() ? "chosen as the first column, of two classes"
                                               : "chosen as the last column, of two classes";
    return column;
  }
  return nullptr;
}

std::string Candidates(const LogProfile& log) {
  std::vector<std::string> names;
  for (const auto& column : log.columns) {
    if (column->distinct() >= 2 && column->distinct() <= 10)
      names.push_back(absl::StrCat(column->name, " (", Shown(Texts(*column)), ")"));
  }
  names.resize(std::min<size_t>(names.size(), 12));
  return names.empty() ? absl::StrCat("its columns: ", absl::StrJoin(Names(log), ", "))
                       : absl::StrCat("those with few values: ", absl::StrJoin(names, "; "));
}

}  // namespace

bool Label::IsPositive(absl::string_view text) const {
  if (!positive.empty()) return std::find(positive.begin(), positive.end(), text) != positive.end();
  double number = 0;
  return NumberOf(text, &number) && number == 1;
}

absl::StatusOr<Label> ChooseLabel(const LogProfile& log, const AskedLabel& asked) {
  if (log.columns.empty()) return DataError("no row could be read");
  Label label;
  const ColumnProfile* column = nullptr;
  if (!asked.column.empty()) {
    column = log.Find(asked.column);
    if (column == nullptr)
      return ConfigError("the log has no column '", asked.column, "' to be the label",
                         DidYouMean(asked.column, Names(log)));
    label.why = "asked for";
  } else {
    column = LikelyLabel(log, &label.why);
    if (column == nullptr)
      return ConfigError("no column is clearly the label; name it (data.label); ", Candidates(log));
  }
  label.column = column->name;
  TANDEM_RETURN_IF_ERROR(ChooseTexts(*column, asked, &label));
  return label;
}

absl::Status CheckLabel(const LogProfile& log, Label* label) {
  const ColumnProfile* column = log.Find(label->column);
  if (column == nullptr) return DataError("the label '", label->column, "' is in no row");
  int64_t positives = 0;
  for (const auto& [text, hash] : column->first_values)
    positives += label->IsPositive(text) ? RowsOf(*column, text) : 0;
  if (positives == 0 || positives == column->present()) {
    return DataError("the label '", label->column, "' is ", positives == 0 ? "0" : "1", " in all of the ",
                     column->present(), " rows that were looked at; two classes are needed");
  }
  return absl::OkStatus();
}

}  // namespace tandem
