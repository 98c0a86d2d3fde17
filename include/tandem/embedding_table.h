// One growing table of rows, found by 64-bit keys: weights and optimizer slots of a row side by side.
//
//   EmbeddingTable table({.width = 17, .slots = 1, .updates = false, .last_steps = false});
//   const uint32_t row = table.Insert(key);      // or table.Find(key): kDefaultRow where it isn't there
//   float* const weights = table.row(row);       // [width]; slot k of weight i at weights[(k + 1) * width + i]
//
// Row 0 is the default row: zero at first, it stands for every id that the table doesn't hold. Rows live in
// segments that never move, so that growth copies nothing and pointers stay valid; beyond the first one they
// are cut from huge pages, which take no room until they are written to. The index is cut into parts by the
// key's high bits: growing one part at a time keeps the pause and the extra memory small, and walking the
// parts in order visits keys in order.
//
// A row takes (width * (1 + slots) + extra + words) * 4 bytes, rounded up to 16 or, where that adds little,
// to 64; an entry of the index, of a row or of a pending key, 16 to 20 bytes.
//
// Thread-safety: any number of readers, or one writer; rows of different numbers may be written at the same
// time.
#ifndef TANDEM_EMBEDDING_TABLE_H_
#define TANDEM_EMBEDDING_TABLE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tandem {

class ZeroedMemory;

class EmbeddingTable {
 public:
  static constexpr uint32_t kDefaultRow = 0;

  struct Layout {
    int width = 0;            // floats of weights a row
    int slots = 0;            // optimizer slots a weight
    int extra = 0;            // floats of the caller's own, behind the slots
    bool updates = false;     // keep a count of updates a row (lazy Adam)
    bool last_steps = false;  // keep the step of the last update a row (lazy weight decay)
    bool scratch = false;     // keep a word a row for the caller
  };

  explicit EmbeddingTable(const Layout& layout);
  ~EmbeddingTable();
  EmbeddingTable(EmbeddingTable&&) noexcept;
  EmbeddingTable& operator=(EmbeddingTable&&) noexcept;

  const Layout& layout() const { return layout_; }
  // Rows, the default row included.
  int64_t rows() const { return rows_; }
  // Bytes of rows, of what is kept with them, and of the index.
  int64_t bytes() const;

  // Brings the key's place in the index nearer.
  void PrefetchKey(uint64_t key) const;
  // The row that serves `key`.
  uint32_t Find(uint64_t key) const;
  // The key's own row, made (zero) if it isn't there. A key that was pending isn't any more.
  uint32_t Insert(uint64_t key);
  // Counts an occurrence of a key that has no row: its row if it has one, else kDefaultRow, with the
  // occurrences so far, this one included, in `count`.
  uint32_t Count(uint64_t key, uint32_t* count);
  // Sets the count of a key without a row.
  void SetPending(uint64_t key, uint32_t count);

  float* row(uint32_t row) { return segments_[row >> kSegmentBits] + (row & kSegmentMask) * stride_; }
  const float* row(uint32_t row) const {
    return segments_[row >> kSegmentBits] + (row & kSegmentMask) * stride_;
  }
  // [layout().extra]
  float* extra(uint32_t row) { return this->row(row) + layout_.width * (1 + layout_.slots); }
  const float* extra(uint32_t row) const { return this->row(row) + layout_.width * (1 + layout_.slots); }
  // Only where the layout keeps them.
  uint32_t& updates(uint32_t row) { return *Word(row, updates_word_); }
  uint32_t& last_step(uint32_t row) { return *Word(row, last_step_word_); }
  uint32_t updates(uint32_t row) const { return *Word(row, updates_word_); }
  uint32_t last_step(uint32_t row) const { return *Word(row, last_step_word_); }
  // The caller's word within a batch; its first value is 0.
  uint32_t& scratch(uint32_t row) { return *Word(row, scratch_word_); }

  // Brings the first `floats` of the row's memory nearer: width for its weights, row_floats() for all.
  void Prefetch(uint32_t row, int floats) const {
    const float* p = this->row(row);
    for (int i = 0; i < floats; i += kLineFloats) __builtin_prefetch(p + i);
  }
  // The same of the row's extra floats.
  void PrefetchExtra(uint32_t row) const {
    const float* p = extra(row);
    for (int i = 0; i < layout_.extra; i += kLineFloats) __builtin_prefetch(p + i);
  }
  int row_floats() const { return stride_; }

  // Calls visit(key, row) for every key with a row, in key order; then visit_pending(key, count) for the keys
  // without one, in key order. Either may be null.
  void VisitInOrder(const std::function<void(uint64_t key, uint32_t row)>& visit,
                    const std::function<void(uint64_t key, uint32_t count)>& visit_pending) const;
  int64_t pending() const;

 private:
  static constexpr int kLineFloats = 16;
  static constexpr int kSegmentBits = 13;
  static constexpr uint32_t kSegmentMask = (1u << kSegmentBits) - 1;

  class Index;

  uint32_t AddRow();
  // Words lie behind a row's floats, and are never anything but words.
  uint32_t* Word(uint32_t row, int word) const {
    return reinterpret_cast<uint32_t*>(segments_[row >> kSegmentBits] + (row & kSegmentMask) * stride_ +
                                       word);
  }

  Layout layout_;
  int updates_word_, last_step_word_, scratch_word_;  // places in a row; 0: not kept
  int stride_;                                        // floats from row to row
  int64_t rows_ = 0;
  std::vector<float*> segments_;     // into slabs_
  std::vector<ZeroedMemory> slabs_;  // a segment, then some segments each
  std::unique_ptr<Index> index_;
};

}  // namespace tandem

#endif  // TANDEM_EMBEDDING_TABLE_H_
