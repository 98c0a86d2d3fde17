// The interaction of factorization machines against the sum over pairs.
#include "src/nn/interaction_fm.h"

#include <gtest/gtest.h>

#include "tandem/experiment.pb.h"
#include "tests/support/random_floats.h"

namespace tandem {
namespace {

std::unique_ptr<Interaction> MakeFm(const FieldShape& shape) {
  ParameterLayout layout;
  auto fm = MakeLayer(proto::Fm(), shape, "fm", *FindKernels("auto").value(), &layout);
  EXPECT_EQ(layout.size(), 0);
  return fm;
}

TEST(FmTest, SumsTheProductsOfAllPairs) {
  const auto fm = MakeFm({3, 2});
  AlignedFloats x = {1, 2, /**/ 3, 4, /**/ 5, 6};
  AlignedFloats workspace(fm->workspace_floats(1)), output(2);
  fm->Forward({x.data(), 1, 6, 6}, workspace.data(), {output.data(), 1, 2, 2});
  EXPECT_EQ(output[0], 1 * 3 + 1 * 5 + 3 * 5);
  EXPECT_EQ(output[1], 2 * 4 + 2 * 6 + 4 * 6);
}

TEST(FmTest, OneFieldHasNothingToCross) {
  const auto fm = MakeFm({1, 4});
  AlignedFloats x = RandomFloats(4, 1), workspace(fm->workspace_floats(1)), output(4);
  fm->Forward({x.data(), 1, 4, 4}, workspace.data(), {output.data(), 1, 4, 4});
  for (const float value : output) EXPECT_EQ(value, 0);
}

TEST(FmTest, WritesIntoAWiderMatrixAndNothingBesideIt) {
  const auto fm = MakeFm({3, 2});
  AlignedFloats x = RandomFloats(2 * 6, 1), workspace(fm->workspace_floats(2)), wide(2 * 5, -7.0f);
  fm->Forward({x.data(), 2, 6, 6}, workspace.data(), {wide.data() + 1, 2, 2, 5});
  for (const int untouched : {0, 3, 4, 5, 8, 9}) EXPECT_EQ(wide[untouched], -7.0f) << untouched;
}

}  // namespace
}  // namespace tandem
