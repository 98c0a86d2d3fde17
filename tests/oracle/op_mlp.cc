// Oracle cases of the MLP.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/tower.h"
#include "tests/oracle/ops.h"

namespace tandem {
namespace {

// What the oracle calls w0, b0, ..., out_w and out_b.
std::string OracleName(const ParameterBlock& block) {
  if (block.name == "head/weight") return "out_w";
  if (block.name == "bias") return "out_b";
  return absl::StrCat(block.kind == ParameterKind::kBias ? "b" : "w",
                      block.name.substr(4, block.name.rfind('/') - 4));
}

AlignedFloats Values(Matrix matrix) {
  AlignedFloats values;
  for (int r = 0; r < matrix.rows; ++r)
    values.insert(values.end(), matrix.row(r), matrix.row(r) + matrix.cols);
  return values;
}

void CheckWith(const OracleCase& oracle, const Kernels& kernels) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  proto::Tower config;
  for (const int width : oracle.config().at("hidden").get<std::vector<int>>())
    config.mutable_mlp()->add_hidden(width);
  const int width = oracle.config().at("width").get<int>();
  Tower tower(config, {width, 1}, "teacher", kernels);
  AlignedFloats parameters(tower.layout().size()), gradients(tower.layout().size(), kNan);
  for (const ParameterBlock& block : tower.layout().blocks()) {
    const AlignedFloats values = oracle.array("params", OracleName(block)).floats();
    ASSERT_EQ(static_cast<int64_t>(values.size()), block.size) << block.name;
    std::copy(values.begin(), values.end(), parameters.begin() + block.offset);
  }
  tower.Prepare(parameters.data());

  AlignedFloats x = oracle.array("inputs", "x").floats(), d_x(x.size(), kNan);
  const int rows = static_cast<int>(x.size()) / width;
  const Matrix input{x.data(), rows, width, width}, d_input{d_x.data(), rows, width, width};
  AlignedFloats upstream = oracle.array("upstream", "logit").floats();
  AlignedFloats logits(rows, kNan);
  ASSERT_EQ(upstream.size(), logits.size());
  TowerWorkspace workspace = tower.MakeWorkspace(rows);
  tower.Forward(input, nullptr, nullptr, &workspace, logits.data());
  ExpectOracle("logit", oracle.array("outputs", "logit"), logits);
  for (int l = 0; l < tower.hidden_layers(); ++l) {
    const std::string name = absl::StrCat("hidden", l);
    ExpectOracle(name, oracle.array("outputs", name), Values(workspace.heads.mlps[0].hidden(l)));
  }
  tower.Backward(input, upstream.data(), &workspace, &d_input, gradients.data());
  ExpectOracle("gradient of x", oracle.array("grads", "x"), d_x);
  for (const ParameterBlock& block : tower.layout().blocks()) {
    const auto begin = gradients.begin() + block.offset;
    ExpectOracle("gradient of " + OracleName(block), oracle.array("grads", OracleName(block)),
                 AlignedFloats(begin, begin + block.size));
  }
}

}  // namespace

void CheckMlp(const OracleCase& oracle) {
  for (const Kernels* kernels : AvailableKernels()) {
    SCOPED_TRACE(kernels->name());
    CheckWith(oracle, *kernels);
  }
}

}  // namespace tandem
