// Cross networks over x = X0 flattened, d = fields * dim; the output is x_L [rows, d].
//
//   V1  x_{l+1} = x_0 (x_l . w_l) + b_l + x_l      (DCN, Wang et al. 2017, eq. 3)
//       blocks: weight [layers, d], bias [layers, d]
//   V2  x_{l+1} = x_0 * (W_l x_l + b_l) + x_l      (DCN-v2, Wang et al. 2021, eq. 1)
//       blocks: l/weight [d, d], l/bias [d]
//       low rank, W_l = U_l V_l (eq. 2): l/u [d, rank], l/v [rank, d], l/bias [d]
//
// First values: normal with deviation 1 / sqrt(inputs of the product), so that w . x and W x have the scale
// of x; biases zero.
#ifndef TANDEM_SRC_NN_INTERACTION_CROSS_H_
#define TANDEM_SRC_NN_INTERACTION_CROSS_H_

#include <memory>
#include <string>

#include "src/nn/layer_outline.h"
#include "tandem/interaction.h"

namespace tandem {

namespace proto {
class Cross;
}  // namespace proto

// `config.layers` is positive, `rank` not negative, and 0 with V1 (validated before).
std::unique_ptr<Interaction> MakeLayer(const proto::Cross& config, const FieldShape& shape,
                                       const std::string& name, const Kernels& kernels,
                                       ParameterLayout* layout);
LayerOutline OutlineOf(const proto::Cross& config, const LayerFields& fields);

// The two versions, each in a file of its own; `x` is of d indices, `rank` 0 means full.
std::unique_ptr<Interaction> MakeCrossV1(int layers, const Axis& x, const std::string& name,
                                         const Kernels& kernels, ParameterLayout* layout);
std::unique_ptr<Interaction> MakeCrossV2(int layers, int rank, const Axis& x, const std::string& name,
                                         const Kernels& kernels, ParameterLayout* layout);

}  // namespace tandem

#endif  // TANDEM_SRC_NN_INTERACTION_CROSS_H_
