// What a model has from each column of the log: permutation importance (Breiman 2001, section 10). The cells
// of one column are dealt out anew among the rows, so that they say nothing of their row any more, and the
// metrics are measured again.
//
//   ImportanceOptions options;
//   options.repeats = 10;
//   TANDEM_ASSIGN_OR_RETURN(const ModelImportance importance, MeasureImportance(*predictor, files, options));
//   std::cout << ModelImportanceText(importance);
//
// All that the model reads of a column (features, the places of a sequence) goes together. A column that
// another one repeats looks dispensable: each of the two can be had from the other.
//
// Equal model, rows and options give equal bits, on any number of threads. Memory: the rows that are held
// (options.max_rows), and some 40 bytes a row and thread.
#ifndef TANDEM_COLUMN_IMPORTANCE_H_
#define TANDEM_COLUMN_IMPORTANCE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/metrics.h"
#include "tandem/predictor.h"

namespace tandem {

struct ImportanceOptions {
  // Permutations of each column, at least 2: the error bars come from their differences.
  int repeats = 5;
  uint64_t seed = 1;
  // Where the files have more rows with a label, so many of them, drawn at random. At least 2.
  int max_rows = 100000;
  // Hears how many of the permutations are done. Called from any thread, one at a time; empty: nobody.
  std::function<void(int done, int all)> progress;
};

// A mean over the permutations. A column that says nothing of the label has a mean within `error` of 0 in 95
// of 100 cases: the log as it is, too, is then one of its permutations, so that the bar is Student's t times
// the standard deviation of the difference of one from the mean of `repeats`.
struct MeanLoss {
  double mean = 0, error = 0;
  bool may_be_chance() const { return mean - error <= 0; }
};

// Positive where the column was of use; not set where the metric is undefined (one label only).
struct TowerImportance {
  std::optional<MeanLoss> auc;      // lost
  std::optional<MeanLoss> logloss;  // gained
};

struct ColumnImportance {
  std::string column;
  std::vector<std::string> features;  // those that read it
  std::optional<TowerImportance> teacher, student;
  // The student's, or the teacher's where there is no student.
  const TowerImportance& served() const { return student.has_value() ? *student : *teacher; }
};

struct ModelImportance {
  int64_t rows = 0;       // that were scored
  int64_t rows_read = 0;  // with a label
  int repeats = 0;
  uint64_t seed = 0;
  std::optional<Metrics> teacher, student;  // of the rows as they are, without groups
  // The most important first: by the AUC that the served tower loses, else by its log loss.
  std::vector<ColumnImportance> columns;
};

// Reads `files` once (- is standard input), as ScoreFiles does (tandem/score_files.h), with its errors;
// ConfigErrors for `options` out of range. Threads: runtime.threads.
absl::StatusOr<ModelImportance> MeasureImportance(const Predictor& predictor,
                                                  const std::vector<std::string>& files,
                                                  const ImportanceOptions& options);

// A table for people, which says how to read it; and a JSON object.
std::string ModelImportanceText(const ModelImportance& importance);
std::string ModelImportanceJson(const ModelImportance& importance);

}  // namespace tandem

#endif  // TANDEM_COLUMN_IMPORTANCE_H_
