// What a checkpoint holds of a store: whole tables, block by block, and where its learning stands.
//
//   TANDEM_ASSIGN_OR_RETURN(const StoreState state, store.State());
//   TANDEM_RETURN_IF_ERROR(other.Restore(state));
//   TANDEM_RETURN_IF_ERROR(store.Export(0, [&](const RowBlock& block) { return other.Import(0, block); }));
#ifndef TANDEM_ROW_BLOCK_H_
#define TANDEM_ROW_BLOCK_H_

#include <cstdint>
#include <vector>

namespace tandem {

struct TableSize {
  int64_t rows = 1;     // the OOV row included
  int64_t pending = 0;  // keys that are counted and have no row yet
};

struct StoreState {
  std::vector<TableSize> tables;
  int64_t bytes = 0;  // in use, slots and index included
  int64_t step = 0;   // the last that was learned from
  // [t]: the logarithm of what weight decay leaves of a weight over the steps 1 ... t.
  std::vector<double> decay_log = {0};
};

// Some rows, as checkpoints hold them.
struct RowBlock {
  enum class Kind { kOovRow, kRows, kPending };
  Kind kind = Kind::kRows;
  std::vector<uint64_t> keys;  // of the OOV row: one, 0
  // kOovRow and kRows: [keys, whole_floats], and the words that RowShape says.
  std::vector<float> floats;
  std::vector<uint32_t> updates, last_steps;
  // kPending: the occurrences so far.
  std::vector<uint32_t> counts;
  // Of all kinds where there are last_days; 0: not known, or the OOV row's.
  std::vector<uint32_t> last_days;

  int64_t rows() const { return static_cast<int64_t>(keys.size()); }
  void Clear() {
    keys.clear();
    floats.clear();
    updates.clear();
    last_steps.clear();
    counts.clear();
    last_days.clear();
  }
};

}  // namespace tandem

#endif  // TANDEM_ROW_BLOCK_H_
