// The compressed interaction network against independent numbers: the oracles, and a plain implementation in
// double precision whose finite differences check the gradients.
#include "src/nn/interaction_cin.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "tandem/random.h"

namespace tandem {
namespace {

using Doubles = std::vector<double>;

// Values in [-scale, scale), a function of `key`.
AlignedFloats Values(int64_t n, uint64_t key, float scale = 1) {
  const Random random(5, RandomPurpose::kSynthetic, {key});
  AlignedFloats values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = scale * (2 * random.Uniform(i) - 1);
  return values;
}

proto::Cin Config(const std::string& text) {
  proto::Cin config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  return config;
}

// Reports the first element that is further from its expectation than the tolerances allow.
template <typename Actual, typename Expected>
void ExpectNear(const Actual& actual, const Expected& expected, double relative, double absolute,
                const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], relative * std::abs(expected[i]) + absolute)
        << what << "[" << i << "]";
  }
}

// The layer with all that a step needs around it.
struct Step {
  Step(const proto::Cin& config, const FieldShape& shape, const Kernels& kernels)
      : fields(shape.fields * shape.dim),
        layer(MakeLayer(config, shape, "teacher/interaction/0", kernels, &layout)),
        parameters(layout.size()),
        // No number: what is never written shows.
        gradients(layout.size(), std::nanf("")) {}

  AlignedFloats Forward(const AlignedFloats& x) {
    const int rows = static_cast<int>(x.size()) / fields;
    layer->Prepare(parameters.data());
    workspace.assign(layer->workspace_floats(rows), std::nanf(""));
    AlignedFloats output(rows * layer->width(), std::nanf(""));
    layer->Forward({x.data(), rows, fields, fields}, workspace.data(),
                   {output.data(), rows, layer->width(), layer->width()});
    return output;
  }
  // Adds to d_x.
  void Backward(const AlignedFloats& x, const AlignedFloats& d_output, AlignedFloats* d_x) {
    const int rows = static_cast<int>(x.size()) / fields;
    layer->Backward({x.data(), rows, fields, fields}, workspace.data(),
                    {d_output.data(), rows, layer->width(), layer->width()},
                    {d_x->data(), rows, fields, fields}, gradients.data());
  }

  int fields;
  ParameterLayout layout;
  std::unique_ptr<Interaction> layer;
  AlignedFloats parameters;
  AlignedFloats gradients;
  AlignedFloats workspace;
};

class CinTest : public testing::TestWithParam<const Kernels*> {};

INSTANTIATE_TEST_SUITE_P(Variants, CinTest, testing::ValuesIn(AvailableKernels()),
                         [](const auto& info) { return std::string(info.param->name()); });

// ---- oracles

void CheckOracle(const std::string& name, const Kernels& kernels) {
  SCOPED_TRACE(name);
  std::ifstream file(std::string(TANDEM_SOURCE_DIR) + "/tests/testdata/oracles/" + name + ".json");
  ASSERT_TRUE(file.good());
  const nlohmann::json oracle = nlohmann::json::parse(file);
  const nlohmann::json& settings = oracle["config"];
  proto::Cin config;
  for (const int maps : settings["layers"]) config.add_layers(maps);
  config.set_activation(settings["activation"] == "relu" ? proto::Cin::RELU : proto::Cin::IDENTITY);
  config.set_split_half(settings["split_half"]);
  config.set_bias(settings["bias"]);
  Step step(config, {settings["fields"], settings["dim"]}, kernels);

  const auto data = [](const nlohmann::json& array) { return array["data"].get<std::vector<float>>(); };
  // "teacher/interaction/0/<layer>/weight" is the oracle's w<layer>.
  const auto oracle_name = [](const ParameterBlock& block) {
    const std::string layer = block.name.substr(std::string("teacher/interaction/0/").size(), 1);
    return (block.kind == ParameterKind::kWeight ? "w" : "b") + layer;
  };
  for (const ParameterBlock& block : step.layout.blocks()) {
    const std::vector<float> values = data(oracle["params"][oracle_name(block)]);
    ASSERT_EQ(values.size(), static_cast<size_t>(block.size)) << block.name;
    std::copy(values.begin(), values.end(), step.parameters.begin() + block.offset);
  }
  const std::vector<float> x = data(oracle["inputs"]["x"]);
  const std::vector<float> upstream = data(oracle["upstream"]["output"]);
  const AlignedFloats input(x.begin(), x.end());
  ExpectNear(step.Forward(input), data(oracle["outputs"]["output"]), 1e-4, 1e-5, "output");
  AlignedFloats d_x(x.size(), 0.0f);
  step.Backward(input, AlignedFloats(upstream.begin(), upstream.end()), &d_x);
  ExpectNear(d_x, data(oracle["grads"]["x"]), 1e-4, 1e-5, "gradient of x");
  for (const ParameterBlock& block : step.layout.blocks()) {
    const float* gradient = step.gradients.data() + block.offset;
    ExpectNear(std::vector<float>(gradient, gradient + block.size), data(oracle["grads"][oracle_name(block)]),
               1e-4, 1e-5, "gradient of " + block.name);
  }
}

TEST_P(CinTest, OutputAndGradientsAreThoseOfTheOracles) {
  for (const char* name : {"cin_identity", "cin_relu_split", "cin_wide"}) CheckOracle(name, *GetParam());
}

// ---- finite differences

// Equations 6 to 8, literally, in double precision. Parameters in the layout's order.
Doubles PlainForward(const proto::Cin& config, const FieldShape& shape, const ParameterLayout& layout,
                     const Doubles& parameters, const Doubles& x, int rows) {
  const int m = shape.fields, dim = shape.dim;
  Doubles output;
  for (int r = 0; r < rows; ++r) {
    const double* x0 = x.data() + r * m * dim;
    Doubles previous(x0, x0 + m * dim);
    size_t block = 0;
    for (int k = 0; k < config.layers_size(); ++k) {
      const int maps = config.layers(k);
      const double* w = parameters.data() + layout.blocks()[block++].offset;
      const double* bias = config.bias() ? parameters.data() + layout.blocks()[block++].offset : nullptr;
      const int passed = static_cast<int>(previous.size()) / dim;
      const bool splits = config.split_half() && k + 1 < config.layers_size();
      Doubles next(maps * dim);
      for (int h = 0; h < maps; ++h) {
        for (int d = 0; d < dim; ++d) {
          double sum = bias != nullptr ? bias[h] : 0;
          for (int i = 0; i < passed; ++i) {
            for (int j = 0; j < m; ++j)
              sum += w[(h * passed + i) * m + j] * previous[i * dim + d] * x0[j * dim + d];
          }
          next[h * dim + d] = config.activation() == proto::Cin::RELU ? std::max(sum, 0.0) : sum;
        }
        if (!splits || h >= maps / 2) {
          output.push_back(std::accumulate(next.begin() + h * dim, next.begin() + (h + 1) * dim, 0.0));
        }
      }
      if (splits) next.resize(maps / 2 * dim);
      previous = next;
    }
  }
  return output;
}

struct GradientCase {
  const char* config;
  FieldShape shape;
  int rows;
};
const GradientCase kGradientCases[] = {
    {"layers: 6", {4, 5}, 3},
    {"layers: 3 bias: true", {1, 1}, 1},
    {"layers: 6 activation: RELU", {5, 4}, 3},
    {"layers: 5 layers: 3", {4, 6}, 2},
    {"layers: 6 layers: 4 layers: 3 split_half: true bias: true", {3, 8}, 3},
    {"layers: 7 layers: 4 activation: RELU bias: true", {4, 3}, 4},
    {"layers: 6 layers: 4 layers: 5 activation: RELU split_half: true bias: true", {4, 5}, 4},
};

void CheckGradients(const GradientCase& c, const Kernels& kernels) {
  SCOPED_TRACE(testing::Message() << c.config << ", " << c.shape.fields << " fields of " << c.shape.dim);
  const proto::Cin config = Config(c.config);
  Step step(config, c.shape, kernels);
  step.parameters = Values(step.layout.size(), 1);
  const AlignedFloats x = Values(c.rows * step.fields, 2);
  const AlignedFloats upstream = Values(c.rows * step.layer->width(), 3);
  Doubles parameters(step.parameters.begin(), step.parameters.end());
  Doubles input(x.begin(), x.end());

  ExpectNear(step.Forward(x), PlainForward(config, c.shape, step.layout, parameters, input, c.rows), 1e-4,
             1e-5, "output");
  const auto loss = [&] {
    const Doubles output = PlainForward(config, c.shape, step.layout, parameters, input, c.rows);
    return std::inner_product(output.begin(), output.end(), upstream.begin(), 0.0);
  };
  const auto difference = [&](double* value) {
    constexpr double kStep = 1e-6;
    const double before = *value;
    *value = before + kStep;
    const double above = loss();
    *value = before - kStep;
    const double below = loss();
    *value = before;
    return (above - below) / (2 * kStep);
  };
  // The gradient is added to what is there.
  AlignedFloats d_x(x.size(), 0.25f);
  step.Backward(x, upstream, &d_x);
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = difference(&input[i]);
    ASSERT_NEAR(d_x[i] - 0.25, expected, 2e-4 * std::abs(expected) + 2e-5) << "gradient of x[" << i << "]";
  }
  for (const ParameterBlock& block : step.layout.blocks()) {
    for (int64_t i = 0; i < block.size; ++i) {
      const double expected = difference(&parameters[block.offset + i]);
      ASSERT_NEAR(step.gradients[block.offset + i], expected, 2e-4 * std::abs(expected) + 2e-5)
          << "gradient of " << block.name << "[" << i << "]";
    }
  }
}

TEST_P(CinTest, GradientsAreFiniteDifferences) {
  for (const GradientCase& c : kGradientCases) CheckGradients(c, *GetParam());
}

// ---- promises

TEST_P(CinTest, ARowHasTheSameBitsAloneAndInAnyBatch) {
  constexpr int kRows = 41;
  const GradientCase cases[] = {
      {"layers: 20 layers: 12", {9, 16}, 0},
      {"layers: 20 layers: 14 activation: RELU split_half: true bias: true", {10, 5}, 0},
      {"layers: 7", {13, 10}, 0}};
  for (const GradientCase& c : cases) {
    SCOPED_TRACE(c.config);
    Step step(Config(c.config), c.shape, *GetParam());
    step.parameters = Values(step.layout.size(), 1);
    const AlignedFloats x = Values(kRows * step.fields, 2);
    const AlignedFloats upstream = Values(kRows * step.layer->width(), 3);
    // Output and gradient of the rows [begin, begin + rows).
    const auto run = [&](int begin, int rows) {
      const AlignedFloats some(x.begin() + begin * step.fields, x.begin() + (begin + rows) * step.fields);
      const int width = step.layer->width();
      const AlignedFloats some_upstream(upstream.begin() + begin * width,
                                        upstream.begin() + (begin + rows) * width);
      std::pair<AlignedFloats, AlignedFloats> result(step.Forward(some), AlignedFloats(some.size(), 0.0f));
      step.Backward(some, some_upstream, &result.second);
      return result;
    };
    const auto same_bits = [](const AlignedFloats& part, const AlignedFloats& all, int64_t offset) {
      return std::memcmp(part.data(), all.data() + offset, part.size() * sizeof(float)) == 0;
    };
    const auto all = run(0, kRows);
    for (int rows = 1; rows <= kRows; rows += rows < 9 ? 1 : 7) {
      for (int begin = 0; begin + rows <= kRows; begin += rows) {
        const auto part = run(begin, rows);
        ASSERT_TRUE(same_bits(part.first, all.first, begin * step.layer->width()))
            << begin << ", " << rows << " rows";
        ASSERT_TRUE(same_bits(part.second, all.second, begin * step.fields))
            << begin << ", " << rows << " rows";
      }
    }
  }
}

TEST_P(CinTest, ViewsMayBeWiderThanTheirColumns) {
  Step step(Config("layers: 8 layers: 6 split_half: true"), {5, 4}, *GetParam());
  step.parameters = Values(step.layout.size(), 1);
  constexpr int kRows = 3;
  const AlignedFloats x = Values(kRows * step.fields, 2);
  const AlignedFloats expected = step.Forward(x);
  const int width = step.layer->width();
  const int stride = step.fields + 3;
  AlignedFloats wide(kRows * stride), output(kRows * (width + 2), -1.0f);
  for (int r = 0; r < kRows; ++r)
    std::copy_n(x.data() + r * step.fields, step.fields, wide.data() + r * stride);
  step.layer->Forward({wide.data(), kRows, step.fields, stride}, step.workspace.data(),
                      {output.data(), kRows, width, width + 2});
  for (int r = 0; r < kRows; ++r) {
    for (int h = 0; h < width; ++h)
      ASSERT_EQ(output[r * (width + 2) + h], expected[r * width + h]) << r << ", " << h;
    EXPECT_EQ(output[r * (width + 2) + width], -1.0f);
  }
}

TEST(CinLayerTest, WidthCountsTheOutputtingMaps) {
  ParameterLayout layout;
  const Kernels& kernels = *FindKernels("auto").value();
  EXPECT_EQ(MakeLayer(Config("layers: 8 layers: 6"), {5, 4}, "a", kernels, &layout)->width(), 14);
  EXPECT_EQ(MakeLayer(Config("layers: 8 layers: 6 layers: 3 split_half: true"), {5, 4}, "b", kernels, &layout)
                ->width(),
            4 + 3 + 3);
}

TEST(CinLayerTest, IdentityMakesTheLastLayerCheap) {
  ParameterLayout layout;
  const Kernels& kernels = *FindKernels("auto").value();
  const FieldShape shape = {39, 16};
  const auto relu =
      MakeLayer(Config("layers: 128 layers: 128 activation: RELU"), shape, "relu", kernels, &layout);
  const auto identity = MakeLayer(Config("layers: 128 layers: 128"), shape, "identity", kernels, &layout);
  const int64_t first = 2 * 128 * 780 * 16;
  EXPECT_NEAR(relu->flops_per_sample(), first + 2 * 128 * 128 * 39 * 16, 0.01 * relu->flops_per_sample());
  EXPECT_NEAR(identity->flops_per_sample(), first + 2 * 128 * 39 * (128 + 16),
              0.01 * identity->flops_per_sample());
}

TEST(CinLayerTest, FirstValuesAreAFunctionOfSeedAndName) {
  const Kernels& kernels = *FindKernels("auto").value();
  const auto values = [&](uint64_t seed, const std::string& name, bool behind_another) {
    ParameterLayout layout;
    if (behind_another) layout.Add("another", {3}, ParameterKind::kWeight);
    const auto layer = MakeLayer(Config("layers: 40 layers: 10 bias: true"), {6, 4}, name, kernels, &layout);
    AlignedFloats parameters(layout.size(), 7.0f);
    layer->Initialize(seed, parameters.data());
    const ParameterBlock& first = layout.blocks()[behind_another ? 1 : 0];
    EXPECT_EQ(first.name, name + "/0/weight");
    return AlignedFloats(parameters.begin() + first.offset, parameters.begin() + first.offset + first.size);
  };
  const AlignedFloats base = values(1, "a", false);
  EXPECT_EQ(base, values(1, "a", true));
  EXPECT_NE(base, values(2, "a", false));
  EXPECT_NE(base, values(1, "b", false));
  double square = 0;
  for (const float value : base) square += static_cast<double>(value) * value;
  EXPECT_NEAR(square / base.size(), 2.0 / (36 + 40), 0.1 * 2.0 / (36 + 40));
}

}  // namespace
}  // namespace tandem
