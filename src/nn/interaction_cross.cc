#include "src/nn/interaction_cross.h"

#include <glog/logging.h>

#include "tandem/experiment.pb.h"

namespace tandem {

std::unique_ptr<Interaction> MakeLayer(const proto::Cross& config, const FieldShape& shape,
                                       const std::string& name, const Kernels& kernels,
                                       ParameterLayout* layout) {
  CHECK_GT(config.layers(), 0) << name;
  const Axis x = Axis::OfFields(shape.fields, shape.dim);
  switch (config.version()) {
    case proto::Cross::V1:
      return MakeCrossV1(config.layers(), x, name, kernels, layout);
    case proto::Cross::V2:
      return MakeCrossV2(config.layers(), config.rank(), x, name, kernels, layout);
  }
  LOG(FATAL) << name << ": a cross network of no known version";
}

LayerOutline OutlineOf(const proto::Cross& config, const LayerFields& fields) {
  const double layers = config.layers(), rank = config.rank(), width = fields.fields * fields.dim;
  const bool v1 = config.version() == proto::Cross::V1;
  const double of_layer = v1 ? width : rank > 0 ? 2 * width * rank : width * width;
  const char* setting = v1 ? "cross.layers" : rank > 0 ? "cross.rank" : "cross (x by x weights)";
  return {setting, layers * of_layer, layers * (2 * width + rank) + 2 * width, width};
}

}  // namespace tandem
