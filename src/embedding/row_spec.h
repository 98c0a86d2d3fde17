// What a configuration says of its rows: how they lie, begin and learn.
//
//   const RowSpec spec(experiment, /*trained=*/true);
//   table.width = spec.shape.width;
#ifndef TANDEM_SRC_EMBEDDING_ROW_SPEC_H_
#define TANDEM_SRC_EMBEDDING_ROW_SPEC_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "tandem/optimizer.h"
#include "tandem/row_shape.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

struct RowSpec {
  RowSpec(const proto::Experiment& experiment, bool trained);

  const bool trained;
  // Towers that there are.
  const bool has_teacher, has_student;
  // Of them, those that are evaluated and served on the slow copy.
  const bool slow_teacher, slow_student;
  const std::unique_ptr<const Optimizer> optimizer;
  const std::vector<uint64_t> seeds;  // of the first values of each vector of a row
  const RowShape shape;

  const double init_deviation;
  const uint32_t min_count;
  const double l2;
  const bool l2_whole_table;
  const double weight_decay;
  const double slow_decay;
};

}  // namespace tandem

#endif  // TANDEM_SRC_EMBEDDING_ROW_SPEC_H_
