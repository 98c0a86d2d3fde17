#include "tandem/served_model.h"

#include <utility>

#include "src/util/links.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Where the link at `model` leads; "" where it is none.
std::string TargetOf(FileSystem& fs, const std::string& model) {
  std::string target = FollowLink(fs, model);
  if (target == model) target.clear();
  return target;
}

}  // namespace

ServedModel::ServedModel(std::string model, const PredictorOptions& options)
    : options_(options), model_(std::move(model)) {}

absl::StatusOr<std::unique_ptr<ServedModel>> ServedModel::Open(const std::string& model,
                                                               const PredictorOptions& options) {
  std::unique_ptr<ServedModel> served(new ServedModel(model, options));
  TANDEM_ASSIGN_OR_RETURN(Loaded loaded, served->Load(model));
  served->Place(std::move(loaded));
  return served;
}

std::shared_ptr<const Predictor> ServedModel::current() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return version_;
}

absl::StatusOr<bool> ServedModel::Refresh() {
  const std::lock_guard<std::mutex> lock(loading_);
  if (TargetOf(*options_.file_system, model_) == link_target_) return false;
  TANDEM_ASSIGN_OR_RETURN(Loaded loaded, Load(model_));
  Place(std::move(loaded));
  return true;
}

absl::Status ServedModel::Swap(const std::string& model) {
  const std::lock_guard<std::mutex> lock(loading_);
  TANDEM_ASSIGN_OR_RETURN(Loaded loaded, Load(model));
  model_ = model;
  Place(std::move(loaded));
  return absl::OkStatus();
}

absl::StatusOr<ServedModel::Loaded> ServedModel::Load(const std::string& model) const {
  for (;;) {
    Loaded loaded;
    loaded.link_target = TargetOf(*options_.file_system, model);
    absl::StatusOr<std::unique_ptr<Predictor>> version = Predictor::Load(model, options_);
    // What a link has moved away from may be gone before it is read.
    if (!version.ok() && TargetOf(*options_.file_system, model) != loaded.link_target) continue;
    TANDEM_RETURN_IF_ERROR(version.status());
    loaded.version = *std::move(version);
    return loaded;
  }
}

void ServedModel::Place(Loaded loaded) {
  link_target_ = std::move(loaded.link_target);
  // The version before is freed, if nobody holds it, without the lock.
  const std::lock_guard<std::mutex> lock(mutex_);
  version_.swap(loaded.version);
}

}  // namespace tandem
