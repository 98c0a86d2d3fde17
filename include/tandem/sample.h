// What the columns of a log mean: the schema, and the parser that turns one line into one row of a Batch.
//
//   Schema schema(experiment);
//   absl::StatusOr<RowParser> parser = RowParser::Create(schema, header_columns, RowUse::kTrain,
//   "logs/2000-11-20.tsv.gz"); if (RowFault fault = parser->Parse(line, &batch); fault != RowFault::kNone)
//   ...   // nothing was appended
//
// A malformed row never becomes a row of a batch.
#ifndef TANDEM_SAMPLE_H_
#define TANDEM_SAMPLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/batch.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

enum class FieldKind { kSparse, kBucketized, kDense };
enum class DenseTransform { kNone, kLog1p, kStandardize };

// One field of the model.
struct Field {
  std::string name;
  std::string column;
  FieldKind kind = FieldKind::kSparse;
  int table = 0;  // index into Schema::tables()
  bool multi_valued = false;
  // A place of a sequence: a bag of at most one id, place 0 the most recent. The fields of a sequence are
  // called feature[0], feature[1], ... and stand side by side.
  std::string sequence;  // the feature; empty: not of a sequence
  int place = 0;
  int places = 0;
  bool weighted = false;
  DenseTransform transform = DenseTransform::kNone;
  double mean = 0;
  double deviation = 1;
  std::vector<double> boundaries;
  std::optional<std::string> serving_value;
  bool teacher_only = false;
};

// What a row with an empty label is.
enum class Unlabelled { kMalformed, kDropped, kDistilled };

// One embedding table. Tables of dense and bucketized fields hold every key from the first step: min_count
// and id_dropout are about ids.
struct TableInfo {
  std::string name;
  bool ids = true;
};

// A function of the configuration alone; a model carries it. Thread-safe after construction.
class Schema {
 public:
  // `experiment` is validated. Dropped features are left out, and those of a teacher alone where there is
  // none. Sequences come last, each as a field a place; one that no transformer of the student reads is of
  // the teacher alone.
  explicit Schema(const proto::Experiment& experiment);

  const std::vector<Field>& fields() const { return fields_; }
  const std::vector<TableInfo>& tables() const { return tables_; }
  // XXH3-64 of `id`, seeded by XXH3-64 of the table's name. The key of a dense field's vector is that of
  // "value", of its missing vector that of "missing"; a bucket's that of its decimal index.
  uint64_t Key(int table, absl::string_view id) const;
  uint64_t table_seed(int table) const { return table_seeds_[table]; }

  char delimiter = '\t';
  bool header = true;
  std::vector<std::string> columns;  // where the files have no header
  std::string label;
  std::vector<std::string> key_columns;
  std::string group_column;
  std::string weight_column;
  std::string teacher_column;  // empty where nothing learns from it
  bool teacher_probability = true;
  double teacher_logit_offset = 0;  // added to the logit of a probability
  // Where it isn't kMalformed the parser passes such rows on: to drop them is the reader's.
  Unlabelled unlabelled = Unlabelled::kMalformed;
  char multi_value_separator = '|';
  char weight_separator = ':';
  std::vector<std::string> missing_values;
  int64_t max_line_bytes = 0;

 private:
  std::vector<Field> fields_;
  std::vector<TableInfo> tables_;
  std::vector<uint64_t> table_seeds_;
};

// What a row is read for.
enum class RowUse {
  kTrain,     // label, weight, group and a teacher's scores needed
  kEvaluate,  // label, weight and group needed, with serving values
  kPredict,   // features only, with serving values; keys are carried
};

// Why a row is malformed.
enum class RowFault {
  kNone = 0,
  kColumnCount,  // more or fewer columns than the header
  kLabel,        // not 0 or 1, or none where there is nothing else to learn from
  kNumber,       // a dense value or a teacher's score that doesn't parse
  kNotFinite,    // NaN or infinity, in a dense value, a weight or a teacher's score
  kWeight,       // a sample weight or an id's weight that is absent, doesn't parse, or is negative
  kLineTooLong,
};
constexpr int kRowFaults = 7;
// "column count", "label", ...: the word for counts and messages.
const char* RowFaultName(RowFault fault);

struct LineChunk;

// A line that isn't a row.
struct LineFault {
  int line;  // of its chunk
  RowFault fault;
  std::string detail;
};

// Parses lines of one file. Thread-safe: parsing changes only what it is handed.
class RowParser {
 public:
  // `columns` in file order. A needed column that isn't there, or one twice, is a DataError that names
  // `origin`, the column and the nearest column that is there.
  static absl::StatusOr<RowParser> Create(const Schema& schema, absl::Span<const std::string> columns,
                                          RowUse use, absl::string_view origin);

  // Appends one row to `batch`, or leaves it as it was and says why. `line` has no line end. `detail` (may be
  // null) gets a phrase for the log: "9 columns where the header has 10", "label 'x' is not 0 or 1".
  RowFault Parse(absl::string_view line, Batch* batch, std::string* detail) const;

  // The same for the lines [begin, end) of a chunk, faster than one by one: rows are appended to `batch`, the
  // other lines (over-long ones too) to `faults`. Allocates nothing for a batch that has held as many rows.
  void ParseLines(const LineChunk& chunk, int begin, int end, Batch* batch,
                  std::vector<LineFault>* faults) const;

  // The same as Parse for cells that are already apart, in the order of `columns` (a program that holds its
  // samples in memory).
  RowFault ParseCells(absl::Span<const absl::string_view> cells, Batch* batch, std::string* detail) const;

  // Appends the row's key cells, each followed by `separator`, to `out`, malformed rows included (a cell that
  // isn't there is empty).
  void AppendKeys(absl::string_view line, char separator, std::string* out) const;

 private:
  RowParser() = default;
  struct Plan;
  std::shared_ptr<const Plan> plan_;
};

}  // namespace tandem

#endif  // TANDEM_SAMPLE_H_
