// Turns the columns of a request into rows of a batch, as one version of the model reads them.
//
//   RequestParser parser;
//   TANDEM_RETURN_IF_ERROR(parser.Parse(request, version, &batch, &malformed));
//
// What is worked out from the names of the columns is kept for the next request, which mostly has the same.
// Not thread-safe.
#ifndef TANDEM_SRC_SERVE_REQUEST_PARSER_H_
#define TANDEM_SRC_SERVE_REQUEST_PARSER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/batch.h"
#include "tandem/predictor.h"
#include "tandem/row_decoder.h"
#include "tandem/scoring_service.h"

namespace tandem {

class RequestParser {
 public:
  // Appends the rows that can be scored to `batch`, and the others to `malformed`. kInvalidArgument, with
  // nothing appended, where a column that the version reads is missing or there twice, or has another number
  // of cells than rows or one.
  absl::Status Parse(const ScoreRequest& request, const std::shared_ptr<const Predictor>& version,
                     Batch* batch, std::vector<MalformedRow>* malformed);

 private:
  absl::Status Prepare(const ScoreRequest& request, const std::shared_ptr<const Predictor>& version);

  std::weak_ptr<const Predictor> version_;  // of what follows; one that was swapped away may go
  std::vector<std::string> names_;
  std::unique_ptr<const CellDecoder> rows_;
  std::vector<absl::string_view> cells_;  // of a row
};

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_REQUEST_PARSER_H_
