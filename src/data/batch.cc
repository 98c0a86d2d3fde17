#include "tandem/batch.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace tandem {

void Batch::Clear() {
  labels.clear();
  weights.clear();
  groups.clear();
  teacher_logits.clear();
  for (FieldBags& field : fields) field.Clear();
}

void Batch::AppendRow(const Batch& from, int row) { AppendRows(from, row, row + 1); }

void Batch::Append(const Batch& from) { AppendRows(from, 0, from.rows()); }

void Batch::AppendRows(const Batch& from, int begin_row, int end_row) {
  DCHECK_EQ(fields.size(), from.fields.size());
  const auto append = [](const auto& source, size_t begin, size_t end, auto* target) {
    target->insert(target->end(), source.begin() + begin, source.begin() + end);
  };
  append(from.labels, begin_row, end_row, &labels);
  append(from.weights, begin_row, end_row, &weights);
  append(from.groups, begin_row, end_row, &groups);
  if (!from.teacher_logits.empty()) append(from.teacher_logits, begin_row, end_row, &teacher_logits);
  for (size_t f = 0; f < fields.size(); ++f) {
    const FieldBags& source = from.fields[f];
    FieldBags& target = fields[f];
    const uint32_t begin = source.offsets[begin_row];
    const uint32_t end = source.offsets[end_row];
    const auto shift = static_cast<uint32_t>(target.keys.size()) - begin;  // modulo 2^32, as the sums are
    append(source.keys, begin, end, &target.keys);
    append(source.coefficients, begin, end, &target.coefficients);
    for (int row = begin_row; row < end_row; ++row) target.offsets.push_back(source.offsets[row + 1] + shift);
  }
}

void Batch::Truncate(int rows) {
  labels.resize(rows);
  weights.resize(rows);
  groups.resize(rows);
  if (static_cast<int>(teacher_logits.size()) > rows) teacher_logits.resize(rows);
  for (FieldBags& field : fields) {
    field.offsets.resize(rows + 1);
    field.keys.resize(field.offsets.back());
    field.coefficients.resize(field.offsets.back());
  }
}

int Batch::TakeUnlabelled(Batch* to) {
  const auto unlabelled = static_cast<int>(std::count_if(labels.begin(), labels.end(), IsAbsent));
  if (unlabelled == 0) return 0;
  Batch kept(static_cast<int>(fields.size()));
  for (int row = 0; row < rows(); ++row) {
    Batch* const target = IsAbsent(labels[row]) ? to : &kept;
    if (target != nullptr) target->AppendRow(*this, row);
  }
  std::swap(*this, kept);
  return unlabelled;
}

}  // namespace tandem
