#include "tandem/batch.h"

#include <glog/logging.h>

namespace tandem {

void Batch::Clear() {
  labels.clear();
  weights.clear();
  groups.clear();
  for (FieldBags& field : fields) field.Clear();
}

void Batch::AppendRow(const Batch& from, int row) {
  DCHECK_EQ(fields.size(), from.fields.size());
  labels.push_back(from.labels[row]);
  weights.push_back(from.weights[row]);
  groups.push_back(from.groups[row]);
  for (size_t f = 0; f < fields.size(); ++f) {
    const FieldBags& source = from.fields[f];
    FieldBags& target = fields[f];
    const uint32_t begin = source.offsets[row];
    const uint32_t end = source.offsets[row + 1];
    target.keys.insert(target.keys.end(), source.keys.begin() + begin, source.keys.begin() + end);
    target.coefficients.insert(target.coefficients.end(), source.coefficients.begin() + begin,
                               source.coefficients.begin() + end);
    target.offsets.push_back(static_cast<uint32_t>(target.keys.size()));
  }
}

void Batch::Append(const Batch& from) {
  for (int row = 0; row < from.rows(); ++row) AppendRow(from, row);
}

void Batch::Truncate(int rows) {
  labels.resize(rows);
  weights.resize(rows);
  groups.resize(rows);
  for (FieldBags& field : fields) {
    field.offsets.resize(rows + 1);
    field.keys.resize(field.offsets.back());
    field.coefficients.resize(field.offsets.back());
  }
}

}  // namespace tandem
