#include "tandem/interaction.h"

#include <glog/logging.h>

#include "src/nn/interaction_cin.h"
#include "src/nn/interaction_cross.h"
#include "src/nn/interaction_fm.h"
#include "src/nn/interaction_transformer.h"
#include "tandem/experiment.pb.h"

namespace tandem {

int PlainFields(const FieldShape& shape) {
  int fields = shape.fields;
  for (const FeatureFields& feature : shape.features) fields -= feature.sequence ? feature.count : 0;
  return fields;
}

bool ReadsSequences(const proto::Interaction& config) { return config.has_transformer(); }

std::unique_ptr<Interaction> MakeInteraction(const proto::Interaction& config, const FieldShape& shape,
                                             const std::string& name, const Kernels& kernels,
                                             ParameterLayout* layout) {
  switch (config.kind_case()) {
    case proto::Interaction::kFm:
      return MakeFm(shape);
    case proto::Interaction::kCin:
      return MakeCin(config.cin(), shape, name, kernels, layout);
    case proto::Interaction::kCross:
      return MakeCross(config.cross(), shape, name, kernels, layout);
    case proto::Interaction::kTransformer:
      return MakeTransformer(config.transformer(), shape, name, kernels, layout);
    case proto::Interaction::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << name << ": an interaction without a kind";
}

}  // namespace tandem
