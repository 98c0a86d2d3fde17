#include "src/embedding/embedding_table.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "src/util/zeroed_memory.h"

namespace tandem {
namespace {

// A value of the index: a row, or the count of a key that has none yet.
constexpr uint32_t kPendingBit = 1u << 31;

// Floats from row to row: whole vectors, or whole cache lines where that wastes little.
int RoundedStride(int floats) {
  const int lines = (floats + 15) / 16 * 16;
  return lines - floats <= floats / 8 ? lines : (floats + 3) / 4 * 4;
}

// Rows whose memory is asked for ahead of a visit.
constexpr size_t kVisitedAhead = 16;
// Segments of a slab after the first.
constexpr size_t kSlabSegments = 8;

}  // namespace

// Open addressing with linear probing (Knuth 6.4, algorithm L): an entry takes 12 bytes, at most three
// quarters of the places are taken, and a look-up reads one cache line most of the time.
class EmbeddingTable::Index {
 public:
  struct Entry {
    uint32_t key_halves[2];  // in this way an entry is aligned to 4 bytes
    uint32_t value;          // 0: the place is free

    uint64_t key() const {
      uint64_t key;
      std::memcpy(&key, key_halves, sizeof(key));
      return key;
    }
  };

  class Part {
   public:
    uint32_t Find(uint64_t key) const { return capacity_ == 0 ? 0 : Place(key)->value; }
    void Prefetch(uint64_t key) const {
      if (capacity_ > 0) __builtin_prefetch(entries() + Home(key));
    }
    // The value of the key, kPendingBit if it had none.
    uint32_t& FindOrAdd(uint64_t key) {
      Entry* place = capacity_ == 0 ? nullptr : Place(key);
      if (place != nullptr && place->value != 0) return place->value;
      if (4 * (uint64_t{size_} + 1) > 3 * uint64_t{capacity_}) {
        Grow();
        place = Place(key);
      }
      ++size_;
      std::memcpy(place->key_halves, &key, sizeof(key));
      place->value = kPendingBit;
      return place->value;
    }
    template <class Visit>
    void ForEach(const Visit& visit) const {
      for (uint32_t i = 0; i < capacity_; ++i) {
        if (entries()[i].value != 0) visit(entries()[i].key(), entries()[i].value);
      }
    }
    uint32_t size() const { return size_; }
    size_t bytes() const { return memory_.bytes(); }

   private:
    // Large parts grow by a quarter: what is free is memory, too.
    static constexpr uint32_t kDoubledCapacity = 4096;

    Entry* entries() const { return static_cast<Entry*>(memory_.data()); }
    // Where the search for a key begins. Keys are hashes already; the product spreads those of tests as well.
    uint32_t Home(uint64_t key) const {
      return static_cast<uint32_t>((key * 0x9E3779B97F4A7C15u >> 32) * capacity_ >> 32);
    }
    // The place that has the key, or the free one where it belongs.
    Entry* Place(uint64_t key) const {
      Entry* const first = entries();
      Entry* place = first + Home(key);
      while (place->value != 0 && place->key() != key) {
        if (++place == first + capacity_) place = first;
      }
      return place;
    }
    void Grow() {
      const ZeroedMemory old = std::move(memory_);
      const uint32_t old_capacity = capacity_;
      capacity_ = capacity_ < kDoubledCapacity ? std::max(8u, 2 * capacity_) : capacity_ + capacity_ / 4;
      memory_ = ZeroedMemory(capacity_ * sizeof(Entry), ZeroedMemory::Pages::kHuge);
      const auto* entries = static_cast<const Entry*>(old.data());
      for (uint32_t i = 0; i < old_capacity; ++i) {
        if (entries[i].value != 0) *Place(entries[i].key()) = entries[i];
      }
    }

    ZeroedMemory memory_;
    uint32_t capacity_ = 0;
    uint32_t size_ = 0;
  };

  static constexpr int kPartBits = 4;
  static constexpr int kParts = 1 << kPartBits;

  Part& part(uint64_t key) { return parts_[key >> (64 - kPartBits)]; }
  const Part& part(uint64_t key) const { return parts_[key >> (64 - kPartBits)]; }
  const std::array<Part, kParts>& parts() const { return parts_; }

 private:
  std::array<Part, kParts> parts_;
};

EmbeddingTable::EmbeddingTable(const Layout& layout) : layout_(layout), index_(std::make_unique<Index>()) {
  CHECK_GT(layout.width, 0);
  int words = layout.width * (1 + layout.slots) + layout.extra;
  const auto place = [&](bool kept) { return kept ? words++ : 0; };
  updates_word_ = place(layout.updates);
  last_step_word_ = place(layout.last_steps);
  scratch_word_ = place(layout.scratch);
  stride_ = RoundedStride(words);
  AddRow();
}

EmbeddingTable::~EmbeddingTable() = default;
EmbeddingTable::EmbeddingTable(EmbeddingTable&&) noexcept = default;
EmbeddingTable& EmbeddingTable::operator=(EmbeddingTable&&) noexcept = default;

int64_t EmbeddingTable::bytes() const {
  int64_t total = rows_ * stride_ * static_cast<int64_t>(sizeof(float));
  for (const Index::Part& part : index_->parts()) total += static_cast<int64_t>(part.bytes());
  return total;
}

void EmbeddingTable::PrefetchKey(uint64_t key) const { index_->part(key).Prefetch(key); }

uint32_t EmbeddingTable::Find(uint64_t key) const {
  const uint32_t value = index_->part(key).Find(key);
  return (value & kPendingBit) != 0 ? kDefaultRow : value;
}

uint32_t EmbeddingTable::Insert(uint64_t key) {
  uint32_t& value = index_->part(key).FindOrAdd(key);
  if ((value & kPendingBit) != 0) value = AddRow();
  return value;
}

uint32_t EmbeddingTable::Count(uint64_t key, uint32_t occurrences, uint32_t* count) {
  uint32_t& value = index_->part(key).FindOrAdd(key);
  if ((value & kPendingBit) == 0) return value;
  value += std::min(occurrences, ~0u - value);
  *count = value & ~kPendingBit;
  return kDefaultRow;
}

void EmbeddingTable::SetPending(uint64_t key, uint32_t count) {
  index_->part(key).FindOrAdd(key) = count | kPendingBit;
}

uint32_t EmbeddingTable::AddRow() {
  CHECK_LT(rows_, kPendingBit) << "a table holds at most 2^31 rows";
  const auto row = static_cast<uint32_t>(rows_++);
  if ((row & kSegmentMask) == 0) {
    const size_t segment_floats = (size_t{1} << kSegmentBits) * stride_;
    const size_t segment = row >> kSegmentBits;
    // Most tables are small: the first slab is a segment in small pages.
    const size_t place = segment == 0 ? 0 : (segment - 1) % kSlabSegments;
    if (place == 0) {
      const size_t segments = segment == 0 ? 1 : kSlabSegments;
      slabs_.emplace_back(segments * segment_floats * sizeof(float),
                          segment == 0 ? ZeroedMemory::Pages::kSmall : ZeroedMemory::Pages::kHuge);
    }
    segments_.push_back(static_cast<float*>(slabs_.back().data()) + place * segment_floats);
  }
  return row;
}

void EmbeddingTable::VisitInOrder(const std::function<void(uint64_t, uint32_t)>& visit,
                                  const std::function<void(uint64_t, uint32_t)>& visit_pending) const {
  std::vector<std::pair<uint64_t, uint32_t>> entries;
  const auto visit_all = [&](bool pending, const std::function<void(uint64_t, uint32_t)>& function) {
    for (const Index::Part& part : index_->parts()) {
      entries.clear();
      part.ForEach([&](uint64_t key, uint32_t value) {
        if (((value & kPendingBit) != 0) == pending) entries.emplace_back(key, value & ~kPendingBit);
      });
      std::sort(entries.begin(), entries.end());
      for (size_t i = 0; i < entries.size(); ++i) {
        if (!pending && i + kVisitedAhead < entries.size()) Prefetch(row(entries[i + kVisitedAhead].second));
        function(entries[i].first, entries[i].second);
      }
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
