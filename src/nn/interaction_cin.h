// The compressed interaction network of xDeepFM (Lian et al. 2018, eq. 6 to 8).
//
//   X^k[h, :] = act(sum_ij W^k[h, i, j] (X^{k-1}[i, :] * X^0[j, :]) + b^k[h])
//
// Its output is every outputting map summed over the dimension, layer by layer: all maps, or with
// `split_half` the second half of them, and all of the last layer. Parameters: `<name>/<layer>/weight` [maps,
// maps passed on, fields] and `.../bias` [maps].
#ifndef TANDEM_SRC_NN_INTERACTION_CIN_H_
#define TANDEM_SRC_NN_INTERACTION_CIN_H_

#include <memory>
#include <string>

#include "src/nn/layer_outline.h"
#include "tandem/experiment.pb.h"
#include "tandem/interaction.h"

namespace tandem {

// `config` is validated: layers are positive, and those that split are even (CHECK). `kernels` must outlive
// the layer.
std::unique_ptr<Interaction> MakeLayer(const proto::Cin& config, const FieldShape& shape,
                                       const std::string& name, const Kernels& kernels,
                                       ParameterLayout* layout);
LayerOutline OutlineOf(const proto::Cin& config, const LayerFields& fields);

}  // namespace tandem

#endif  // TANDEM_SRC_NN_INTERACTION_CIN_H_
