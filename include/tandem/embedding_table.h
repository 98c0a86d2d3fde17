// One growing table of rows, found by 64-bit keys: weights and optimizer slots of a row side by side.
//
//   EmbeddingTable table({.width = 17, .slots = 1, .updates = false, .last_steps = false});
//   const uint32_t row = table.Insert(key);              // or table.Find(key): kDefaultRow where the table
//   doesn't hold it float* weights = table.row(row);                     // [width]; slot k of weight i at
//   weights[(k + 1) * width + i]
//
// Row 0 is the default row: zero at first, it stands for every id that the table doesn't hold. Rows live in
// segments that never move, so that growth copies nothing and pointers stay valid. The index is cut into
// parts by the key's high bits: growing one part at a time keeps the pause and the extra memory small, and
// walking the parts in order visits keys in order.
//
// Thread-safety: any number of readers, or one writer; rows of different numbers may be written at the same
// time.
#ifndef TANDEM_EMBEDDING_TABLE_H_
#define TANDEM_EMBEDDING_TABLE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tandem/matrix.h"

namespace tandem {

class EmbeddingTable {
 public:
  static constexpr uint32_t kDefaultRow = 0;

  struct Layout {
    int width = 0;            // floats of weights a row
    int slots = 0;            // optimizer slots a weight
    bool updates = false;     // keep a count of updates a row (lazy Adam)
    bool last_steps = false;  // keep the step of the last update a row (lazy weight decay)
  };

  explicit EmbeddingTable(const Layout& layout);
  ~EmbeddingTable();
  EmbeddingTable(EmbeddingTable&&) noexcept;
  EmbeddingTable& operator=(EmbeddingTable&&) noexcept;

  const Layout& layout() const { return layout_; }
  // Rows, the default row included.
  int64_t rows() const { return rows_; }
  // Bytes of rows, of what is kept beside them, and of the index.
  int64_t bytes() const;

  // The row that serves `key`.
  uint32_t Find(uint64_t key) const;
  // The key's own row, made (zero) if it isn't there. A key that was pending isn't any more.
  uint32_t Insert(uint64_t key);
  // Counts an occurrence of a key that has no row: its row if it has one, else kDefaultRow, with the
  // occurrences so far, this one included, in `count`.
  uint32_t Count(uint64_t key, uint32_t* count);
  // Sets the count of a key without a row.
  void SetPending(uint64_t key, uint32_t count);

  float* row(uint32_t row) {
    return segments_[row >> kSegmentBits].floats.data() + (row & kSegmentMask) * stride_;
  }
  const float* row(uint32_t row) const {
    return segments_[row >> kSegmentBits].floats.data() + (row & kSegmentMask) * stride_;
  }
  // Only where the layout keeps them.
  uint32_t& updates(uint32_t row) { return segments_[row >> kSegmentBits].updates[row & kSegmentMask]; }
  uint32_t& last_step(uint32_t row) { return segments_[row >> kSegmentBits].last_steps[row & kSegmentMask]; }
  uint32_t updates(uint32_t row) const { return segments_[row >> kSegmentBits].updates[row & kSegmentMask]; }
  uint32_t last_step(uint32_t row) const {
    return segments_[row >> kSegmentBits].last_steps[row & kSegmentMask];
  }
  // A word a row for the caller's use within a batch; its first value is 0.
  uint32_t& scratch(uint32_t row) { return segments_[row >> kSegmentBits].scratch[row & kSegmentMask]; }

  // Brings the row's memory nearer.
  void Prefetch(uint32_t row) const { __builtin_prefetch(this->row(row)); }

  // Calls visit(key, row) for every key with a row, in key order; then visit_pending(key, count) for the keys
  // without one, in key order. Either may be null.
  void VisitInOrder(const std::function<void(uint64_t key, uint32_t row)>& visit,
                    const std::function<void(uint64_t key, uint32_t count)>& visit_pending) const;
  int64_t pending() const;

 private:
  static constexpr int kSegmentBits = 13;
  static constexpr uint32_t kSegmentMask = (1u << kSegmentBits) - 1;

  struct Segment {
    AlignedFloats floats;
    std::vector<uint32_t> updates, last_steps, scratch;
  };
  class Index;

  uint32_t AddRow();

  Layout layout_;
  int stride_;  // floats from row to row
  int64_t rows_ = 0;
  std::vector<Segment> segments_;
  std::unique_ptr<Index> index_;
};

}  // namespace tandem

#endif  // TANDEM_EMBEDDING_TABLE_H_
