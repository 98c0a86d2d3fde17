#include "tandem/embedding_table.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace tandem {
namespace {

// A value of the index: a row, or the count of a key that has none yet.
constexpr uint32_t kPendingBit = 1u << 31;

// Keys are XXH3 already: hashing them again would only cost.
struct KeyHash {
  size_t operator()(uint64_t key) const { return key; }
};

int RoundedStride(int floats) {
  // Whole cache lines where that wastes little; else whole vectors.
  const int lines = (floats + 15) / 16 * 16;
  return lines - floats <= floats / 4 ? lines : (floats + 3) / 4 * 4;
}

}  // namespace

class EmbeddingTable::Index {
 public:
  using Part = absl::flat_hash_map<uint64_t, uint32_t, KeyHash>;

  Part& part(uint64_t key) { return parts_[key >> (64 - kPartBits)]; }
  const Part& part(uint64_t key) const { return parts_[key >> (64 - kPartBits)]; }
  const std::array<Part, 64>& parts() const { return parts_; }

 private:
  static constexpr int kPartBits = 6;
  std::array<Part, 64> parts_;
};

EmbeddingTable::EmbeddingTable(const Layout& layout)
    : layout_(layout),
      stride_(RoundedStride(layout.width * (1 + layout.slots))),
      index_(std::make_unique<Index>()) {
  CHECK_GT(layout.width, 0);
  AddRow();
}

EmbeddingTable::~EmbeddingTable() = default;
EmbeddingTable::EmbeddingTable(EmbeddingTable&&) noexcept = default;
EmbeddingTable& EmbeddingTable::operator=(EmbeddingTable&&) noexcept = default;

int64_t EmbeddingTable::bytes() const {
  int64_t total = 0;
  for (const Segment& segment : segments_) {
    total += sizeof(float) * segment.floats.capacity() +
             sizeof(uint32_t) *
                 (segment.updates.capacity() + segment.last_steps.capacity() + segment.scratch.capacity());
  }
  // A slot and a control byte an entry (absl's Swiss tables).
  for (const Index::Part& part : index_->parts())
    total += part.capacity() * (sizeof(Index::Part::value_type) + 1);
  return total;
}

uint32_t EmbeddingTable::Find(uint64_t key) const {
  const Index::Part& part = index_->part(key);
  const auto found = part.find(key);
  return found == part.end() || (found->second & kPendingBit) != 0 ? kDefaultRow : found->second;
}

uint32_t EmbeddingTable::Insert(uint64_t key) {
  uint32_t& value = index_->part(key).try_emplace(key, kPendingBit).first->second;
  if ((value & kPendingBit) != 0) value = AddRow();
  return value;
}

uint32_t EmbeddingTable::Count(uint64_t key, uint32_t* count) {
  uint32_t& value = index_->part(key).try_emplace(key, kPendingBit).first->second;
  if ((value & kPendingBit) == 0) return value;
  if (value != ~0u) ++value;
  *count = value & ~kPendingBit;
  return kDefaultRow;
}

void EmbeddingTable::SetPending(uint64_t key, uint32_t count) {
  index_->part(key)[key] = count | kPendingBit;
}

uint32_t EmbeddingTable::AddRow() {
  CHECK_LT(rows_, kPendingBit) << "a table holds at most 2^31 rows";
  const auto row = static_cast<uint32_t>(rows_++);
  if ((row >> kSegmentBits) == segments_.size()) {
    constexpr size_t kRows = size_t{1} << kSegmentBits;
    Segment& segment = segments_.emplace_back();
    segment.floats.resize(kRows * stride_);
    segment.scratch.resize(kRows);
    if (layout_.updates) segment.updates.resize(kRows);
    if (layout_.last_steps) segment.last_steps.resize(kRows);
  }
  return row;
}

void EmbeddingTable::VisitInOrder(const std::function<void(uint64_t, uint32_t)>& visit,
                                  const std::function<void(uint64_t, uint32_t)>& visit_pending) const {
  std::vector<std::pair<uint64_t, uint32_t>> entries;
  const auto visit_all = [&](bool pending, const std::function<void(uint64_t, uint32_t)>& function) {
    for (const Index::Part& part : index_->parts()) {
      entries.clear();
      for (const auto& [key, value] : part) {
        if (((value & kPendingBit) != 0) == pending) entries.emplace_back(key, value & ~kPendingBit);
      }
      std::sort(entries.begin(), entries.end());
      for (const auto& [key, value] : entries) function(key, value);
    }
  };
  if (visit != nullptr) visit_all(/*pending=*/false, visit);
  if (visit_pending != nullptr) visit_all(/*pending=*/true, visit_pending);
}

int64_t EmbeddingTable::pending() const {
  int64_t keys = 0;
  for (const Index::Part& part : index_->parts()) keys += static_cast<int64_t>(part.size());
  return keys - (rows_ - 1);
}

}  // namespace tandem
