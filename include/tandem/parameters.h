// The dense parameters of a tower as one flat vector, and the names of its parts.
//
//   ParameterLayout layout;
//   const int64_t w = layout.Add("mlp/0/weight", {Axis::OfFields(39, 16), 400}, ParameterKind::kMatrix);
//   AlignedFloats parameters(layout.size()), gradients(layout.size());
//   parameters[w + i * 400 + j] ...
//
// One flat vector makes optimizers, checkpoints and the tree that adds the shards' gradients blind to what a
// layer is. A block says what its axes stand for and what its values are for, so that what goes through all
// blocks (changed features, low precision, decay) asks that, and never a name. Layers register their blocks
// when they are built, in a fixed order; offsets never change afterwards.
//
// Plain values, not guarded: read by any number of threads while nobody writes.
#ifndef TANDEM_PARAMETERS_H_
#define TANDEM_PARAMETERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/axis.h"

namespace tandem {

enum class ParameterKind {
  kWeight,     // trained; L2 and weight decay apply
  kMatrix,     // a kWeight, [inputs, outputs] of a hidden layer, that an optimizer may move as a whole
  kBias,       // trained; L2 and weight decay do not apply
  kStatistic,  // not trained: running statistics, updated by the layer that owns them
};

// How a block's gradient is made (tandem/gradient_sum.h).
enum class BlockGradient {
  kPlain,    // it is written
  kProduct,  // GradientSum::SetProduct
};

struct ParameterBlock {
  std::string name;
  std::vector<int> shape;  // row-major: the sizes of the axes
  ParameterKind kind;
  int64_t offset;  // floats from the beginning of the flat vector; a multiple of 16
  int64_t size;    // product of the shape
  std::vector<Axis> axes = {};
  BlockGradient gradient = BlockGradient::kPlain;
};

class ParameterLayout {
 public:
  // Registers a block and returns its offset. Names are unique in a layout, axes not empty (CHECK).
  int64_t Add(const std::string& name, const std::vector<Axis>& axes, ParameterKind kind,
              BlockGradient gradient = BlockGradient::kPlain);

  // Registers all blocks of another layout, their names behind `prefix`, and returns the offset of the first:
  // they lie as they lay there.
  int64_t Append(const std::string& prefix, const ParameterLayout& other);

  const std::vector<ParameterBlock>& blocks() const { return blocks_; }
  // The block of that name, null when there is none. Valid until the next Add.
  const ParameterBlock* Find(absl::string_view name) const;
  // Floats of the flat vector, padding included.
  int64_t size() const { return size_; }
  // Trained parameters, without padding and statistics.
  int64_t trained() const;

 private:
  std::vector<ParameterBlock> blocks_;
  int64_t size_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_PARAMETERS_H_
