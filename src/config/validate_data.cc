// Checks of `data`: where the samples are, their format and columns.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "src/config/listed_columns.h"
#include "src/config/quote.h"
#include "src/config/validate.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr char kStoredColumn[] = "model.distill.stored_logits.column";

struct Separator {
  const char* key;
  const std::string& text;
  bool used;
};

// A separator that no feature uses may equal another: a log with '|' between its columns needs no care.
absl::Status CheckSeparators(const proto::Data& data, const std::vector<const proto::Feature*>& features) {
  const proto::Delimited& delimited = data.delimited();
  bool weighted = false;
  bool multi_valued = false;
  for (const proto::Feature* feature : features) {
    weighted |= feature->sparse().weighted();
    multi_valued |=
        feature->sparse().multi_valued() || feature->sparse().weighted() || feature->sparse().has_sequence();
  }
  const std::string quote = QuoteOf(data);
  const Separator separators[] = {
      {"data.delimited.delimiter", delimited.delimiter(), true},
      {"data.delimited.multi_value_separator", delimited.multi_value_separator(), multi_valued},
      {"data.delimited.weight_separator", delimited.weight_separator(), weighted},
      {"data.quote", quote, true}};
  for (const Separator& separator : separators) {
    const std::string shown = absl::StrCat(separator.key, ": '", absl::CEscape(separator.text), "'");
    if (&separator.text == &quote && quote.empty()) continue;
    if (separator.text.size() != 1) return ConfigError(shown, "; must be one byte, e.g. '\\t', ',', '|'");
    if (separator.text == "\n" || separator.text == "\r")
      return ConfigError(shown, "; must not be a line end");
    for (const Separator* other = separators; other != &separator; ++other) {
      if (separator.used && other->used && separator.text == other->text) {
        return ConfigError(shown, " is ", other->key, " too; must be different");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckQuote(const proto::Data& data) {
  if (!data.has_quote()) return absl::OkStatus();
  const auto* const formats = proto::Data::descriptor()->FindOneofByName("format");
  const auto* const format = data.GetReflection()->GetOneofFieldDescriptor(data, formats);
  if (format == nullptr || data.has_delimited()) return absl::OkStatus();
  return ConfigError("data.quote: set, but it is for delimited text, and the format is data.", format->name(),
                     "; leave it out");
}

// The number that a text is in a log; nullopt: none.
std::optional<double> NumberOf(const std::string& text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number)) return std::nullopt;
  return number;
}

// The text, or another spelling of its number.
bool Among(const std::string& text, const google::protobuf::RepeatedPtrField<std::string>& texts, int size) {
  const std::optional<double> number = NumberOf(text);
  return std::any_of(texts.begin(), texts.begin() + size, [&](const std::string& other) {
    return other == text || (number.has_value() && NumberOf(other) == number);
  });
}

absl::Status CheckLabelTexts(const proto::Data& data) {
  for (const auto& [key, texts] :
       {std::pair("data.positive", &data.positive()), std::pair("data.negative", &data.negative())}) {
    for (int i = 0; i < texts->size(); ++i) {
      const std::string& text = texts->Get(i);
      const std::string shown = absl::StrCat(key, "[", i, "]: '", absl::CEscape(text), "'");
      if (text.empty() || Among(text, data.missing_value(), data.missing_value_size())) {
        return ConfigError(shown, " is a missing label; data.unlabelled says what that is");
      }
      if (Among(text, *texts, i)) return ConfigError(shown, " is there before; must be unique");
    }
  }
  bool effect = false;
  for (int i = 0; i < data.negative_size(); ++i) {
    if (Among(data.negative(i), data.positive(), data.positive_size())) {
      return ConfigError("data.negative[", i, "]: '", absl::CEscape(data.negative(i)),
                         "' is in data.positive too; a label is one of them");
    }
    effect |= NumberOf(data.negative(i)) != 0.0;
  }
  for (const std::string& text : data.positive()) effect |= data.negative().empty() || NumberOf(text) != 1.0;
  if (effect || (data.positive().empty() && data.negative().empty())) return absl::OkStatus();
  return ConfigError(data.positive().empty() ? "data.negative" : "data.positive",
                     ": without effect: 0 and 1 mean what they are; leave it out");
}

absl::Status CheckColumnList(const proto::Delimited& delimited) {
  const char* const key = "data.delimited.column";
  if (delimited.header()) {
    if (delimited.column().empty()) return absl::OkStatus();
    return ConfigError(key,
                       ": set, but data.delimited.header is true and the files name their columns; set "
                       "data.delimited.header: false, or leave ",
                       key, " out");
  }
  if (delimited.column().empty()) {
    return ConfigError(key, ": empty; must name the columns, in order, when data.delimited.header is false");
  }
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < delimited.column_size(); ++i) {
    if (delimited.column(i).empty()) return ConfigError(key, "[", i, "]: empty; every column needs a name");
    if (!seen.insert(delimited.column(i)).second) {
      return ConfigError(key, "[", i, "]: '", delimited.column(i), "' is there before; names must be unique");
    }
  }
  return absl::OkStatus();
}

// The columns that are needed, each with the key that names it. Key columns are wanted where they are written
// out, and not before.
std::vector<std::pair<std::string, std::string>> NeededColumns(
    const proto::Experiment& experiment, const std::vector<const proto::Feature*>& features) {
  const proto::Data& data = experiment.data();
  const proto::Distill& distill = experiment.model().distill();
  std::vector<std::pair<std::string, std::string>> needed = {{"data.label", data.label()}};
  if (!data.group_column().empty()) needed.emplace_back("data.group_column", data.group_column());
  if (distill.has_stored_logits()) needed.emplace_back(kStoredColumn, distill.stored_logits().column());
  if (!data.weight_column().empty()) needed.emplace_back("data.weight_column", data.weight_column());
  for (const proto::Feature* feature : features) {
    needed.emplace_back(absl::StrCat("feature[", feature->name(), "].column"), ColumnOf(*feature));
  }
  return needed;
}

absl::Status CheckStoredColumn(const proto::Experiment& experiment) {
  if (!experiment.model().distill().has_stored_logits()) return absl::OkStatus();
  const std::string& column = experiment.model().distill().stored_logits().column();
  if (column.empty()) {
    return ConfigError(kStoredColumn,
                       ": not set; must name the column of the scores, or leave stored_logits out");
  }
  if (column != experiment.data().label()) return absl::OkStatus();
  return ConfigError(kStoredColumn, ": '", column, "' is the label; must be another column");
}

absl::Status CheckRoles(const proto::Data& data, const std::vector<const proto::Feature*>& features) {
  if (data.label().empty()) return ConfigError("data.label: empty; must name a column");
  if (data.weight_column() == data.label()) {
    return ConfigError("data.weight_column: '", data.label(), "' is the label; must be another column");
  }
  for (const proto::Feature* feature : features) {
    if (ColumnOf(*feature) == data.label()) {
      return ConfigError("feature[", feature->name(), "].column: '", data.label(),
                         "' is the label (data.label); a feature must not read it");
    }
  }
  absl::flat_hash_set<std::string> keys;
  for (int i = 0; i < data.key_columns_size(); ++i) {
    const std::string& column = data.key_columns(i);
    if (column.empty()) return ConfigError("data.key_columns[", i, "]: empty; must name a column");
    if (!keys.insert(column).second) {
      return ConfigError("data.key_columns[", i, "]: '", column, "' is there before; must be unique");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateFormat(const proto::Data& data, const std::vector<const proto::Feature*>& features) {
  TANDEM_RETURN_IF_ERROR(CheckSeparators(data, features));
  return CheckColumnList(data.delimited());
}

absl::Status ValidateData(const proto::Experiment& experiment,
                          const std::vector<const proto::Feature*>& features) {
  const proto::Data& data = experiment.data();
  if (data.path().empty())
    return ConfigError("data.path: not set; must name the sample files, e.g. \"logs/{date}.tsv.gz\"");
  TANDEM_RETURN_IF_ERROR(CheckQuote(data));
  TANDEM_RETURN_IF_ERROR(ValidateFormat(data, features));
  TANDEM_RETURN_IF_ERROR(CheckLabelTexts(data));
  TANDEM_RETURN_IF_ERROR(CheckRoles(data, features));
  TANDEM_RETURN_IF_ERROR(CheckStoredColumn(experiment));
  const ListedColumns listed = ListedColumnsOf(data);
  for (const auto& [key, column] : NeededColumns(experiment, features))
    TANDEM_RETURN_IF_ERROR(CheckListed(key, column, listed));
  return absl::OkStatus();
}

}  // namespace tandem
