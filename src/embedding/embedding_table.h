// One growing table of rows, found by 64-bit keys: weights and optimizer slots of a row side by side.
//
//   EmbeddingTable table({.width = 17, .slots = 1, .updates = false, .last_steps = false});
//   const uint32_t row = table.Insert(key);      // or table.Find(key): kOovRow where it isn't there
//   float* const weights = table.row(row);       // [width]; slot k of weight i at weights[(k + 1) * width + i]
//   ++table.updates(weights);                    // what is kept with a row is found from where it begins
//
// Row 0 is the OOV row: zero at first, it stands for every id that the table doesn't hold. Rows live in
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
#ifndef TANDEM_SRC_EMBEDDING_EMBEDDING_TABLE_H_
#define TANDEM_SRC_EMBEDDING_EMBEDDING_TABLE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tandem {

class ZeroedMemory;

class EmbeddingTable {
 public:
  static constexpr uint32_t kOovRow = 0;

  struct Layout {
    int width = 0;            // floats of weights a row
    int slots = 0;            // optimizer slots a weight
    int extra = 0;            // floats of the caller's own, behind the slots
    bool updates = false;     // keep a count of updates a row (lazy Adam)
    bool last_steps = false;  // keep the step of the last update a row (lazy weight decay)
    bool scratch = false;     // keep a word a row for the caller
    bool days = false;        // keep a day a key, of pending keys as well
  };

  explicit EmbeddingTable(const Layout& layout);
  ~EmbeddingTable();
  EmbeddingTable(EmbeddingTable&&) noexcept;
  EmbeddingTable& operator=(EmbeddingTable&&) noexcept;

  const Layout& layout() const { return layout_; }
  // Rows, the OOV row included.
  int64_t rows() const { return rows_; }
  // Bytes of rows, of what is kept with them, and of the index.
  int64_t bytes() const;

  // Brings the key's place in the index nearer.
  void PrefetchKey(uint64_t key) const;
  // The row that serves `key`.
  uint32_t Find(uint64_t key) const;
  // The key's own row, made (zero) if it isn't there. A key that was pending isn't any more.
  uint32_t Insert(uint64_t key);
  // Counts occurrences of a key that has no row: its row if it has one, else kOovRow, with the
  // occurrences so far, these included, in `count`.
  uint32_t Count(uint64_t key, uint32_t occurrences, uint32_t* count);
  // Sets the count of a key without a row.
  void SetPending(uint64_t key, uint32_t count);

  // The key's day, where the layout keeps it: raised to `day`, where the key has a row or a count; 0 at
  // first.
  void RaiseDay(uint64_t key, uint32_t day);
  uint32_t Day(uint64_t key) const;
  // Drops the keys whose day is before `first_kept`, with their rows and counts, and says how many. A day 0
  // becomes `unknown`. The last rows move to where dropped ones were; what is left over is given back.
  int64_t DropBefore(uint32_t first_kept, uint32_t unknown);

  float* row(uint32_t row) { return segments_[row >> kSegmentBits] + (row & kSegmentMask) * stride_; }
  const float* row(uint32_t row) const {
    return segments_[row >> kSegmentBits] + (row & kSegmentMask) * stride_;
  }
  // Of a row that begins at `row`: [layout().extra], and words, only where the layout keeps them.
  float* extra(float* row) const { return row + layout_.width * (1 + layout_.slots); }
  const float* extra(const float* row) const { return row + layout_.width * (1 + layout_.slots); }
  uint32_t& updates(float* row) const { return *Word(row, updates_word_); }
  uint32_t& last_step(float* row) const { return *Word(row, last_step_word_); }
  uint32_t updates(const float* row) const { return *Word(row, updates_word_); }
  uint32_t last_step(const float* row) const { return *Word(row, last_step_word_); }
  // The caller's word within a batch; its first value is 0.
  uint32_t& scratch(float* row) const { return *Word(row, scratch_word_); }

  // Brings a row's memory nearer.
  void Prefetch(const float* row) const {
    for (int i = 0; i < stride_; i += kLineFloats) __builtin_prefetch(row + i);
  }

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
  void KeepRows(int64_t rows);
  // Words lie behind a row's floats, and are never anything but words.
  static uint32_t* Word(float* row, int word) { return reinterpret_cast<uint32_t*>(row + word); }
  static const uint32_t* Word(const float* row, int word) {
    return reinterpret_cast<const uint32_t*>(row + word);
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

#endif  // TANDEM_SRC_EMBEDDING_EMBEDDING_TABLE_H_
