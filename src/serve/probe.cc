#include "src/serve/probe.h"

#include "src/util/finite.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kRows = 64;

}  // namespace

Batch ProbeRows(const Schema& schema, const std::vector<std::vector<uint64_t>>& keys) {
  Batch batch(static_cast<int>(schema.fields().size()));
  for (int row = 0; row < kRows; ++row) {
    batch.labels.push_back(0);
    batch.weights.push_back(1);
    batch.groups.push_back(0);
    for (size_t f = 0; f < schema.fields().size(); ++f) {
      FieldBags& bags = batch.fields[f];
      const std::vector<uint64_t>& of_table = keys[schema.fields()[f].table];
      if (row > 0 && !of_table.empty()) {
        bags.keys.push_back(of_table[(row - 1) % of_table.size()]);
        bags.coefficients.push_back(1);
      }
      bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
    }
  }
  return batch;
}

absl::Status ProveByScoring(const Predictor& predictor, const Batch& rows) {
  Scores scores;
  TANDEM_RETURN_IF_ERROR(predictor.Score(rows, &scores));
  for (const std::vector<float>* of_tower : {&scores.teacher, &scores.student}) {
    if (AllFinite(of_tower->data(), static_cast<int64_t>(of_tower->size()))) continue;
    return ModelError(
        predictor.directory(), ": the ", of_tower == &scores.teacher ? "teacher" : "student",
        "'s scores are not numbers: its training diverged. An older checkpoint, or a run at a lower rate, "
        "is what to use");
  }
  return absl::OkStatus();
}

}  // namespace tandem
