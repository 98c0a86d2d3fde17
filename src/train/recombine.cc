#include "src/train/recombine.h"

#include <algorithm>
#include <cstdint>

namespace tandem {
namespace {

template <typename T>
void Append(const std::vector<T>& from, uint32_t begin, uint32_t end, std::vector<T>* to) {
  to->insert(to->end(), from.begin() + begin, from.begin() + end);
}

}  // namespace

void Recombine(const Batch& batch, const BatchRows& rows, const Random& random, double share,
               Recombined* to) {
  const int n = batch.rows();
  const size_t fields = batch.fields.size();
  to->batch.labels.assign(n, kAbsent);
  to->batch.weights = batch.weights;
  to->batch.groups.assign(n, 0);
  to->batch.fields.resize(fields);
  to->rows.fields.resize(fields);
  to->rows.tables.resize(rows.tables.size());
  for (size_t t = 0; t < rows.tables.size(); ++t) to->rows.tables[t].Refer(rows.tables[t]);
  to->partners.resize(n);
  uint64_t draws = 0;
  for (int& partner : to->partners) partner = static_cast<int>(random.UniformDouble(draws++) * n);
  for (size_t f = 0; f < fields; ++f) {
    const FieldBags& from = batch.fields[f];
    FieldBags& bags = to->batch.fields[f];
    bags.Clear();
    to->rows.fields[f].clear();
    uint32_t longest = 0;
    for (int r = 0; r < n; ++r) longest = std::max(longest, from.offsets[r + 1] - from.offsets[r]);
    bags.keys.reserve(static_cast<size_t>(n) * longest);
    bags.coefficients.reserve(static_cast<size_t>(n) * longest);
    to->rows.fields[f].reserve(static_cast<size_t>(n) * longest);
    for (int r = 0; r < n; ++r) {
      const int source = random.UniformDouble(draws++) < share ? to->partners[r] : r;
      const uint32_t begin = from.offsets[source];
      const uint32_t end = from.offsets[source + 1];
      Append(from.keys, begin, end, &bags.keys);
      Append(from.coefficients, begin, end, &bags.coefficients);
      Append(rows.fields[f], begin, end, &to->rows.fields[f]);
      bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
    }
  }
}

}  // namespace tandem
