// A model that is served while newer ones take its place.
//
//   TANDEM_ASSIGN_OR_RETURN(const auto model, ServedModel::Open("daily/published", {}));
//   const std::shared_ptr<const Predictor> version = model->current();      // for one request
//   version->Score(batch, &scores);                                         // by version->model_id()
//
//   TANDEM_ASSIGN_OR_RETURN(const bool swapped, model->Refresh());          // now and then
//
// Life of a version: (1) it is loaded beside the one in place, and verified whole; (2) warmed up: some rows
// are scored, so that no request pays for what a first one finds cold; (3) put in place in one step; (4) what
// requests hold of the version before goes on until they are done, and frees it. So a request that takes
// current() once is scored by one version of graph and rows from its beginning to its end. Where (1) fails
// the version in place stays.
//
// Who is given a model by a name, which somebody may publish or prune meanwhile, opens one, if only for a
// while: `predict`, `evaluate`, `importance`, `report`, `inspect --time`, the judging of `daily`, a server.
// Who scores a run of its own (a cell of `compare`, a trial of `tune`, an export) loads a Predictor.
//
// Memory: two versions while one takes the other's place, and as long as somebody holds the old one.
// Thread-safe: any number of threads call current() while another one refreshes or swaps.
#ifndef TANDEM_SERVED_MODEL_H_
#define TANDEM_SERVED_MODEL_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/predictor.h"

namespace tandem {

class ServedModel {
 public:
  // `model`: a run (its newest step), a checkpoint or a bundle, or a link to one. Errors as
  // Predictor::Load's.
  static absl::StatusOr<std::unique_ptr<ServedModel>> Open(const std::string& model,
                                                           const PredictorOptions& options);

  // The version in place; never null.
  std::shared_ptr<const Predictor> current() const;

  // Where `model` is a link that leads elsewhere than it did (`published` of a daily or an online run),
  // serves what it leads to now. True if another version is in place. A link that moves on while what it led
  // to is removed is followed again.
  absl::StatusOr<bool> Refresh();
  // Serves another model from now on, with the same options.
  absl::Status Swap(const std::string& model);

 private:
  struct Loaded {
    std::string link_target;  // "" where the model was named without a link
    std::shared_ptr<const Predictor> version;
  };
  ServedModel(std::string model, const PredictorOptions& options);
  absl::StatusOr<Loaded> Load(const std::string& model) const;
  void Place(Loaded loaded);

  const PredictorOptions options_;
  std::mutex loading_;  // one version is loaded at a time
  // Both change with `loading_` held.
  std::string model_;
  std::string link_target_;
  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<const Predictor> version_;
};

}  // namespace tandem

#endif  // TANDEM_SERVED_MODEL_H_
