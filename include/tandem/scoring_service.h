// Scores requests of many threads with a model that may be swapped meanwhile: what a server's handlers call.
//
//   TANDEM_ASSIGN_OR_RETURN(const auto model, ServedModel::Open("daily/published", {}));
//   ScoringService service(model.get(), {});
//   ScoreRequest request;
//   request.rows = 2;
//   request.columns = {{"user", {"17"}}, {"movie", {"4711", "4712"}}};     // a user's cell serves both rows
//   request.deadline = Clock::Default().Now() + 0.05;                      // seconds
//   TANDEM_ASSIGN_OR_RETURN(const ScoreResponse response, service.Score(std::move(request)));
//   response.scores.student[1];                                             // the click probability
//
// Life of a request: (1) it waits in a queue, unless that is full; (2) a thread of the service takes it, with
// others that wait, and the version of the model in place then; (3) its cells are parsed as that version
// reads them; (4) the rows of all of them are scored together; (5) the response names the version. So a
// request is scored by one version of graph and rows from its beginning to its end, and with the bits of
// `predict`, whatever it was scored together with and on however many threads.
//
// Errors, by code: kResourceExhausted, the queue is full; kDeadlineExceeded, the request wasn't begun in
// time; kUnavailable, the service has been stopped, and kCancelled, it was stopped while the request waited;
// kInvalidArgument, a request that isn't one (no such column, columns of different lengths). A malformed row
// is no error of its request (MalformedRow).
//
// Thread-safe. Memory: the requests in the queue, which is bounded by their rows, and a batch a thread.
#ifndef TANDEM_SCORING_SERVICE_H_
#define TANDEM_SCORING_SERVICE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/batch.h"
#include "tandem/clock.h"
#include "tandem/predictor.h"
#include "tandem/served_model.h"

namespace tandem {

// A column of the log, by its name there, with its cells as text, as the log has them.
struct RequestColumn {
  std::string name;
  std::vector<std::string> cells;  // one a row, or one that serves for all rows
};

struct ScoreRequest {
  int rows = 0;
  // Columns that the model doesn't read are passed over. One that it reads must be there.
  std::vector<RequestColumn> columns;

  // Or rows that the caller has parsed, by the schema of this version of the model: they are scored by it.
  // `rows` and `columns` aren't looked at then.
  std::shared_ptr<const Predictor> parsed_by;
  Batch batch;

  // The latest moment to begin it, on the service's clock; infinity: any.
  double deadline = std::numeric_limits<double>::infinity();
};

// A row that can't be scored, as `predict` sets it aside.
struct MalformedRow {
  int row = 0;      // of the request
  std::string why;  // "'x' in 'price' is not a number"
};

struct ScoreResponse {
  std::string model_id;
  // A row of the request each; kAbsent for malformed ones.
  Scores scores;
  std::vector<MalformedRow> malformed;
};

// Numbers below 0, and rows of 0, are programmer errors.
struct ScoringOptions {
  // That score; 0: as many as there are cores.
  int threads = 1;
  // Requests that wait are scored together up to so many rows. A larger request is scored alone.
  int max_batch_rows = 1024;
  // Rows that wait at most: more is refused.
  int64_t max_queued_rows = 65536;
  // Of the deadlines. Outlives the service.
  Clock* clock = &Clock::Default();
};

class ScoringService {
 public:
  using Done = std::function<void(absl::StatusOr<ScoreResponse>)>;

  // `model` outlives the service.
  ScoringService(ServedModel* model, const ScoringOptions& options);
  // Stops.
  ~ScoringService();
  ScoringService(const ScoringService&) = delete;
  ScoringService& operator=(const ScoringService&) = delete;

  // Returns when the request is scored, or at its deadline where it isn't begun by then.
  absl::StatusOr<ScoreResponse> Score(ScoreRequest request);
  // Returns at once; `done` is called once, from a thread of the service or, where the request is refused,
  // from this one. It must not wait for the service. A request whose deadline passes in the queue is answered
  // when a thread comes to it.
  void Submit(ScoreRequest request, Done done);

  // What waits is answered kCancelled, what is being scored is finished; returns when all is answered. Any
  // number of times; not from within a `done`.
  void Stop();

  // Rows that wait now.
  int64_t queued_rows() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem

#endif  // TANDEM_SCORING_SERVICE_H_
