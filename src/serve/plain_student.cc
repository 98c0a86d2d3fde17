#include "src/serve/plain_student.h"

#include <utility>

namespace tandem {

bool IsPlainStudent(const Tower& tower) { return tower.interactions() == 0 && tower.heads() != nullptr; }

std::vector<PlainStudent> PlainStudentsOf(const Tower& tower, const float* parameters) {
  std::vector<PlainStudent> students;
  if (!IsPlainStudent(tower)) return students;
  const Heads& heads = *tower.heads();
  const Mlp& mlp = heads.mlp();
  for (int k = 0; k < heads.size(); ++k) {
    PlainStudent student;
    const float* const own = heads.ParametersOf(k, parameters, &student.folded);
    for (int l = 0; l < mlp.layers(); ++l) {
      const MlpLayerBlocks layer = mlp.blocks(l);
      student.layers.push_back({layer.inputs, layer.outputs, own + layer.weight, own + layer.bias});
    }
    student.head = own + heads.readout_offset();
    student.bias = parameters[tower.bias_offset()];
    student.mean.resize(mlp.input_width());
    student.scale.resize(mlp.input_width());
    if (!mlp.GetInputScaling(own, student.mean.data(), student.scale.data())) {
      student.mean.clear();
      student.scale.clear();
    }
    students.push_back(std::move(student));
  }
  return students;
}

}  // namespace tandem
