#include "src/nn/interaction_cross.h"

#include <glog/logging.h>

#include "tandem/experiment.pb.h"

namespace tandem {

std::unique_ptr<Interaction> MakeCross(const proto::Cross& config, const FieldShape& shape,
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

}  // namespace tandem
