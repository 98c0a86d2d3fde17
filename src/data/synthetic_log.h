// Writes the daily files of a synthetic log (src/data/synthetic.h is the truth behind them).
//
//   SyntheticOptions options;
//   options.output = "logs";
//   TANDEM_ASSIGN_OR_RETURN(SyntheticReport report, WriteSyntheticLog(FileSystem::Default(), options));
//   // logs/2026-01-01.tsv.gz ... logs/2026-01-31.tsv.gz, logs/TRUTH.json
//   // report.total.bayes_auc: what a perfect model reaches
//
// Memory doesn't grow with the rows or the ids, and equal options give equal bytes on any number of threads.
#ifndef TANDEM_SRC_DATA_SYNTHETIC_LOG_H_
#define TANDEM_SRC_DATA_SYNTHETIC_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/file_system.h"

namespace tandem {

struct SyntheticOptions {
  std::string output;            // directory, made if need be; files of the same name are replaced
  int days = 31;                 // 1 to 10,000
  int64_t rows_per_day = 20000;  // 1 to 1e9
  int64_t holdout_rows = 0;      // of holdout.tsv.gz: more draws from the last day; 0: no such file
  uint64_t seed = 1;
  std::string begin_date = "2026-01-01";  // YYYY-MM-DD
  int64_t vocabulary = 20000;             // users alive on a day, 100 to 1e9 (see SyntheticTruth)
  int threads = 0;                        // 0: one a core; changes no byte
};

// What a perfect model, the true probability, reaches against the drawn labels: no other does better, save by
// luck.
struct SyntheticSummary {
  int64_t rows = 0;
  int64_t positives = 0;
  double bayes_auc = 0.5;    // logits within 2^-11 count as ties; 0.5 where a class is absent
  double bayes_logloss = 0;  // mean, nats

  double click_rate() const {
    return rows == 0 ? 0 : static_cast<double>(positives) / static_cast<double>(rows);
  }
};

struct SyntheticReport {
  std::vector<std::string> columns;  // as in the header
  std::vector<std::string> files;    // paths, in day order, the holdout last
  std::string truth;                 // the path of TRUTH.json
  std::vector<SyntheticSummary> days;
  SyntheticSummary total;    // of all days, the holdout apart
  SyntheticSummary holdout;  // no rows without one
};

// A ConfigError where there is something already: files of another truth would be read with these.
absl::Status CheckLogDirectory(FileSystem& fs, const std::string& directory);

// Writes OUTPUT/{date}.tsv.gz a day, holdout.tsv.gz if asked for, and last TRUTH.json: each aside, then
// renamed. An option out of range is a ConfigError.
absl::StatusOr<SyntheticReport> WriteSyntheticLog(FileSystem& fs, const SyntheticOptions& options);

// {"rows":...,"ctr":...,"bayes_auc":...,"bayes_logloss":...,"fields":...,"days":...,"truth":"OUTPUT/TRUTH.json"}:
// of all days, then how many columns but the label and days there are; "holdout" with the first four where
// there is one.
std::string SyntheticReportToJson(const SyntheticReport& report);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_SYNTHETIC_LOG_H_
