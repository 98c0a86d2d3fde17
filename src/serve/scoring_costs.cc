#include "src/serve/scoring_costs.h"

#include <cmath>

#include "src/serve/serving_tables.h"
#include "src/train/model_costs.h"
#include "tandem/dual_model.h"

namespace tandem {
namespace {

// What a bundle's tables cost, and its student: in low precision that has no share of a peak in float32.
void SetTableCosts(const Predictor& predictor, Profile* profile) {
  constexpr double kLine = 64;
  const ServingTables& tables = *predictor.tables();
  const double row = static_cast<double>(tables.weight_bytes()) / static_cast<double>(tables.rows());
  const double x = static_cast<double>(predictor.fields()) * predictor.model().embedding().dim();
  profile->SetCost(Stage::kGather,
                   {2 * x, predictor.fields() * kLine * std::ceil(row / kLine) + x * sizeof(float)});
  if (tables.precision() != Precision::kF32) profile->SetCost(Stage::kStudentForward, {0, 0});
}

}  // namespace

void SetScoringCosts(const Predictor& predictor, Profile* profile) {
  SetModelCosts(predictor.model(), TrainedParts::kAll, profile);
  if (predictor.tables() != nullptr) SetTableCosts(predictor, profile);
}

}  // namespace tandem
