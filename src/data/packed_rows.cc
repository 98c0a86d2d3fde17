#include "src/data/packed_rows.h"

#include <glog/logging.h>

namespace tandem {
namespace {

// Rows ahead of the one that is copied. Their places are random.
constexpr int kPrefetchRows = 4;

void Prefetch(const void* begin, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += 64)
    __builtin_prefetch(static_cast<const char*>(begin) + offset);
}

}  // namespace

void PackedRows::Clear() {
  heads_.clear();
  ends_.clear();
  keys_.clear();
  coefficients_.clear();
  teacher_logits_.clear();
}

void PackedRows::Append(const Batch& batch) {
  DCHECK_EQ(static_cast<int>(batch.fields.size()), fields_);
  size_t begin = keys_.size();
  size_t added = 0;
  for (const FieldBags& bags : batch.fields) added += bags.keys.size();
  keys_.resize(begin + added);
  coefficients_.resize(begin + added);
  const size_t first_end = ends_.size();
  ends_.resize(first_end + static_cast<size_t>(batch.rows()) * fields_);
  teacher_logits_.insert(teacher_logits_.end(), batch.teacher_logits.begin(), batch.teacher_logits.end());
  uint32_t* next_end = ends_.data() + first_end;
  for (int row = 0; row < batch.rows(); ++row) {
    heads_.push_back({batch.groups[row], begin, batch.labels[row], batch.weights[row]});
    uint64_t* keys = keys_.data() + begin;
    float* coefficients = coefficients_.data() + begin;
    uint32_t size = 0;
    for (const FieldBags& bags : batch.fields) {
      const uint32_t end = bags.offsets[row + 1];
      for (uint32_t i = bags.offsets[row]; i < end; ++i, ++size) {
        keys[size] = bags.keys[i];
        coefficients[size] = bags.coefficients[i];
      }
      *next_end++ = size;
    }
    begin += size;
  }
}

void PackedRows::Gather(const int* rows, int count, Batch* batch) const {
  batch->fields.resize(fields_);
  batch->labels.resize(count);
  batch->weights.resize(count);
  batch->groups.resize(count);
  batch->teacher_logits.resize(teacher_logits_.empty() ? 0 : count);
  for (size_t i = 0; i < batch->teacher_logits.size(); ++i)
    batch->teacher_logits[i] = teacher_logits_[rows[i]];
  for (FieldBags& bags : batch->fields) bags.offsets.resize(count + 1);
  const size_t row_ends = static_cast<size_t>(fields_);
  // First the offsets, which say how long the columns become.
  for (int i = 0; i < count; ++i) {
    if (i + kPrefetchRows < count) {
      const int ahead = rows[i + kPrefetchRows];
      __builtin_prefetch(&heads_[ahead]);
      Prefetch(ends_.data() + ahead * row_ends, row_ends * sizeof(uint32_t));
    }
    const Head& head = heads_[rows[i]];
    batch->labels[i] = head.label;
    batch->weights[i] = head.weight;
    batch->groups[i] = head.group;
    const uint32_t* ends = ends_.data() + rows[i] * row_ends;
    uint32_t before = 0;
    for (size_t f = 0; f < row_ends; ++f) {
      std::vector<uint32_t>& offsets = batch->fields[f].offsets;
      offsets[i + 1] = (i == 0 ? 0 : offsets[i]) + ends[f] - before;
      before = ends[f];
    }
  }
  for (FieldBags& bags : batch->fields) {
    bags.offsets[0] = 0;
    bags.keys.resize(bags.offsets[count]);
    bags.coefficients.resize(bags.offsets[count]);
  }
  for (int i = 0; i < count; ++i) {
    if (i + kPrefetchRows < count) {
      const int ahead = rows[i + kPrefetchRows];
      const size_t size = row_ends == 0 ? 0 : ends_[(ahead + 1) * row_ends - 1];
      Prefetch(keys_.data() + heads_[ahead].begin, size * sizeof(uint64_t));
      Prefetch(coefficients_.data() + heads_[ahead].begin, size * sizeof(float));
    }
    const uint64_t* keys = keys_.data() + heads_[rows[i]].begin;
    const float* coefficients = coefficients_.data() + heads_[rows[i]].begin;
    for (FieldBags& bags : batch->fields) {
      const uint32_t end = bags.offsets[i + 1];
      for (uint32_t to = bags.offsets[i]; to < end; ++to) {
        bags.keys[to] = *keys++;
        bags.coefficients[to] = *coefficients++;
      }
    }
  }
}

}  // namespace tandem
