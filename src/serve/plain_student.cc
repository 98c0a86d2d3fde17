#include "src/serve/plain_student.h"

#include <glog/logging.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "config/experiment.pb.h"

namespace tandem {
namespace {

constexpr double kVarianceFloor = 1e-5;

}  // namespace

std::optional<PlainStudent> FindPlainStudent(const proto::Tower& tower, const ParameterLayout& layout,
                                             const float* parameters) {
  if (tower.interaction_size() > 0 || !tower.has_mlp()) return std::nullopt;
  const auto block = [&](const std::string& name) {
    const ParameterBlock* found = layout.Find(name);
    CHECK(found != nullptr) << name;
    return found;
  };
  PlainStudent student;
  for (int l = 0; l < tower.mlp().hidden_size(); ++l) {
    const std::string name = absl::StrCat("mlp/", l, "/weight");
    const ParameterBlock& weight = *block(name);
    student.layers.push_back({name, weight.shape[0], weight.shape[1], parameters + weight.offset,
                              parameters + block(absl::StrCat("mlp/", l, "/bias"))->offset});
  }
  student.head = parameters + block("head/weight")->offset;
  student.bias = parameters[block("bias")->offset];
  if (tower.mlp().normalize_input() && parameters[block("mlp/input_steps")->offset] > 0) {
    const float* mean = parameters + block("mlp/input_mean")->offset;
    const float* variance = parameters + block("mlp/input_variance")->offset;
    student.mean.assign(mean, mean + student.input_width());
    for (int j = 0; j < student.input_width(); ++j) {
      const double of_input = variance[j];
      student.scale.push_back(static_cast<float>(1 / std::sqrt(of_input + kVarianceFloor)));
    }
  }
  return student;
}

}  // namespace tandem
