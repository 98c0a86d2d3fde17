// Oracle cases of FM, CIN, cross networks and transformers.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/interaction.h"
#include "tests/oracle/ops.h"

namespace tandem {
namespace {

constexpr char kName[] = "layer";

// Where the parameter that the oracle calls `name` lies in the flat vector.
struct Place {
  std::string name;
  int64_t offset;
  int64_t size;
};

// The oracles of transformers have Tandem's names. Of the others "layer/2/weight" is w2 and "layer/2/bias"
// b2; where one block holds all layers (cross v1), its rows are w0, w1, ...
std::vector<Place> Places(const ParameterLayout& layout, bool transformer) {
  std::vector<Place> places;
  for (const ParameterBlock& block : layout.blocks()) {
    const std::string letter = block.kind == ParameterKind::kBias ? "b" : "w";
    const std::string rest = block.name.substr(sizeof(kName));
    if (transformer) {
      places.push_back({rest, block.offset, block.size});
      continue;
    }
    if (const size_t slash = rest.find('/'); slash != std::string::npos) {
      places.push_back({letter + rest.substr(0, slash), block.offset, block.size});
      continue;
    }
    const int layers = block.shape[0];
    const int64_t size = block.size / layers;
    for (int l = 0; l < layers; ++l)
      places.push_back({absl::StrCat(letter, l), block.offset + l * size, size});
  }
  return places;
}

void CheckWith(const OracleCase& oracle, const proto::Interaction& config, const FieldShape& shape,
               const Kernels& kernels) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  ParameterLayout layout;
  const auto layer = MakeInteraction(config, shape, kName, kernels, &layout);
  const std::vector<Place> places = Places(layout, config.has_transformer());
  AlignedFloats parameters(layout.size()), gradients(layout.size(), kNan);
  for (const Place& place : places) {
    const AlignedFloats values = oracle.array("params", place.name).floats();
    ASSERT_EQ(static_cast<int64_t>(values.size()), place.size) << place.name;
    std::copy(values.begin(), values.end(), parameters.begin() + place.offset);
  }
  layer->Prepare(parameters.data());

  AlignedFloats x = oracle.array("inputs", "x").floats(),
                upstream = oracle.array("upstream", "output").floats();
  const int width = shape.fields * shape.dim, rows = static_cast<int>(x.size()) / width;
  AlignedFloats workspace(layer->workspace_floats(rows)), output(rows * layer->width(), kNan), d_x(x.size());
  const Matrix fields{x.data(), rows, width, width};
  layer->Forward(fields, workspace.data(), {output.data(), rows, layer->width(), layer->width()});
  ExpectOracle("output", oracle.array("outputs", "output"), output);
  ASSERT_EQ(upstream.size(), output.size());
  layer->Backward(fields, workspace.data(), {upstream.data(), rows, layer->width(), layer->width()},
                  {d_x.data(), rows, width, width}, gradients.data());
  ExpectOracle("gradient of x", oracle.array("grads", "x"), d_x);
  for (const Place& place : places) {
    const auto begin = gradients.begin() + place.offset;
    ExpectOracle("gradient of " + place.name, oracle.array("grads", place.name),
                 AlignedFloats(begin, begin + place.size));
  }
}

void Check(const OracleCase& oracle, const proto::Interaction& config, const FieldShape& shape) {
  for (const Kernels* kernels : AvailableKernels()) {
    SCOPED_TRACE(kernels->name());
    CheckWith(oracle, config, shape, *kernels);
  }
}

FieldShape ShapeOf(const OracleCase& oracle) {
  return {oracle.config().at("fields").get<int>(), oracle.config().at("dim").get<int>()};
}

void CheckCross(const OracleCase& oracle, proto::Cross::Version version) {
  proto::Interaction config;
  config.mutable_cross()->set_version(version);
  config.mutable_cross()->set_layers(oracle.config().at("depth").get<int>());
  Check(oracle, config, {oracle.config().at("width").get<int>(), 1});
}

}  // namespace

void CheckCin(const OracleCase& oracle) {
  proto::Interaction config;
  proto::Cin* cin = config.mutable_cin();
  for (const int maps : oracle.config().at("layers").get<std::vector<int>>()) cin->add_layers(maps);
  const std::string activation = oracle.config().at("activation").get<std::string>();
  ASSERT_TRUE(activation == "relu" || activation == "identity") << activation;
  cin->set_activation(activation == "relu" ? proto::Cin::RELU : proto::Cin::IDENTITY);
  cin->set_split_half(oracle.config().at("split_half").get<bool>());
  cin->set_bias(oracle.config().at("bias").get<bool>());
  Check(oracle, config, ShapeOf(oracle));
}

void CheckCrossV1(const OracleCase& oracle) { CheckCross(oracle, proto::Cross::V1); }

void CheckCrossV2(const OracleCase& oracle) { CheckCross(oracle, proto::Cross::V2); }

void CheckTransformer(const OracleCase& oracle) {
  const auto number = [&](const char* name) { return oracle.config().at(name).get<int>(); };
  proto::Interaction config;
  proto::Transformer* transformer = config.mutable_transformer();
  transformer->set_sequence("history");
  transformer->set_target("item");
  transformer->set_heads(number("heads"));
  transformer->set_hidden(number("hidden"));
  transformer->set_blocks(number("blocks"));
  const std::vector<FeatureFields> features = {
      {"user", 0, 1, false}, {"item", 1, 1, false}, {"history", 2, number("length"), true}};
  FieldShape shape = ShapeOf(oracle);
  shape.features = features;
  Check(oracle, config, shape);
}

void CheckFm(const OracleCase& oracle) {
  proto::Interaction config;
  config.mutable_fm();
  Check(oracle, config, ShapeOf(oracle));
}

}  // namespace tandem
