// A comparison of methods on equal terms: what was trained and measured, and the statistics of the table.
//
//   Comparison comparison = ...;                                   // rows of cells, a seed each
//   const GapClosed gap = GapClosedBy(comparison, row);
//   const std::optional<MeanOverSeeds> auc = MeanOf(ValuesOf(row, TowerKind::kStudent, &Metrics::auc));
//
// Row `teacher_alone` is the 100 % of every gap; a row's `alone` is its 0 %: STUDENT_ALONE, or the student
// alone of the same width on the frontier. Every row has a cell for every seed, at least one. Cell i of every
// row is trained with seeds[i], on the same days, and measured on the same test rows, so that differences are
// paired seed by seed. Report functions are in compare/report.h.
#ifndef TANDEM_SRC_COMPARE_COMPARISON_H_
#define TANDEM_SRC_COMPARE_COMPARISON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/dual_model.h"
#include "tandem/evaluation.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

struct CompareTower {
  Evaluation metrics;            // on the test rows
  int64_t dense_parameters = 0;  // outside of the embedding
};

// One run: a row's configuration with one seed.
struct CompareCell {
  uint64_t seed = 0;
  std::string config;  // ConfigChecksum
  std::string date;    // YYYY-MM-DD, UTC, of the measurement; "" for one of before dates were kept
  int64_t test_rows = 0;
  int64_t rows_trained = 0;
  int64_t steps = 0;
  double train_seconds = 0;  // on the clock
  // Of the processor: of the whole process with one job, else of the cell's own thread, which trains; reading
  // and parsing are other threads'.
  double cpu_seconds = 0;
  // Killed on the way: the time of what was lost is in neither.
  bool time_is_partial = false;
  std::optional<CompareTower> teacher, student;
  // Where the teacher is a committee: each of its members, and the student as a bundle in int8 serves it.
  std::vector<CompareTower> members;
  std::optional<CompareTower> served;
  std::string teacher_checksum;  // TeacherChecksum; "" without a teacher
};

// How often a method goes over the window's rows.
struct TrainingPasses {
  double teacher = 0;  // teacher steps a row
  double student = 0;  // student steps a row
};

struct CompareRow {
  std::string name;  // also the folder's
  std::string method;
  std::vector<std::string> changes;  // files and key=value over the common configuration
  int alone = 0;                     // index of the row that is its 0 %
  // On the frontier: "32-16", and whether the student learned alone.
  std::string width;
  bool frontier_alone = false;
  // Its teacher is trained with other settings than TEACHER_ALONE's.
  bool other_teacher = false;
  TrainingPasses passes;
  std::optional<double> teacher_microseconds, student_microseconds,
      served_microseconds;         // a sample, one thread
  std::vector<CompareCell> cells;  // in the order of the seeds
};

struct Comparison {
  std::vector<std::string> config_files, overrides;
  std::vector<std::string> days;  // of the training window; "" for a log without days
  std::string test;               // what was tested on, as a phrase
  std::string kernels;
  int jobs = 1;
  std::vector<uint64_t> seeds;
  std::vector<std::string> left_out;         // rows that have no place in the tables, each with the reason
  int teacher_alone = 0, student_alone = 1;  // rows
  std::vector<CompareRow> rows;
};

// ---- statistics

struct MeanOverSeeds {
  double mean = 0;
  std::optional<double> deviation;  // of the sample (n - 1); undefined for one seed
};

// Undefined where a value is, or without values.
std::optional<MeanOverSeeds> MeanOf(const std::vector<std::optional<double>>& values);

// A value of a row's cells, in the order of the seeds; nullopt where the cell lacks the tower. Of members:
// their mean, and the best of them on the test rows, by AUC.
enum class TowerKind { kTeacher, kStudent, kServed, kMembers, kBestMember };
using MetricMember = std::optional<double> Metrics::*;
std::vector<std::optional<double>> ValuesOf(const CompareRow& row, TowerKind tower, MetricMember metric);
// a - b, seed by seed.
std::vector<std::optional<double>> Differences(const std::vector<std::optional<double>>& a,
                                               const std::vector<std::optional<double>>& b);

// The share of the way from the student alone to the teacher: (S - A) / (T - A), of the means over seeds.
struct GapClosed {
  enum Kind {
    kDefined,
    kNoGap,      // the teacher is ahead of the student alone by less than three standard deviations, of one
                 // seed, which has none, by less than 0.002
    kUndefined,  // a value is missing, or the row has no student
  };
  Kind kind = kUndefined;
  double share = 0;  // 1: as good as the teacher
  // One standard error; undefined for one seed, with which a gap can't be judged either.
  //
  // With u_i = S_i - A_i and v_i = T_i - A_i of seed i and g = mean(u) / mean(v), a first-order expansion of
  // the ratio gives the error sd(u_i - g v_i) / (sqrt(n) mean(v)): the seeds are paired, so what moves both
  // towers of a seed alike cancels.
  std::optional<double> error;
};
GapClosed GapClosedOf(const std::vector<std::optional<double>>& student,
                      const std::vector<std::optional<double>>& student_alone,
                      const std::vector<std::optional<double>>& teacher);
// By AUC.
GapClosed GapClosedBy(const Comparison& comparison, const CompareRow& row);

// Whether the teacher of the row's cell i has the bits of TEACHER_ALONE's; nullopt without a teacher, or with
// another.
std::vector<std::optional<bool>> TeacherIsIdentical(const Comparison& comparison, const CompareRow& row);

// ---- cells

TrainingPasses PassesOf(const proto::Experiment& experiment);

// XXH3-128 in hex of the resolved configuration's text without `runtime`.
std::string ConfigChecksum(proto::Experiment experiment);

// XXH3-128 in hex of the teacher's dense parameters and of every embedding row's key, vector and teacher's
// linear weight, tables by name: equal for models whose teachers score alike, bit for bit, whatever student
// came with them.
absl::StatusOr<std::string> TeacherChecksum(const DualModel& model);

// What a cell's file holds. `origin` names it in ModelErrors.
// The format of what a comparison keeps where it doesn't say: the first of these files didn't.
inline constexpr int kFormatOfUnversionedCells = 2;
std::string CellToJson(const CompareCell& cell);
absl::StatusOr<CompareCell> CellFromJson(absl::string_view json, absl::string_view origin);

}  // namespace tandem

#endif  // TANDEM_SRC_COMPARE_COMPARISON_H_
