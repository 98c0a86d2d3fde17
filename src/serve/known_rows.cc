#include "src/serve/known_rows.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "src/serve/serving_tables.h"
#include "tandem/dual_model.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// An odd number near 2^32 divided by the golden ratio spreads rows over keys (Knuth, TAOCP 3, 6.4).
constexpr size_t kSpread = 2654435761u;

}  // namespace

absl::StatusOr<Batch> RowsOfKnownIds(const Predictor& predictor, int rows) {
  const Schema& schema = predictor.schema();
  std::vector<std::vector<uint64_t>> keys(schema.tables().size());
  for (size_t t = 0; t < keys.size(); ++t) {
    if (predictor.tables() != nullptr) {
      const absl::Span<const uint64_t> held = predictor.tables()->keys(static_cast<int>(t));
      keys[t].assign(held.begin(), held.end());
    } else {
      TANDEM_ASSIGN_OR_RETURN(keys[t], predictor.model().embedding().store().Keys(
                                           static_cast<int>(t), std::numeric_limits<int64_t>::max()));
    }
    if (keys[t].empty()) keys[t].push_back(0);
  }
  Batch batch(predictor.fields());
  for (int row = 0; row < rows; ++row) {
    batch.labels.push_back(0);
    batch.weights.push_back(1);
    batch.groups.push_back(0);
    for (size_t f = 0; f < schema.fields().size(); ++f) {
      const std::vector<uint64_t>& known = keys[schema.fields()[f].table];
      FieldBags& bags = batch.fields[f];
      bags.keys.push_back(known[(static_cast<size_t>(row) * kSpread + f) % known.size()]);
      bags.coefficients.push_back(1);
      bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
    }
  }
  return batch;
}

}  // namespace tandem
