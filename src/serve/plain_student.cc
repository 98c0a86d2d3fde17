#include "src/serve/plain_student.h"

namespace tandem {

bool IsPlainStudent(const Tower& tower) { return tower.interactions() == 0 && tower.mlp() != nullptr; }

std::optional<PlainStudent> FindPlainStudent(const Tower& tower, const float* parameters) {
  if (!IsPlainStudent(tower)) return std::nullopt;
  const Mlp& mlp = *tower.mlp();
  PlainStudent student;
  for (int l = 0; l < mlp.layers(); ++l) {
    const MlpLayerBlocks layer = mlp.blocks(l);
    student.layers.push_back(
        {layer.inputs, layer.outputs, parameters + layer.weight, parameters + layer.bias});
  }
  student.head = parameters + tower.head_offset();
  student.bias = parameters[tower.bias_offset()];
  student.mean.resize(mlp.input_width());
  student.scale.resize(mlp.input_width());
  if (!mlp.GetInputScaling(parameters, student.mean.data(), student.scale.data())) {
    student.mean.clear();
    student.scale.clear();
  }
  return student;
}

}  // namespace tandem
