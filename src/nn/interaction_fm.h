// Bi-interaction of factorization machines: f(X0) = ((sum_i e_i)^2 - sum_i e_i^2) / 2, component by component
// (Rendle 2010, eq. 5; He and Chua 2017, eq. 4). Output [rows, dim]; no parameters; its plain sum is the FM
// term of the logit.
#ifndef TANDEM_SRC_NN_INTERACTION_FM_H_
#define TANDEM_SRC_NN_INTERACTION_FM_H_

#include <memory>
#include <string>

#include "src/nn/layer_outline.h"
#include "tandem/interaction.h"

namespace tandem {

namespace proto {
class Fm;
}  // namespace proto

std::unique_ptr<Interaction> MakeLayer(const proto::Fm& config, const FieldShape& shape,
                                       const std::string& name, const Kernels& kernels,
                                       ParameterLayout* layout);
LayerOutline OutlineOf(const proto::Fm& config, const LayerFields& fields);

}  // namespace tandem

#endif  // TANDEM_SRC_NN_INTERACTION_FM_H_
