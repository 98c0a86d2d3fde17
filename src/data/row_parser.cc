#define XXH_INLINE_ALL
#include <glog/logging.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tandem/experiment.h"
#include "tandem/sample.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// What a line's cell at one column is for; a column may serve several ends.
enum class CellUse { kLabel, kWeight, kGroup, kField };

struct CellAction {
  CellUse use;
  int field = -1;
};

// A cell as a message shows it: not whole books, and nothing that a terminal would obey.
std::string Shown(absl::string_view cell) {
  constexpr size_t kMost = 40;
  return absl::StrCat("'", absl::Utf8SafeCEscape(cell.substr(0, kMost)), cell.size() > kMost ? "...'" : "'");
}

// The whole cell as a number. Exponents out of range are infinite to us.
RowFault ParseNumber(absl::string_view cell, double* number) {
  const std::from_chars_result result = std::from_chars(cell.data(), cell.data() + cell.size(), *number);
  if (result.ptr != cell.data() + cell.size() || result.ec == std::errc::invalid_argument)
    return RowFault::kNumber;
  if (result.ec == std::errc::result_out_of_range) {
    // from_chars doesn't say which way: too small is (nearly) zero, too large infinite.
    if (!absl::SimpleAtod(cell, number)) return RowFault::kNumber;
  }
  return std::isfinite(*number) ? RowFault::kNone : RowFault::kNotFinite;
}

// A weight, rounded to the float that it is kept as: a bag's coefficients must be shares of what they sum to.
RowFault ParseWeight(absl::string_view cell, double* weight) {
  const RowFault fault = ParseNumber(cell, weight);
  if (fault != RowFault::kNone) return fault == RowFault::kNumber ? RowFault::kWeight : fault;
  *weight = static_cast<float>(*weight);
  if (std::isinf(*weight)) return RowFault::kNotFinite;
  return *weight < 0 ? RowFault::kWeight : RowFault::kNone;
}

double Transform(const Field& field, double x) {
  switch (field.transform) {
    case DenseTransform::kNone:
      return x;
    case DenseTransform::kLog1p:
      return std::copysign(std::log1p(std::abs(x)), x);
    case DenseTransform::kStandardize:
      return (x - field.mean) / field.deviation;
  }
  return x;
}

void Add(FieldBags* bags, uint64_t key, float coefficient) {
  bags->keys.push_back(key);
  bags->coefficients.push_back(coefficient);
}

}  // namespace

const char* RowFaultName(RowFault fault) {
  static constexpr std::array<const char*, kRowFaults> kNames = {
      "none", "column count", "label", "number", "not finite", "weight", "line too long"};
  return kNames[static_cast<int>(fault)];
}

struct RowParser::Plan {
  explicit Plan(const Schema& schema) : schema(schema) {}

  const Schema schema;  // a copy: a parser outlives what made it
  RowUse use = RowUse::kTrain;
  int columns = 0;
  std::vector<std::vector<CellAction>> actions;  // by column
  std::vector<int> key_columns;                  // column of each key
  // By field: keys that need no cell. Dense fields: of the value's vector.
  std::vector<uint64_t> value_keys, missing_keys;
  std::vector<bool> constant;  // the field reads serving_value...
  Batch constants;             // ...which is row 0 of this

  bool Missing(absl::string_view cell) const {
    if (cell.empty()) return true;
    for (const std::string& text : schema.missing_values) {
      if (cell == text) return true;
    }
    return false;
  }
  RowFault ParseField(int f, absl::string_view cell, Batch* batch, std::string* detail) const;
  RowFault ParseBag(int f, absl::string_view cell, FieldBags* bags, std::string* detail) const;
  RowFault ParseCell(const CellAction& action, absl::string_view cell, Batch* batch,
                     std::string* detail) const;
  absl::Status ParseServingValues();
  int OpenRow(const Batch& batch) const;
  void CloseRow(Batch* batch) const;
};

absl::StatusOr<RowParser> RowParser::Create(const Schema& schema, absl::Span<const std::string> columns,
                                            RowUse use, absl::string_view origin) {
  auto plan = std::make_shared<Plan>(schema);
  plan->use = use;
  plan->columns = static_cast<int>(columns.size());
  plan->actions.resize(columns.size());
  const auto find = [&](const std::string& column, const std::string& why) -> absl::StatusOr<int> {
    const auto first = std::find(columns.begin(), columns.end(), column);
    if (first == columns.end()) {
      if (columns.size() == 1) {
        return DataError(origin, ": no column '", column, "' (", why,
                         "): there is but one column; is data.delimiter right?");
      }
      const std::string nearest = NearestName(column, columns);
      return DataError(origin, ": no column '", column, "' (", why, ")",
                       nearest.empty() ? "" : absl::StrCat("; did you mean '", nearest, "'?"));
    }
    if (std::find(first + 1, columns.end(), column) != columns.end()) {
      return DataError(origin, ": two columns are named '", column, "' (", why, ")");
    }
    return static_cast<int>(first - columns.begin());
  };
  const auto read = [&](const std::string& column, const std::string& why,
                        CellAction action) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(const int index, find(column, why));
    plan->actions[index].push_back(action);
    return absl::OkStatus();
  };
  if (use != RowUse::kPredict) {
    TANDEM_RETURN_IF_ERROR(read(schema.label, "data.label", {CellUse::kLabel}));
    if (!schema.weight_column.empty()) {
      TANDEM_RETURN_IF_ERROR(read(schema.weight_column, "data.weight_column", {CellUse::kWeight}));
    }
    if (!schema.group_column.empty()) {
      TANDEM_RETURN_IF_ERROR(read(schema.group_column, "data.group_column", {CellUse::kGroup}));
    }
  } else {
    for (const std::string& key : schema.key_columns) {
      TANDEM_ASSIGN_OR_RETURN(const int index, find(key, "data.key_columns"));
      plan->key_columns.push_back(index);
    }
  }
  for (size_t f = 0; f < schema.fields().size(); ++f) {
    const Field& field = schema.fields()[f];
    plan->value_keys.push_back(schema.Key(field.table, "value"));
    plan->missing_keys.push_back(schema.Key(field.table, "missing"));
    plan->constant.push_back(field.serving_value.has_value() && use != RowUse::kTrain);
    if (plan->constant.back()) continue;
    TANDEM_RETURN_IF_ERROR(read(field.column, absl::StrCat("feature '", field.name, "'"),
                                {CellUse::kField, static_cast<int>(f)}));
  }
  TANDEM_RETURN_IF_ERROR(plan->ParseServingValues());
  RowParser parser;
  parser.plan_ = std::move(plan);
  return parser;
}

// Also where they aren't used: better before training than after.
absl::Status RowParser::Plan::ParseServingValues() {
  constants = Batch(static_cast<int>(schema.fields().size()));
  for (size_t f = 0; f < schema.fields().size(); ++f) {
    const Field& field = schema.fields()[f];
    std::string detail;
    if (field.serving_value.has_value() &&
        ParseField(static_cast<int>(f), *field.serving_value, &constants, &detail) != RowFault::kNone) {
      return ConfigError("feature[", field.name, "].serving_value: ", detail);
    }
    constants.fields[f].offsets.push_back(static_cast<uint32_t>(constants.fields[f].keys.size()));
  }
  return absl::OkStatus();
}

RowFault RowParser::Plan::ParseBag(int f, absl::string_view cell, FieldBags* bags,
                                   std::string* detail) const {
  const Field& field = schema.fields()[f];
  const size_t first = bags->keys.size();
  double sum = 0;
  while (!cell.empty()) {
    const size_t end = std::min(cell.find(schema.multi_value_separator), cell.size());
    absl::string_view item = cell.substr(0, end);
    cell.remove_prefix(std::min(end + 1, cell.size()));
    if (item.empty()) continue;
    double weight = 1;
    if (field.weighted) {
      const size_t separator = item.rfind(schema.weight_separator);
      const RowFault fault = separator == absl::string_view::npos
                                 ? RowFault::kWeight
                                 : ParseWeight(item.substr(separator + 1), &weight);
      if (fault != RowFault::kNone || weight == 0) {
        if (detail != nullptr) {
          *detail =
              absl::StrCat("item ", Shown(item), " of '", field.column, "' has no finite positive weight (id",
                           std::string(1, schema.weight_separator), "weight)");
        }
        return fault == RowFault::kNone ? RowFault::kWeight : fault;
      }
      item = item.substr(0, separator);
    }
    sum += weight;
    Add(bags, schema.Key(field.table, item), static_cast<float>(weight));
  }
  for (size_t i = first; i < bags->keys.size(); ++i) {
    bags->coefficients[i] = static_cast<float>(bags->coefficients[i] / sum);
  }
  return RowFault::kNone;
}

RowFault RowParser::Plan::ParseField(int f, absl::string_view cell, Batch* batch, std::string* detail) const {
  const Field& field = schema.fields()[f];
  FieldBags* bags = &batch->fields[f];
  const bool missing = Missing(cell);
  if (field.kind == FieldKind::kSparse) {
    if (missing) return RowFault::kNone;
    if (field.multi_valued) return ParseBag(f, cell, bags, detail);
    Add(bags, schema.Key(field.table, cell), 1);
    return RowFault::kNone;
  }
  if (missing) {
    Add(bags, missing_keys[f], 1);
    return RowFault::kNone;
  }
  double number = 0;
  RowFault fault = ParseNumber(cell, &number);
  // A bucket needs no float, and no transform.
  const bool dense = field.kind == FieldKind::kDense;
  const float coefficient = dense ? static_cast<float>(Transform(field, number)) : 1;
  if (fault == RowFault::kNone && !std::isfinite(coefficient)) fault = RowFault::kNotFinite;
  if (fault != RowFault::kNone) {
    if (detail != nullptr) {
      *detail = absl::StrCat(Shown(cell), " in '", field.column, "' is not a ",
                             fault == RowFault::kNumber ? "number" : "finite number");
    }
    return fault;
  }
  if (dense) {
    Add(bags, value_keys[f], coefficient);
    return RowFault::kNone;
  }
  const auto bucket =
      std::upper_bound(field.boundaries.begin(), field.boundaries.end(), number) - field.boundaries.begin();
  char text[16];
  const std::to_chars_result end = std::to_chars(text, text + sizeof(text), bucket);
  Add(bags, schema.Key(field.table, absl::string_view(text, end.ptr - text)), 1);
  return RowFault::kNone;
}

RowFault RowParser::Plan::ParseCell(const CellAction& action, absl::string_view cell, Batch* batch,
                                    std::string* detail) const {
  switch (action.use) {
    case CellUse::kLabel:
      if (cell.size() != 1 || (cell[0] != '0' && cell[0] != '1')) {
        if (detail != nullptr) *detail = absl::StrCat("label ", Shown(cell), " is not 0 or 1");
        return RowFault::kLabel;
      }
      batch->labels.push_back(cell[0] == '1' ? 1.0f : 0.0f);
      return RowFault::kNone;
    case CellUse::kWeight: {
      double weight = 0;
      const RowFault fault = ParseWeight(cell, &weight);
      if (fault != RowFault::kNone) {
        if (detail != nullptr)
          *detail = absl::StrCat("weight ", Shown(cell), " is not a finite number of 0 or more");
        return fault;
      }
      batch->weights.push_back(static_cast<float>(weight));
      return RowFault::kNone;
    }
    case CellUse::kGroup:
      batch->groups.push_back(XXH3_64bits(cell.data(), cell.size()));
      return RowFault::kNone;
    case CellUse::kField:
      return ParseField(action.field, cell, batch, detail);
  }
  return RowFault::kNone;
}

// The row to begin, which is the one to go back to.
int RowParser::Plan::OpenRow(const Batch& batch) const {
  CHECK_EQ(batch.fields.size(), schema.fields().size()) << "a batch for another schema";
  return batch.rows();
}

// Fills what the row's cells don't hold, and closes its bags.
void RowParser::Plan::CloseRow(Batch* batch) const {
  for (size_t f = 0; f < batch->fields.size(); ++f) {
    FieldBags& bags = batch->fields[f];
    if (constant[f]) {
      const FieldBags& value = constants.fields[f];
      bags.keys.insert(bags.keys.end(), value.keys.begin(), value.keys.end());
      bags.coefficients.insert(bags.coefficients.end(), value.coefficients.begin(), value.coefficients.end());
    }
    bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
  }
  if (use == RowUse::kPredict) batch->labels.push_back(0);
  const size_t rows = batch->labels.size();
  if (batch->weights.size() < rows) batch->weights.push_back(1);
  if (batch->groups.size() < rows) batch->groups.push_back(0);
}

RowFault RowParser::Parse(absl::string_view line, Batch* batch, std::string* detail) const {
  const Plan& plan = *plan_;
  const int row = plan.OpenRow(*batch);
  const char* cursor = line.data();
  const char* const end = line.data() + line.size();
  RowFault fault = RowFault::kNone;
  int column = 0;
  for (;; ++column) {
    const void* found = cursor == end ? nullptr : std::memchr(cursor, plan.schema.delimiter, end - cursor);
    const char* cell_end = found == nullptr ? end : static_cast<const char*>(found);
    if (column < plan.columns && fault == RowFault::kNone) {
      const absl::string_view cell(cursor, cell_end - cursor);
      for (const CellAction& action : plan.actions[column]) {
        fault = plan.ParseCell(action, cell, batch, detail);
        if (fault != RowFault::kNone) break;
      }
    }
    if (found == nullptr) break;
    cursor = cell_end + 1;
  }
  // The count comes before what a shifted cell may have looked like.
  if (column + 1 != plan.columns) {
    fault = RowFault::kColumnCount;
    if (detail != nullptr) {
      *detail = absl::StrCat(column + 1, " columns where the ", plan.schema.header ? "header" : "config",
                             " has ", plan.columns);
    }
  }
  if (fault == RowFault::kNone) {
    plan.CloseRow(batch);
  } else {
    batch->Truncate(row);
  }
  return fault;
}

RowFault RowParser::ParseCells(absl::Span<const absl::string_view> cells, Batch* batch,
                               std::string* detail) const {
  const Plan& plan = *plan_;
  if (static_cast<int>(cells.size()) != plan.columns) {
    if (detail != nullptr)
      *detail = absl::StrCat(cells.size(), " cells where there are ", plan.columns, " columns");
    return RowFault::kColumnCount;
  }
  const int row = plan.OpenRow(*batch);
  RowFault fault = RowFault::kNone;
  for (size_t column = 0; column < cells.size() && fault == RowFault::kNone; ++column) {
    for (const CellAction& action : plan.actions[column]) {
      fault = plan.ParseCell(action, cells[column], batch, detail);
      if (fault != RowFault::kNone) break;
    }
  }
  if (fault == RowFault::kNone) {
    plan.CloseRow(batch);
  } else {
    batch->Truncate(row);
  }
  return fault;
}

void RowParser::AppendKeys(absl::string_view line, char separator, std::string* out) const {
  for (const int key : plan_->key_columns) {
    absl::string_view rest = line;
    size_t end = rest.find(plan_->schema.delimiter);
    for (int column = 0; column < key; ++column) {
      rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + 1);
      end = rest.find(plan_->schema.delimiter);
    }
    const absl::string_view cell = rest.substr(0, end);
    out->append(cell.data(), cell.size());
    out->push_back(separator);
  }
}

}  // namespace tandem
