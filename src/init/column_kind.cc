#include "src/init/column_kind.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/init/leak.h"
#include "src/util/nearest_name.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr double kAllDistinctShare = 0.98;
constexpr int64_t kFewestForAllDistinct = 50;
constexpr double kNumbersShare = 0.8;
constexpr size_t kMostOtherTexts = 8;
constexpr int64_t kFewNumbers = 12;  // an id each: their order is soon learned
constexpr int kCompareBins = 24;
constexpr double kExactIntegers = 9007199254740992;  // 2^53
constexpr int64_t kRowsAnId = 2;                     // fewer teach an id nothing
constexpr int64_t kRowsAnIdOfANumber = 10;
// Ids of fewer rows than these, many of them, are learned by heart; where they tell nothing, that is all they do.
constexpr int64_t kRowsOfARareId = 10;
constexpr int64_t kManyIds = 50;
constexpr double kHardlyOrdered = 0.1;
constexpr double kClearly = 1.1;
constexpr double kDaySeconds = 86400;
// Epochs of a log lie closer together than numbers of another meaning would.
constexpr double kLongestLogSeconds = 25 * 366 * kDaySeconds;

// Last words of names of integers that are ids.
constexpr absl::string_view kIdWords[] = {
    "id",       "ids",     "uid",  "pid", "uuid",   "guid",  "ip",         "user",      "item",
    "movie",    "product", "sku",  "app", "device", "os",    "channel",    "zip",       "zipcode",
    "postcode", "postal",  "code", "key", "hash",   "agent", "advertiser", "publisher", "campaignid"};
constexpr absl::string_view kKeyWords[] = {"id", "uuid", "guid", "key", "index", "rowid"};
constexpr absl::string_view kTimeWords[] = {"time", "timestamp", "ts",      "date",   "datetime",
                                            "at",   "epoch",     "created", "updated"};
constexpr absl::string_view kSequenceWords[] = {"history", "hist",   "sequence", "seq",
                                                "recent",  "last",   "viewed",   "clicked",
                                                "liked",   "bought", "played",   "watched"};

// "userId", "user_id", "User ID": {"user", "id"}.
std::vector<std::string> Words(const std::string& name) {
  std::vector<std::string> words(1);
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool lower_before = i > 0 && absl::ascii_islower(name[i - 1]);
    if (!absl::ascii_isalnum(c) || (absl::ascii_isupper(c) && lower_before)) words.emplace_back();
    if (absl::ascii_isalnum(c)) words.back() += absl::ascii_tolower(c);
  }
  words.erase(std::remove(words.begin(), words.end(), ""), words.end());
  return words;
}

template <size_t n>
bool LastWordIsOneOf(const absl::string_view (&texts)[n], const std::string& name) {
  const std::vector<std::string> words = Words(name);
  return !words.empty() && std::find(std::begin(texts), std::end(texts), words.back()) != std::end(texts);
}
template <size_t n>
bool AnyWordIsOneOf(const absl::string_view (&texts)[n], const std::string& name) {
  for (const std::string& word : Words(name)) {
    if (std::find(std::begin(texts), std::end(texts), word) != std::end(texts)) return true;
  }
  return false;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// All values are numbers, but for texts that can be taken for missing ones.
bool HoldsNumbers(const ColumnProfile& p) {
  if (p.numbers == 0 || p.list_cells > 0) return false;
  if (p.numbers + p.maybe_missing_rows() == p.present()) return true;
  return static_cast<double>(p.numbers) >= kNumbersShare * static_cast<double>(p.present()) &&
         p.other_texts.size() <= kMostOtherTexts && p.times == 0;
}

bool HoldsTimes(const ColumnProfile& p) {
  if (p.present() == 0 || p.list_cells > 0) return false;
  if (p.times > 0 && p.times + p.maybe_missing_rows() == p.present()) return true;
  if (p.epochs != p.present()) return false;
  const double span = (p.greatest - p.least) / (p.greatest >= 1e11 ? 1000 : 1);
  return LastWordIsOneOf(kTimeWords, p.name) || (p.distinct() >= 50 && span < kLongestLogSeconds);
}

bool IsAllDistinct(const ColumnProfile& p) {
  return p.present() >= kFewestForAllDistinct &&
         static_cast<double>(p.distinct()) >= kAllDistinctShare * static_cast<double>(p.present());
}

// Texts of a number or a time that say that there is none.
void AddMissing(const ColumnProfile& p, bool numbers, std::set<std::string>* missing) {
  for (const auto& [text, rows] : p.perhaps_missing) missing->insert(text);
  if (!numbers) return;
  for (const auto& [text, rows] : p.other_texts) missing->insert(text);
}

// Values in a cell, cut by a separator: whether they come again in other cells, as ids do.
bool IsListBy(const ListEvidence& evidence, const ColumnProfile& p) {
  if (p.examined_cells == 0 || evidence.items == 0) return false;
  const double share = static_cast<double>(evidence.cells) / static_cast<double>(p.examined_cells);
  const int64_t values = evidence.values.distinct();
  const int64_t texts = p.examined_values.distinct();
  switch (evidence.separator) {
    case '|':
      // The same items in different cells.
      return share >= 0.01 && values < evidence.items_of_texts && evidence.longest <= 64;
    case ';':
    case ',':
      return share >= 0.1 && texts >= 10 && 2 * values <= texts && evidence.longest <= 40;
    default:
      return share >= 0.5 && texts >= 200 && 4 * values <= texts && evidence.longest <= 24;
  }
}

bool IsWeighted(const ListEvidence& evidence) { return evidence.weighted_items == evidence.items; }

class Planner {
 public:
  Planner(const LogProfile& log, const Label& label, const AskedColumns& asked, bool cells_say_lists,
          const std::set<std::string>& weighted)
      : log_(log), label_(label), asked_(asked), cells_say_lists_(cells_say_lists), weighted_(weighted) {}

  ColumnPlans Plan() {
    ColumnPlans plans;
    plans.list_separator = ChooseSeparator();
    for (const auto& column : log_.columns) plans.columns.push_back(PlanOf(*column, plans.list_separator));
    for (ColumnPlan& plan : plans.columns) {
      if (plan.kind == ColumnKind::kIdList) FindSequence(plans, &plan);
    }
    for (const ColumnPlan& plan : plans.columns) {
      plans.has_lists |= plan.kind == ColumnKind::kIdList || plan.kind == ColumnKind::kWeightedList ||
                         plan.kind == ColumnKind::kSequence;
    }
    return plans;
  }

 private:
  // One for all columns: that of the most of them.
  char ChooseSeparator() const {
    std::map<char, int> columns;
    for (const auto& column : log_.columns) {
      if (column->name == label_.column) continue;
      for (const ListEvidence& evidence : column->separators)
        columns[evidence.separator] += IsListBy(evidence, *column) && !HoldsNumbers(*column) ? 1 : 0;
    }
    char best = '|';
    for (const char separator : {';', ',', ' '}) {
      if (columns[separator] > columns[best]) best = separator;
    }
    return best;
  }

  ColumnPlan PlanOf(const ColumnProfile& p, char separator) const {
    ColumnPlan plan;
    plan.profile = &p;
    for (const auto& [text, rows] : p.missing_texts) plan.missing.insert(text);
    if (p.name == label_.column) {
      plan.kind = ColumnKind::kLabel;
      plan.why = label_.why;
    } else if (!LeftOut(p, &plan) && !AsTime(p, &plan) && !AsList(p, separator, &plan)) {
      const bool kept = Contains(asked_.keep, p.name);
      if ((kept || !AsAllDistinct(p, &plan)) && !AsNumber(p, &plan))
        AsId(p, kept || p.name == asked_.group, &plan);
    }
    return plan;
  }

  bool LeftOut(const ColumnProfile& p, ColumnPlan* plan) const {
    const auto because = [&](ColumnKind kind, std::string why) {
      plan->kind = kind;
      plan->why = std::move(why);
      return true;
    };
    if (Contains(asked_.drop, p.name)) return because(ColumnKind::kDropped, "as asked");
    if (p.name.empty()) return because(ColumnKind::kUnnamed, "its name is empty: row numbers, most likely");
    if (Contains(log_.twice, p.name)) return because(ColumnKind::kTwice, "the header has this name twice");
    if (p.present() == 0) return because(ColumnKind::kEmpty, "no row has a value");
    if (Contains(asked_.keep, p.name)) return false;
    if (p.distinct() == 1 && p.missing_rows() == 0)
      return because(ColumnKind::kConstant, absl::StrCat("'", p.first_values[0].first, "' in every row"));
    const OneColumnScore score = ScoreColumn(p);
    if (IsLeakLike(score)) {
      return because(
          ColumnKind::kLeak,
          absl::StrFormat("alone it tells the label (AUC %.3f): was it written after the event?", score.auc));
    }
    return false;
  }

  // Another value in every row: a name of the row, or a text that no other row has.
  static bool AsAllDistinct(const ColumnProfile& p, ColumnPlan* plan) {
    if (!IsAllDistinct(p)) return false;
    const bool integers = HoldsNumbers(p) && p.integers == p.numbers;
    const bool long_integers = integers && std::max(std::abs(p.least), p.greatest) > kExactIntegers;
    if (LastWordIsOneOf(kKeyWords, p.name) || (integers && p.increasing) || long_integers) {
      plan->kind = ColumnKind::kKey;
      plan->why = "another one in every row: it names the row";
      return true;
    }
    if (HoldsNumbers(p)) return false;
    plan->kind = ColumnKind::kAllDistinct;
    plan->why = absl::StrCat("another text in nearly every row (", p.distinct(), " of ", p.present(), ")");
    return true;
  }

  static bool AsTime(const ColumnProfile& p, ColumnPlan* plan) {
    if (!HoldsTimes(p)) return false;
    const bool epoch = p.times == 0;
    const double scale = epoch && p.greatest >= 1e11 ? 1000 : 1;
    const double first = epoch ? p.least / scale : p.first_time;
    const double last = epoch ? p.greatest / scale : p.last_time;
    plan->hour = (epoch ? p.epoch_hours > 0 : p.hours);
    plan->weekday = last - first >= 7 * kDaySeconds;
    plan->month = last - first >= 365 * kDaySeconds;
    if (!plan->hour && !plan->weekday) {
      plan->kind = ColumnKind::kConstant;
      plan->why = "times of a few days without an hour: nothing of them comes again";
      return true;
    }
    AddMissing(p, /*numbers=*/false, &plan->missing);
    plan->kind = ColumnKind::kTime;
    plan->why = epoch ? "seconds or milliseconds since 1970" : "times; read as UTC";
    return true;
  }

  bool AsList(const ColumnProfile& p, char separator, ColumnPlan* plan) const {
    if (cells_say_lists_) {
      if (p.list_cells == 0) return false;
      const bool weighted = weighted_.count(p.name) > 0;
      plan->kind = weighted ? ColumnKind::kWeightedList : ColumnKind::kIdList;
      plan->why = absl::StrFormat("%s, %.3g a row", weighted ? "ids with weights" : "a list of ids",
                                  static_cast<double>(p.list_items) / static_cast<double>(p.list_cells));
      return true;
    }
    if (HoldsNumbers(p)) return false;
    for (const ListEvidence& evidence : p.separators) {
      if (evidence.separator != separator || !IsListBy(evidence, p)) continue;
      const bool weighted = IsWeighted(evidence) && p.other_cells == p.present();
      plan->kind = weighted ? ColumnKind::kWeightedList : ColumnKind::kIdList;
      plan->why = absl::StrFormat(
          "%d %s between '%c', %.3g a row", evidence.values.distinct(), weighted ? "ids with weights" : "ids",
          separator, static_cast<double>(evidence.items) / static_cast<double>(p.examined_cells));
      return true;
    }
    return false;
  }

  // The history of a column's ids: it is told by its name and by the ids.
  void FindSequence(const ColumnPlans& plans, ColumnPlan* plan) const {
    const ColumnProfile& p = *plan->profile;
    if (!AnyWordIsOneOf(kSequenceWords, p.name)) return;
    const ValueSample* items = &p.values;
    for (const ListEvidence& evidence : p.separators) {
      if (!cells_say_lists_ && evidence.separator == plans.list_separator) items = &evidence.values;
    }
    for (const ColumnPlan& other : plans.columns) {
      if (other.kind != ColumnKind::kId || other.profile->distinct() < 10) continue;
      size_t common = 0;
      for (const auto& [hash, count] : items->counts())
        common += other.profile->values.counts().contains(hash) ? 1 : 0;
      if (2 * common < items->counts().size()) continue;
      plan->kind = ColumnKind::kSequence;
      plan->target = other.profile->name;
      plan->why =
          absl::StrCat("ids of '", plan->target, "', as its name says in the order of time; ", plan->why);
      return;
    }
  }

  bool AsNumber(const ColumnProfile& p, ColumnPlan* plan) const {
    if (!HoldsNumbers(p)) return false;
    const bool integers = p.integers == p.numbers;
    if (p.distinct() <= kFewNumbers) {
      plan->why =
          absl::StrFormat("%d numbers, from %.6g to %.6g: an id each", p.distinct(), p.least, p.greatest);
      return false;
    }
    if (integers && LastWordIsOneOf(kIdWords, p.name)) {
      plan->why = "integers that name something, as its name says";
      return false;
    }
    if (integers && std::max(std::abs(p.least), p.greatest) > kExactIntegers) {
      plan->why = "integers too long for numbers";
      return false;
    }
    plan->kind = ColumnKind::kNumber;
    plan->why =
        absl::StrFormat("%s from %.6g to %.6g", integers ? "integers" : "numbers", p.least, p.greatest);
    if (integers && p.present() >= kRowsAnId * p.distinct()) {
      const OrderOrValues says = CompareOrderAndValues(p, kCompareBins);
      if (says.values_better && says.by_order < kHardlyOrdered * says.by_values) {
        plan->why = "integers whose order says next to nothing of the label, but each by itself";
        return false;
      }
      const bool clearly = says.values_better && says.by_values > kClearly * says.by_order;
      if (clearly && p.present() >= kRowsAnIdOfANumber * p.distinct()) {
        plan->kind = ColumnKind::kNumberAndIds;
        absl::StrAppend(&plan->why, ", each also an id: single values tell more than their order");
      }
    }
    AddMissing(p, /*numbers=*/true, &plan->missing);
    return true;
  }

  static void AsId(const ColumnProfile& p, bool kept, ColumnPlan* plan) {
    plan->kind = ColumnKind::kId;
    // Where cells are empty, that may tell something; and what is an id by its name may tell more beside others, as a user's items.
    const bool rare = p.distinct() >= kManyIds && p.present() < kRowsOfARareId * p.distinct() &&
                      plan->why.empty() && !LastWordIsOneOf(kIdWords, p.name);
    if (!kept && rare && 100 * p.missing_rows() < p.cells && TellsNothing(p)) {
      plan->kind = ColumnKind::kTellsNothing;
      plan->why =
          absl::StrFormat("%d ids of %.2g rows each, which tell nothing of other rows' labels", p.distinct(),
                          static_cast<double>(p.present()) / static_cast<double>(p.distinct()));
      return;
    }
    if (!plan->why.empty()) return;
    if (p.comma_numbers > 0 && 2 * p.comma_numbers >= p.present()) {
      plan->why = "numbers with commas are texts here; written 1234.5 they would be numbers";
    } else if (p.distinct() <= 2) {
      plan->why = p.distinct() == 1 ? "one value, or none" : "two values";
    } else {
      plan->why = absl::StrCat(p.values.exact() ? "" : "about ", p.distinct(),
                               HoldsNumbers(p) ? " numbers" : " texts");
    }
  }

  const LogProfile& log_;
  const Label& label_;
  const AskedColumns& asked_;
  const bool cells_say_lists_;
  const std::set<std::string>& weighted_;
};

absl::Status CheckAsked(const LogProfile& log, const Label& label, const AskedColumns& asked) {
  std::vector<std::string> names;
  for (const auto& column : log.columns) names.push_back(column->name);
  const auto check = [&](const std::string& name, absl::string_view what) {
    if (name.empty() || Contains(names, name)) return absl::OkStatus();
    return ConfigError("the log has no column '", name, "' ", what, DidYouMean(name, names));
  };
  for (const std::string& name : asked.drop) TANDEM_RETURN_IF_ERROR(check(name, "to drop"));
  for (const std::string& name : asked.keep) TANDEM_RETURN_IF_ERROR(check(name, "to keep"));
  TANDEM_RETURN_IF_ERROR(check(asked.group, "to group by"));
  TANDEM_RETURN_IF_ERROR(check(asked.date, "of dates"));
  for (const std::string& name : asked.keep) {
    if (Contains(asked.drop, name)) return ConfigError("'", name, "' is to be dropped and to be kept");
  }
  if (Contains(asked.drop, label.column))
    return ConfigError("'", label.column, "' is to be dropped, and is the label");
  return absl::OkStatus();
}

}  // namespace

const char* KindName(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kLabel:
      return "label";
    case ColumnKind::kId:
      return "ids";
    case ColumnKind::kIdList:
      return "id lists";
    case ColumnKind::kWeightedList:
      return "weighted ids";
    case ColumnKind::kSequence:
      return "sequence";
    case ColumnKind::kNumber:
      return "number";
    case ColumnKind::kNumberAndIds:
      return "number, ids";
    case ColumnKind::kTime:
      return "time";
    case ColumnKind::kDropped:
      return "dropped";
    case ColumnKind::kUnnamed:
      return "unnamed";
    case ColumnKind::kTwice:
      return "named twice";
    case ColumnKind::kEmpty:
      return "empty";
    case ColumnKind::kConstant:
      return "constant";
    case ColumnKind::kLeak:
      return "leak-like";
    case ColumnKind::kKey:
      return "key";
    case ColumnKind::kAllDistinct:
      return "all distinct";
    case ColumnKind::kTellsNothing:
      return "tell nothing";
  }
  return "";
}

bool IsUsed(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kId:
    case ColumnKind::kIdList:
    case ColumnKind::kWeightedList:
    case ColumnKind::kSequence:
    case ColumnKind::kNumber:
    case ColumnKind::kNumberAndIds:
    case ColumnKind::kTime:
      return true;
    default:
      return false;
  }
}

bool IsNumber(ColumnKind kind) { return kind == ColumnKind::kNumber || kind == ColumnKind::kNumberAndIds; }

absl::StatusOr<ColumnPlans> PlanColumns(const LogProfile& log, const Label& label, const AskedColumns& asked,
                                        bool cells_say_lists, const std::set<std::string>& weighted) {
  TANDEM_RETURN_IF_ERROR(CheckAsked(log, label, asked));
  return Planner(log, label, asked, cells_say_lists, weighted).Plan();
}

}  // namespace tandem
