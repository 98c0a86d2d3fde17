// Labelled rows of files, in blocks: what metrics of a model are measured on.
//
//   LabelledRows rows(predictor, files, &workers);
//   for (;;) {
//     TANDEM_ASSIGN_OR_RETURN(const bool more, rows.Next(&block));
//     if (!more) break;
//     ...
//   }
//
// Rows come in the order of the files. Malformed ones are left out, and those without a label; both are
// counted. Where files were judged before, the malformed ones aren't.
#ifndef TANDEM_SRC_SERVE_LABELLED_ROWS_H_
#define TANDEM_SRC_SERVE_LABELLED_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/batch.h"
#include "tandem/day_reader.h"
#include "tandem/predictor.h"
#include "tandem/quarantine.h"
#include "tandem/row_choice.h"

namespace tandem {

class Workers;

// `predictor` and `workers` outlive it. Not thread-safe.
class LabelledRows {
 public:
  // `judged`: malformed rows are left out in silence, however many.
  LabelledRows(const Predictor& predictor, const std::vector<std::string>& files, Workers* workers,
               const RowChoice& choice = {}, bool judged = false);

  // Replaces `block` by the next rows, at most 65,536, perhaps none of them labelled. False at the end, which
  // warns of malformed rows; a DataError there if there was no row at all, or none with a label.
  absl::StatusOr<bool> Next(Batch* block);

  int64_t rows() const { return rows_; }
  int64_t unlabelled() const { return unlabelled_; }
  int64_t malformed() const { return quarantine_.has_value() ? quarantine_->rows_bad() : 0; }
  // What the row counts in a metric: a negative stands for those that were sampled away
  // (data.negative_keep_rate).
  float Weight(const Batch& batch, int row) const {
    return batch.weights[row] * (batch.labels[row] > 0 ? 1.0f : negative_weight_);
  }

 private:
  std::string files_;  // as a message shows them
  const float negative_weight_;
  std::optional<Quarantine> quarantine_;  // none where the files were judged before
  DayReader reader_;
  int64_t rows_ = 0, unlabelled_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_LABELLED_ROWS_H_
