// What the columns of a log mean, whatever format it is in: the fields and tables that features become, and
// the columns that aren't features.
//
//   const Schema schema(experiment);
//   schema.fields()[2].column;                        // "movie"
//   schema.Key(schema.fields()[2].table, "4711");     // the key of that id in its table
#ifndef TANDEM_SCHEMA_H_
#define TANDEM_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/field.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// The id of a knot's vector: the number itself, so that a knot keeps its vector among others.
std::string KnotId(double knot);

// What a row with an empty label is.
enum class Unlabelled { kMalformed, kDropped, kDistilled };

// One embedding table. Tables of numbers and times hold every key from the first step: min_count and
// id_dropout are about ids.
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
  // "value", of its missing vector that of "missing"; a bucket's or a time's part that of its decimal number,
  // a knot's that of its number (KnotId).
  uint64_t Key(int table, absl::string_view id) const;
  uint64_t table_seed(int table) const { return table_seeds_[table]; }

  std::string label;
  std::vector<std::string> positive_labels, negative_labels;  // texts of the label
  std::vector<std::string> key_columns;
  std::string group_column;
  std::string weight_column;
  std::string teacher_column;  // empty where nothing learns from it
  bool teacher_probability = true;
  double teacher_logit_offset = 0;  // added to the logit of a probability
  // Where it isn't kMalformed decoders pass such rows on: to drop them is the reader's.
  Unlabelled unlabelled = Unlabelled::kMalformed;
  std::vector<std::string> missing_values;  // texts of a cell that is as good as empty

 private:
  std::vector<Field> fields_;
  std::vector<TableInfo> tables_;
  std::vector<uint64_t> table_seeds_;
};

}  // namespace tandem

#endif  // TANDEM_SCHEMA_H_
