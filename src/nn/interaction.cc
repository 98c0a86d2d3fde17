#include "tandem/interaction.h"

#include <glog/logging.h>

#include "src/nn/interaction_cin.h"
#include "src/nn/interaction_cross.h"
#include "src/nn/interaction_fm.h"
#include "src/nn/interaction_transformer.h"
#include "tandem/experiment.pb.h"

namespace tandem {

namespace {

// Calls `ask` with the message of the arm that is set.
template <typename Ask>
auto AskLayer(const proto::Interaction& config, const Ask& ask) {
  switch (config.kind_case()) {
    case proto::Interaction::kFm:
      return ask(config.fm());
    case proto::Interaction::kCin:
      return ask(config.cin());
    case proto::Interaction::kCross:
      return ask(config.cross());
    case proto::Interaction::kTransformer:
      return ask(config.transformer());
    case proto::Interaction::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "an interaction without a kind";
}

}  // namespace

int PlainFields(const FieldShape& shape) {
  int fields = shape.fields;
  for (const FeatureFields& feature : shape.features) fields -= feature.sequence ? feature.count : 0;
  return fields;
}

LayerOutline OutlineOf(const proto::Interaction& config, const LayerFields& fields) {
  if (config.kind_case() == proto::Interaction::KIND_NOT_SET) return {};
  return AskLayer(config, [&](const auto& layer) { return OutlineOf(layer, fields); });
}

bool ReadsSequences(const proto::Interaction& config) { return OutlineOf(config, {}).reads_sequences; }

std::unique_ptr<Interaction> MakeInteraction(const proto::Interaction& config, const FieldShape& shape,
                                             const std::string& name, const Kernels& kernels,
                                             ParameterLayout* layout) {
  return AskLayer(config, [&](const auto& layer) { return MakeLayer(layer, shape, name, kernels, layout); });
}

}  // namespace tandem
