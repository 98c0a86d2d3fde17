// Scores files into text, rows in input order, in bounded memory: what `predict` does.
//
//   TANDEM_ASSIGN_OR_RETURN(const auto model, ServedModel::Open("daily/published", {}));
//   const auto write = [&](absl::string_view text) { return Write(text); };  // some kilobytes at a time
//   TANDEM_ASSIGN_OR_RETURN(const PredictedRows rows, PredictFiles(model.get(), files, write));
//
// The text is tab-separated: a header, then a line a row: the keys (data.key_columns), and a click
// probability for each of the model's towers, `student` first, printed so that it reads back to the same
// float. A malformed row keeps its place with its keys and an empty score.
//
// Reading, scoring and writing overlap on runtime.threads threads and one that reads; no result depends on
// their number. A model behind a link is followed anew before every file.
//
// Not ScoreFiles (tandem/score_files.h), which keeps the scores of labelled rows for metrics: here rows need
// no label, carry their keys, keep their place where they are malformed, and go once they are written.
#ifndef TANDEM_PREDICT_FILES_H_
#define TANDEM_PREDICT_FILES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/clock.h"
#include "tandem/served_model.h"
#include "tandem/unknown_ids.h"

namespace tandem {

struct PredictFilesOptions {
  // Measures where the time goes, by stage: PredictedRows::profile. One scoring of a process at a time.
  bool profile = false;
  Clock* clock = &Clock::Default();  // of the profile
};

struct PredictedRows {
  int64_t rows = 0;
  int64_t malformed = 0;  // of them, without a score
  std::vector<FeatureIds> ids;
  std::string profile;  // a table for people; "" where it isn't asked for
};

// `files` as FindFiles returns them (- is standard input). DataErrors of reading, and for a file of which
// more than data.max_bad_fraction is malformed; a ConfigError where a model that was published meanwhile
// scores other columns; what `write` returns. Which share of the ids the model doesn't know is
// logged, with a warning where that looks like a mistake.
absl::StatusOr<PredictedRows> PredictFiles(ServedModel* model, const std::vector<std::string>& files,
                                           const std::function<absl::Status(absl::string_view text)>& write,
                                           const PredictFilesOptions& options = {});

}  // namespace tandem

#endif  // TANDEM_PREDICT_FILES_H_
