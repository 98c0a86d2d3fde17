#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "absl/container/fixed_array.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "src/data/cells.h"
#include "src/data/id_hash.h"
#include "tandem/experiment.h"
#include "tandem/reader.h"
#include "tandem/sample.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// What a cell that may be malformed, or makes more than one key, is read for; a column may serve several
// ends.
enum class CellUse { kLabel, kWeight, kGroup, kTeacher, kField };

struct CellAction {
  CellUse use;
  int column;
  int field = -1;
};

// A cell that is one id.
struct IdAction {
  int column;
  int field;
  IdHasher hash;
};

// A missing id is hashed as well, as one of the most frequent length: no branch depends on it.
constexpr absl::string_view kStandIn = "00000000";

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

// What float32 can tell from 0 and 1: a probability that a predictor rounded has a logit all the same.
constexpr double kNearestToOne = 1 - 1.0 / (1 << 25);

double Logit(double probability) {
  const double p = std::clamp(probability, 1 - kNearestToOne, kNearestToOne);
  return std::log(p / (1 - p));
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

// The logarithms of small counts, which most dense values are.
struct SmallLogs {
  SmallLogs() {
    for (size_t n = 0; n < kSize; ++n) values[n] = static_cast<float>(std::log1p(static_cast<double>(n)));
  }
  static constexpr size_t kSize = 4096;
  std::array<float, kSize> values;
};

// Most numbers are small counts: their buckets are looked up.
constexpr uint32_t kSmallNumbers = 1024;

// The number of boundaries, which rise, that `number` isn't below.
size_t Bucket(const std::vector<double>& boundaries, double number) {
  return std::upper_bound(boundaries.begin(), boundaries.end(), number) - boundaries.begin();
}

// Of ParseLines: lines, and the places of their cells, which stay in the cache nearest to the core.
constexpr size_t kLinesAtATime = 32;
constexpr size_t kPlacesAtATime = 2048;

// The cells of a line, split.
struct LineCells {
  absl::string_view line;
  const size_t* begins;
  absl::string_view operator[](int column) const {
    return absl::string_view(line.data() + begins[column], begins[column + 1] - 1 - begins[column]);
  }
  // Bytes from the cell's begin on that can be read.
  size_t Readable(int column) const { return line.size() - begins[column]; }
};

struct SpanCells {
  absl::Span<const absl::string_view> cells;
  absl::string_view operator[](int column) const { return cells[column]; }
  size_t Readable(int column) const { return cells[column].size(); }
};

void CloseBag(FieldBags* bags) { bags->offsets.push_back(static_cast<uint32_t>(bags->keys.size())); }

// Appends one row.
class RowWriter {
 public:
  explicit RowWriter(Batch* batch) : batch_(*batch), row_(batch->rows()) {}

  Batch& batch() { return batch_; }
  FieldBags* bags(int field) { return &batch_.fields[field]; }
  void Add(int field, uint64_t key, float coefficient) { tandem::Add(bags(field), key, coefficient); }
  void AddId(int field, uint64_t key, bool present) {
    if (present) Add(field, key, 1);
  }
  void CloseRow() {
    for (FieldBags& bags : batch_.fields) CloseBag(&bags);
  }
  void DropRow() { batch_.Truncate(row_); }

 private:
  Batch& batch_;
  const int row_;
};

// Appends up to `rows` rows, with room made beforehand for the fields of at most one key a row: those that
// aren't in `bag_fields`. Each of these is added to once a row; those of `ids` later, several rows at a time.
class BlockWriter {
 public:
  BlockWriter(Batch* batch, int rows, absl::Span<const int> bag_fields, absl::Span<const IdAction> ids)
      : batch_(*batch), row_(batch->rows()), bag_fields_(bag_fields), columns_(batch->fields.size()) {
    for (size_t f = 0; f < columns_.size(); ++f) {
      FieldBags& bags = batch_.fields[f];
      Column& column = columns_[f];
      column.bag = std::find(bag_fields.begin(), bag_fields.end(), static_cast<int>(f)) != bag_fields.end();
      if (column.bag) continue;
      column.size = static_cast<uint32_t>(bags.keys.size());
      bags.keys.resize(column.size + rows);
      bags.coefficients.resize(column.size + rows);
      bags.offsets.resize(row_ + 1 + rows);
      column.keys = bags.keys.data();
      column.coefficients = bags.coefficients.data();
      column.offsets = bags.offsets.data();
    }
    for (const IdAction& id : ids) columns_[id.field].id = true;
  }
  // Gives back the room that wasn't needed.
  ~BlockWriter() {
    for (size_t f = 0; f < columns_.size(); ++f) {
      if (columns_[f].bag) continue;
      FieldBags& bags = batch_.fields[f];
      bags.keys.resize(columns_[f].size);
      bags.coefficients.resize(columns_[f].size);
      bags.offsets.resize(row_ + 1);
    }
  }
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  Batch& batch() { return batch_; }
  FieldBags* bags(int field) { return &batch_.fields[field]; }
  void Add(int field, uint64_t key, float coefficient) {
    Column& column = columns_[field];
    column.keys[column.size] = key;
    column.coefficients[column.size] = coefficient;
    column.offsets[row_ + 1] = ++column.size;
  }
  // The ids of the last `rows` rows, a column: id_of(i) is that of the i-th, with whether there is one.
  template <typename IdOf>
  void AddIds(int field, int rows, const IdOf& id_of) {
    Column& column = columns_[field];
    uint32_t* offsets = column.offsets + row_ + 1 - rows;
    uint32_t size = column.size;
    for (int i = 0; i < rows; ++i) {
      const std::pair<uint64_t, bool> id = id_of(i);
      column.keys[size] = id.first;
      column.coefficients[size] = 1;
      size += id.second ? 1 : 0;
      offsets[i] = size;
    }
    column.size = size;
  }
  void CloseRow() {
    for (const int field : bag_fields_) CloseBag(bags(field));
    ++row_;
  }
  void DropRow() {
    for (Column& column : columns_) {
      if (!column.bag && !column.id) column.size = column.offsets[row_];
    }
    for (const int field : bag_fields_) {
      FieldBags& bags = batch_.fields[field];
      bags.keys.resize(bags.offsets.back());
      bags.coefficients.resize(bags.offsets.back());
    }
    batch_.labels.resize(row_);
    batch_.weights.resize(row_);
    batch_.groups.resize(row_);
    if (static_cast<int>(batch_.teacher_logits.size()) > row_) batch_.teacher_logits.resize(row_);
  }

 private:
  struct Column {
    uint64_t* keys;
    float* coefficients;
    uint32_t* offsets;
    uint32_t size;
    bool bag;
    bool id = false;
  };

  Batch& batch_;
  int row_;  // the one at hand
  const absl::Span<const int> bag_fields_;
  absl::FixedArray<Column, 64> columns_;
};

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
  // What is read of a row. In file order: the first fault is the one that is told.
  std::vector<CellAction> actions;
  std::vector<IdAction> ids;     // these have no faults
  std::vector<int> key_columns;  // column of each key
  std::vector<int> bag_fields;   // fields that a row may have any number of keys in
  // By field: keys that need no cell. Dense fields: of the value's vector. Bucketized ones: of each bucket.
  std::vector<uint64_t> value_keys, missing_keys;
  std::vector<std::vector<uint64_t>> bucket_keys;
  // Bucketized fields: the keys of the numbers 0, 1, ... below kSmallNumbers.
  std::vector<std::vector<uint64_t>> small_number_keys;
  std::vector<int> constant_fields;  // that read serving_value...
  Batch constants;                   // ...which is row 0 of this
  const float* small_logs = nullptr;

  bool Missing(absl::string_view cell) const {
    if (cell.empty()) return true;
    for (const std::string& text : schema.missing_values) {
      if (cell == text) return true;
    }
    return false;
  }
  // `readable`: bytes from the cell's begin on that can be read.
  template <typename Writer>
  RowFault ParseNumberField(int f, absl::string_view cell, size_t readable, Writer* writer,
                            std::string* detail) const;
  RowFault ParseBag(int f, absl::string_view cell, FieldBags* bags, std::string* detail) const;
  RowFault ParseTeacher(absl::string_view cell, Batch* batch, std::string* detail) const;
  // The most recent ids, which come last, into the places from field `f` on.
  template <typename Writer>
  void ParseSequence(int f, absl::string_view cell, Writer* writer) const;
  template <typename Writer>
  RowFault ParseCell(const CellAction& action, absl::string_view cell, size_t readable, Writer* writer,
                     std::string* detail) const;
  // The key of a cell that is one id, and whether there is an id.
  std::pair<uint64_t, bool> ParseId(const IdAction& id, absl::string_view cell) const {
    const bool present = !cell.empty() && (schema.missing_values.empty() || !Missing(cell));
    return {id.hash(present ? cell.data() : kStandIn.data(), present ? cell.size() : kStandIn.size()),
            present};
  }
  // All of a row but its ids.
  template <typename Cells, typename Writer>
  RowFault ParseActions(const Cells& cells, Writer* writer, std::string* detail) const;
  template <typename Cells>
  RowFault ParseRow(const Cells& cells, RowWriter* writer, std::string* detail) const;
  RowFault Split(absl::string_view line, size_t* begins, std::string* detail) const;
  size_t begins_size() const { return columns + 1 + kSplitSlack; }
  absl::Status ParseServingValues();
  void CheckBatch(const Batch& batch) const {
    CHECK_EQ(batch.fields.size(), schema.fields().size()) << "a batch for another schema";
  }
};

absl::StatusOr<RowParser> RowParser::Create(const Schema& schema, absl::Span<const std::string> columns,
                                            RowUse use, absl::string_view origin) {
  auto plan = std::make_shared<Plan>(schema);
  plan->use = use;
  plan->columns = static_cast<int>(columns.size());
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
  const auto read = [&](const std::string& column, const std::string& why, CellUse use) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(const int index, find(column, why));
    plan->actions.push_back({use, index});
    return absl::OkStatus();
  };
  if (use != RowUse::kPredict) {
    TANDEM_RETURN_IF_ERROR(read(schema.label, "data.label", CellUse::kLabel));
    if (!schema.weight_column.empty()) {
      TANDEM_RETURN_IF_ERROR(read(schema.weight_column, "data.weight_column", CellUse::kWeight));
    }
    if (!schema.group_column.empty()) {
      TANDEM_RETURN_IF_ERROR(read(schema.group_column, "data.group_column", CellUse::kGroup));
    }
    if (use == RowUse::kTrain && !schema.teacher_column.empty()) {
      TANDEM_RETURN_IF_ERROR(read(schema.teacher_column, "data.teacher_column", CellUse::kTeacher));
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
    plan->bucket_keys.emplace_back();
    std::vector<uint64_t>& small_keys = plan->small_number_keys.emplace_back();
    if (field.kind == FieldKind::kBucketized) {
      for (size_t bucket = 0; bucket <= field.boundaries.size(); ++bucket) {
        plan->bucket_keys.back().push_back(schema.Key(field.table, absl::StrCat(bucket)));
      }
      for (uint32_t number = 0; number < kSmallNumbers; ++number) {
        small_keys.push_back(plan->bucket_keys.back()[Bucket(field.boundaries, number)]);
      }
    }
    const int index = static_cast<int>(f);
    const bool constant = field.serving_value.has_value() && use != RowUse::kTrain;
    const bool place = !field.sequence.empty();
    if (constant || field.multi_valued || place) plan->bag_fields.push_back(index);
    if (place && field.place > 0) continue;  // read with place 0
    if (constant) {
      plan->constant_fields.push_back(index);
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(
        const int column,
        find(field.column, absl::StrCat("feature '", place ? field.sequence : field.name, "'")));
    if (field.kind == FieldKind::kSparse && !field.multi_valued && !place) {
      plan->ids.push_back({column, index, IdHasher(schema.table_seed(field.table))});
    } else {
      plan->actions.push_back({CellUse::kField, column, index});
    }
  }
  std::stable_sort(plan->actions.begin(), plan->actions.end(),
                   [](const CellAction& a, const CellAction& b) { return a.column < b.column; });
  static const SmallLogs small_logs;
  plan->small_logs = small_logs.values.data();
  TANDEM_RETURN_IF_ERROR(plan->ParseServingValues());
  RowParser parser;
  parser.plan_ = std::move(plan);
  return parser;
}

// Also where they aren't used: better before training than after.
absl::Status RowParser::Plan::ParseServingValues() {
  constants = Batch(static_cast<int>(schema.fields().size()));
  RowWriter writer(&constants);
  for (size_t f = 0; f < schema.fields().size(); ++f) {
    const Field& field = schema.fields()[f];
    if (!field.serving_value.has_value()) continue;
    const std::string& text = *field.serving_value;
    const int index = static_cast<int>(f);
    std::string detail;
    if (field.kind == FieldKind::kSparse && !field.multi_valued) {
      writer.AddId(index, schema.Key(field.table, text), !Missing(text));
    } else if (ParseCell({CellUse::kField, -1, index}, text, text.size(), &writer, &detail) !=
               RowFault::kNone) {
      return ConfigError("feature[", field.name, "].serving_value: ", detail);
    }
  }
  writer.CloseRow();
  return absl::OkStatus();
}

RowFault RowParser::Plan::ParseBag(int f, absl::string_view cell, FieldBags* bags,
                                   std::string* detail) const {
  const Field& field = schema.fields()[f];
  const uint64_t table_seed = schema.table_seed(field.table);
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
    Add(bags, IdHash(table_seed, item), static_cast<float>(weight));
  }
  for (size_t i = first; i < bags->keys.size(); ++i) {
    bags->coefficients[i] = static_cast<float>(bags->coefficients[i] / sum);
  }
  return RowFault::kNone;
}

RowFault RowParser::Plan::ParseTeacher(absl::string_view cell, Batch* batch, std::string* detail) const {
  if (Missing(cell)) {
    batch->teacher_logits.push_back(kAbsent);
    return RowFault::kNone;
  }
  double score = 0;
  RowFault fault = ParseNumber(cell, &score);
  if (fault == RowFault::kNone && schema.teacher_probability) {
    if (score < 0 || score > 1) fault = RowFault::kNumber;
    score = Logit(score) + schema.teacher_logit_offset;
  }
  const auto logit = static_cast<float>(score);
  if (fault == RowFault::kNone && !std::isfinite(logit)) fault = RowFault::kNotFinite;
  if (fault != RowFault::kNone) {
    if (detail != nullptr) {
      *detail = absl::StrCat("the teacher's score ", Shown(cell), " in '", schema.teacher_column,
                             "' is not a ", schema.teacher_probability ? "probability" : "finite number");
    }
    return fault;
  }
  batch->teacher_logits.push_back(logit);
  return RowFault::kNone;
}

template <typename Writer>
void RowParser::Plan::ParseSequence(int f, absl::string_view cell, Writer* writer) const {
  const Field& field = schema.fields()[f];
  for (int place = 0; place < field.places && !cell.empty();) {
    const size_t separator = cell.rfind(schema.multi_value_separator);
    const size_t begin = separator == absl::string_view::npos ? 0 : separator + 1;
    const absl::string_view id = cell.substr(begin);
    cell = cell.substr(0, separator == absl::string_view::npos ? 0 : separator);
    if (id.empty()) continue;
    Add(writer->bags(f + place), IdHash(schema.table_seed(field.table), id), 1);
    ++place;
  }
}

template <typename Writer>
RowFault RowParser::Plan::ParseNumberField(int f, absl::string_view cell, size_t readable, Writer* writer,
                                           std::string* detail) const {
  const Field& field = schema.fields()[f];
  if (Missing(cell)) {
    writer->Add(f, missing_keys[f], 1);
    return RowFault::kNone;
  }
  const bool dense = field.kind == FieldKind::kDense;
  double number = 0;
  RowFault fault = RowFault::kNone;
  const size_t sign = cell[0] == '-' ? 1 : 0;
  uint32_t digits = 0;
  if (readable > sizeof(uint64_t) && ParseDigits(cell.data() + sign, cell.size() - sign, &digits)) {
    if (dense && field.transform == DenseTransform::kLog1p && digits < SmallLogs::kSize) {
      writer->Add(f, value_keys[f], sign == 0 ? small_logs[digits] : -small_logs[digits]);
      return RowFault::kNone;
    }
    if (!dense && digits < kSmallNumbers && sign == 0) {
      writer->Add(f, small_number_keys[f][digits], 1);
      return RowFault::kNone;
    }
    number = sign == 0 ? static_cast<double>(digits) : -static_cast<double>(digits);
  } else {
    fault = ParseNumber(cell, &number);
  }
  // A bucket needs no float, and no transform.
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
    writer->Add(f, value_keys[f], coefficient);
    return RowFault::kNone;
  }
  writer->Add(f, bucket_keys[f][Bucket(field.boundaries, number)], 1);
  return RowFault::kNone;
}

template <typename Writer>
RowFault RowParser::Plan::ParseCell(const CellAction& action, absl::string_view cell, size_t readable,
                                    Writer* writer, std::string* detail) const {
  switch (action.use) {
    case CellUse::kLabel:
      if (cell.size() != 1 || (cell[0] != '0' && cell[0] != '1')) {
        if (schema.unlabelled != Unlabelled::kMalformed && Missing(cell)) {
          writer->batch().labels.push_back(kAbsent);
          return RowFault::kNone;
        }
        if (detail != nullptr) {
          *detail = absl::StrCat("label ", Shown(cell), " is not 0 or 1",
                                 cell.empty() ? " (data.unlabelled says what an empty one is)" : "");
        }
        return RowFault::kLabel;
      }
      writer->batch().labels.push_back(cell[0] == '1' ? 1.0f : 0.0f);
      return RowFault::kNone;
    case CellUse::kWeight: {
      double weight = 0;
      const RowFault fault = ParseWeight(cell, &weight);
      if (fault != RowFault::kNone) {
        if (detail != nullptr)
          *detail = absl::StrCat("weight ", Shown(cell), " is not a finite number of 0 or more");
        return fault;
      }
      writer->batch().weights.push_back(static_cast<float>(weight));
      return RowFault::kNone;
    }
    case CellUse::kGroup:
      writer->batch().groups.push_back(XXH3_64bits(cell.data(), cell.size()));
      return RowFault::kNone;
    case CellUse::kTeacher:
      return ParseTeacher(cell, &writer->batch(), detail);
    case CellUse::kField:
      if (!schema.fields()[action.field].sequence.empty()) {
        if (!Missing(cell)) ParseSequence(action.field, cell, writer);
        return RowFault::kNone;
      }
      if (schema.fields()[action.field].multi_valued) {
        if (Missing(cell)) return RowFault::kNone;
        return ParseBag(action.field, cell, writer->bags(action.field), detail);
      }
      return ParseNumberField(action.field, cell, readable, writer, detail);
  }
  return RowFault::kNone;
}

template <typename Cells, typename Writer>
RowFault RowParser::Plan::ParseActions(const Cells& cells, Writer* writer, std::string* detail) const {
  for (const CellAction& action : actions) {
    const RowFault fault =
        ParseCell(action, cells[action.column], cells.Readable(action.column), writer, detail);
    if (fault != RowFault::kNone) {
      writer->DropRow();
      return fault;
    }
  }
  Batch& batch = writer->batch();
  if (schema.unlabelled == Unlabelled::kDistilled && !batch.teacher_logits.empty() &&
      IsAbsent(batch.labels.back()) && IsAbsent(batch.teacher_logits.back())) {
    if (detail != nullptr)
      *detail = absl::StrCat("no label, and no teacher's score in '", schema.teacher_column, "'");
    writer->DropRow();
    return RowFault::kLabel;
  }
  for (const int f : constant_fields) {
    const FieldBags& value = constants.fields[f];
    FieldBags* bags = writer->bags(f);
    bags->keys.insert(bags->keys.end(), value.keys.begin(), value.keys.end());
    bags->coefficients.insert(bags->coefficients.end(), value.coefficients.begin(), value.coefficients.end());
  }
  if (use == RowUse::kPredict) batch.labels.push_back(0);
  const size_t rows = batch.labels.size();
  if (batch.weights.size() < rows) batch.weights.push_back(1);
  if (batch.groups.size() < rows) batch.groups.push_back(0);
  return RowFault::kNone;
}

template <typename Cells>
RowFault RowParser::Plan::ParseRow(const Cells& cells, RowWriter* writer, std::string* detail) const {
  const RowFault fault = ParseActions(cells, writer, detail);
  if (fault != RowFault::kNone) return fault;
  for (const IdAction& id : ids) {
    const auto [key, present] = ParseId(id, cells[id.column]);
    writer->AddId(id.field, key, present);
  }
  writer->CloseRow();
  return RowFault::kNone;
}

// The count comes before what a shifted cell may look like.
RowFault RowParser::Plan::Split(absl::string_view line, size_t* begins, std::string* detail) const {
  const size_t found = SplitCells(line, schema.delimiter, columns, begins);
  if (found != static_cast<size_t>(columns)) {
    if (detail != nullptr) {
      *detail =
          absl::StrCat(found, " columns where the ", schema.header ? "header" : "config", " has ", columns);
    }
    return RowFault::kColumnCount;
  }
  return RowFault::kNone;
}

RowFault RowParser::Parse(absl::string_view line, Batch* batch, std::string* detail) const {
  plan_->CheckBatch(*batch);
  absl::FixedArray<size_t, 256> begins(plan_->begins_size());
  RowWriter writer(batch);
  const RowFault fault = plan_->Split(line, begins.data(), detail);
  return fault != RowFault::kNone ? fault : plan_->ParseRow(LineCells{line, begins.data()}, &writer, detail);
}

RowFault RowParser::ParseCells(absl::Span<const absl::string_view> cells, Batch* batch,
                               std::string* detail) const {
  const Plan& plan = *plan_;
  if (static_cast<int>(cells.size()) != plan.columns) {
    if (detail != nullptr)
      *detail = absl::StrCat(cells.size(), " cells where there are ", plan.columns, " columns");
    return RowFault::kColumnCount;
  }
  plan.CheckBatch(*batch);
  RowWriter writer(batch);
  return plan.ParseRow(SpanCells{cells}, &writer, detail);
}

void RowParser::ParseLines(const LineChunk& chunk, int begin, int end, Batch* batch,
                           std::vector<LineFault>* faults) const {
  const Plan& plan = *plan_;
  plan.CheckBatch(*batch);
  const size_t stride = plan.begins_size();
  const auto lines_at_a_time =
      static_cast<int>(std::clamp<size_t>(kPlacesAtATime / stride, 1, kLinesAtATime));
  absl::FixedArray<size_t, kPlacesAtATime> begins(lines_at_a_time * stride);
  std::array<LineCells, kLinesAtATime> rows;
  BlockWriter writer(batch, end - begin, plan.bag_fields, plan.ids);
  std::string detail;
  for (int line = begin; line < end;) {
    // Line by line what may be at fault; then the ids, column by column.
    int good = 0;
    for (; line < end && good < lines_at_a_time; ++line) {
      LineCells& cells = rows[good];
      cells = {chunk.lines[line], begins.data() + good * stride};
      RowFault fault = RowFault::kLineTooLong;
      if (!chunk.too_long[line]) {
        fault = plan.Split(cells.line, begins.data() + good * stride, &detail);
        if (fault == RowFault::kNone) fault = plan.ParseActions(cells, &writer, &detail);
      } else {
        detail = absl::StrCat("a line of more than data.max_line_bytes ", plan.schema.max_line_bytes);
      }
      if (fault == RowFault::kNone) {
        writer.CloseRow();
        ++good;
      } else {
        faults->push_back({line, fault, detail});
      }
    }
    for (const IdAction& id : plan.ids) {
      writer.AddIds(id.field, good, [&](int i) { return plan.ParseId(id, rows[i][id.column]); });
    }
  }
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
