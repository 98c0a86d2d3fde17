// Rows in this process: a table of segments each, in which rows are read and updated where they lie.
//
//   LocalRowStore store(experiment, schema, /*trained=*/true);
//   std::copy_n(values, dim, store.InsertRow(table, key));
//
// First values are a function of (seed, table, id), and of a number's knots (Piecewise.init_slope). Weight
// decay is lazy: a row's weights are multiplied by what decay leaves of them when it is next trained on or
// saved. So is the slow copy: after step t
//   slow_t = E_t + d (slow_{t-1} - E_t),
// from slow = E at first; rows that a step leaves alone are brought up to date when they are read,
// slow_t = E + d^(t - s) (slow_s - E), which is the same.
//
// Admit shares tables out to the workers, Learn rows, with results that don't depend on their number.
#ifndef TANDEM_SRC_EMBEDDING_LOCAL_ROW_STORE_H_
#define TANDEM_SRC_EMBEDDING_LOCAL_ROW_STORE_H_

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "src/embedding/embedding_table.h"
#include "src/embedding/row_spec.h"
#include "tandem/row_store.h"
#include "tandem/schema.h"

namespace tandem {

class LocalRowStore final : public RowStore {
 public:
  // Without `trained` the store can only be filled and read.
  LocalRowStore(const proto::Experiment& experiment, const Schema& schema, bool trained);

  const RowShape& shape() const override { return spec_.shape; }
  absl::Status Read(absl::Span<TableRows> tables) const override;
  absl::Status ReadAgain(absl::Span<TableRows> tables) const override;
  absl::Status Admit(const AdmitStep& step, RowDemand* demand, Workers* workers) override;
  absl::Status Learn(const LearnStep& step, absl::Span<const TableRows> tables, const RowGradients& gradients,
                     Workers* workers) override;
  absl::StatusOr<int64_t> Expire(uint32_t day, int days) override;
  absl::StatusOr<StoreState> State() const override;
  absl::StatusOr<std::vector<uint64_t>> Keys(int table, int64_t most) const override;
  absl::Status Export(int table, absl::FunctionRef<absl::Status(const RowBlock&)> take) const override;
  absl::Status Import(int table, const RowBlock& block) override;
  absl::Status Restore(const StoreState& state) override;

  // The weights of an id's own row, with its first values if it had none: for values that come from
  // elsewhere.
  float* InsertRow(int table, uint64_t key);

 private:
  // Places of slow_left_ at most; what lies behind is computed.
  static constexpr size_t kMostSlowLeft = 1 << 20;

  absl::Status CheckStep(int64_t step) const;
  void InitializeRow(int table, uint64_t key, float* weights) const;
  void PlaceKnots(const Schema& schema, const Field& field);
  void AddLine(int table, uint64_t seed, double place, int dim, float* vector) const;
  void AdmitTable(int table, const AdmitStep& step, bool full, TableRows* asked);
  void DecayReadRows(int table, int64_t step, TableRows* asked);
  void FindSlowLeft(int table, TableRows* asked) const;
  void UpdateRow(const EmbeddingTable& table, float* weights, const LearnStep& step, float* gradient) const;
  // Multiplies the weights by what decay leaves of them over the steps after the row's last one, up to
  // `step`.
  void ApplyDecay(int64_t last_step, int64_t step, float* weights) const;
  // What is left of a difference between slow copy and row after some steps that left the row alone.
  float SlowLeft(int64_t steps) const {
    if (steps < static_cast<int64_t>(slow_left_.size())) return slow_left_[steps];
    return slow_left_.size() < kMostSlowLeft
               ? 0.0f
               : static_cast<float>(std::pow(spec_.slow_decay, static_cast<double>(steps)));
  }

  const RowSpec spec_;
  const std::vector<TableInfo> infos_;
  std::vector<EmbeddingTable> tables_;
  // The line on which the first values of a table's knots lie.
  struct KnotLine {
    uint64_t key = 0;                              // of its direction
    absl::flat_hash_map<uint64_t, double> places;  // of the knots' keys
  };
  std::vector<KnotLine> knots_;          // a table
  int64_t step_ = 0;                     // the last that was learned from
  std::vector<double> decay_log_ = {0};  // as in StoreState
  std::vector<float> slow_left_;         // the decay to the power of the place, as long as it is felt
  // Of Learn.
  std::vector<std::vector<float>> gradients_;    // a worker
  std::vector<std::pair<int, uint32_t>> tasks_;  // a table, and its first place (or its first row)
};

}  // namespace tandem

#endif  // TANDEM_SRC_EMBEDDING_LOCAL_ROW_STORE_H_
