#include "src/embedding/embedding_table.h"

#include <glog/logging.h>

#include <algorithm>
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
    explicit Part(bool days) : has_days_(days) {}
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
    // The day of a key that is there; null where it isn't.
    uint32_t* Day(uint64_t key) const {
      if (capacity_ == 0) return nullptr;
      const Entry* const place = Place(key);
      return place->value == 0 ? nullptr : days() + (place - entries());
    }
    // Changes the values of all entries to change(value, &day), and drops those where that is 0.
    template <class Change>
    void ChangeAll(const Change& change) {
      uint32_t left = 0;
      for (uint32_t i = 0; i < capacity_; ++i) {
        Entry& entry = entries()[i];
        if (entry.value != 0) left += (entry.value = change(entry.value, days() + i)) != 0 ? 1 : 0;
      }
      // The search for a key ends at a free place: what is left is put in anew.
      if (left == size_) return;
      size_ = left;
      Move(left < capacity_ / 4 ? std::max(8u, 2 * left) : capacity_);
    }
    uint32_t size() const { return size_; }
    size_t bytes() const { return memory_.bytes() + days_.bytes(); }

   private:
    // Large parts grow by a quarter: what is free is memory, too.
    static constexpr uint32_t kDoubledCapacity = 4096;

    Entry* entries() const { return static_cast<Entry*>(memory_.data()); }
    uint32_t* days() const { return static_cast<uint32_t*>(days_.data()); }
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
      Move(capacity_ < kDoubledCapacity ? std::max(8u, 2 * capacity_) : capacity_ + capacity_ / 4);
    }
    void Move(uint32_t capacity) {
      const ZeroedMemory old = std::move(memory_), old_days = std::move(days_);
      const uint32_t old_capacity = capacity_;
      capacity_ = capacity;
      memory_ = ZeroedMemory(capacity_ * sizeof(Entry), ZeroedMemory::Pages::kHuge);
      if (has_days_) days_ = ZeroedMemory(capacity_ * sizeof(uint32_t), ZeroedMemory::Pages::kHuge);
      const auto* from = static_cast<const Entry*>(old.data());
      const auto* from_days = static_cast<const uint32_t*>(old_days.data());
      for (uint32_t i = 0; i < old_capacity; ++i) {
        if (from[i].value == 0) continue;
        Entry* const place = Place(from[i].key());
        *place = from[i];
        if (has_days_) days()[place - entries()] = from_days[i];
      }
    }

    const bool has_days_;
    ZeroedMemory memory_;
    ZeroedMemory days_;  // of the entry at the same place
    uint32_t capacity_ = 0;
    uint32_t size_ = 0;
  };

  static constexpr int kPartBits = 4;
  static constexpr int kParts = 1 << kPartBits;

  explicit Index(bool days) {
    for (int i = 0; i < kParts; ++i) parts_.emplace_back(days);
  }

  Part& part(uint64_t key) { return parts_[key >> (64 - kPartBits)]; }
  const Part& part(uint64_t key) const { return parts_[key >> (64 - kPartBits)]; }
  const std::vector<Part>& parts() const { return parts_; }
  std::vector<Part>& parts() { return parts_; }

 private:
  std::vector<Part> parts_;
};

EmbeddingTable::EmbeddingTable(const Layout& layout)
    : layout_(layout), index_(std::make_unique<Index>(layout.days)) {
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
  return (value & kPendingBit) != 0 ? kOovRow : value;
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
  return kOovRow;
}

void EmbeddingTable::SetPending(uint64_t key, uint32_t count) {
  index_->part(key).FindOrAdd(key) = count | kPendingBit;
}

void EmbeddingTable::RaiseDay(uint64_t key, uint32_t day) {
  uint32_t* const kept = index_->part(key).Day(key);
  if (kept != nullptr) *kept = std::max(*kept, day);
}

uint32_t EmbeddingTable::Day(uint64_t key) const {
  const uint32_t* const kept = index_->part(key).Day(key);
  return kept == nullptr ? 0 : *kept;
}

int64_t EmbeddingTable::DropBefore(uint32_t first_kept, uint32_t unknown) {
  CHECK(layout_.days);
  const int64_t before = rows_ - 1 + pending();
  // Of each row: whether it stays, then where.
  std::vector<uint32_t> to(rows_, 0);
  int64_t kept = 1;
  const auto mark = [&](uint32_t value, uint32_t* day) -> uint32_t {
    if (*day == 0) *day = unknown;
    if (*day < first_kept) return 0;
    if ((value & kPendingBit) == 0) {
      to[value] = 1;
      ++kept;
    }
    return value;
  };
  for (Index::Part& part : index_->parts()) part.ChangeAll(mark);
  if (kept < rows_) {
    uint32_t hole = 1;
    for (uint32_t row = 1; row < rows_; ++row) {
      if (to[row] == 0) continue;
      if (row < kept) {
        to[row] = row;
        continue;
      }
      while (to[hole] != 0) ++hole;
      std::copy_n(this->row(row), stride_, this->row(hole));
      to[row] = hole++;
    }
    const auto renumber = [&](uint32_t value, uint32_t* /*day*/) {
      return (value & kPendingBit) == 0 ? to[value] : value;
    };
    for (Index::Part& part : index_->parts()) part.ChangeAll(renumber);
    KeepRows(kept);
  }
  return before - (rows_ - 1 + pending());
}

// The first ones alone. Memory of rows to come is zero.
void EmbeddingTable::KeepRows(int64_t rows) {
  const auto slab_of = [](size_t segment) { return segment == 0 ? 0 : 1 + (segment - 1) / kSlabSegments; };
  const size_t segments = ((rows - 1) >> kSegmentBits) + 1;
  const size_t slabs = slab_of(segments - 1) + 1;
  for (int64_t row = rows; row < rows_ && slab_of(row >> kSegmentBits) < slabs; ++row)
    std::fill_n(this->row(static_cast<uint32_t>(row)), stride_, 0.0f);
  rows_ = rows;
  segments_.resize(segments);
  slabs_.resize(slabs);
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
