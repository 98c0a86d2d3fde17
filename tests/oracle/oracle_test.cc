// Every oracle of the folder, by its op:
//
//   TANDEM_ORACLE_DIR=... oracle_test        (default: tests/testdata/oracles)
//
// An op that isn't known here fails, and so does a known case that isn't there.
#include "tests/support/oracle.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/oracle/ops.h"

namespace tandem {
namespace {

struct OracleOp {
  const char* name;
  void (*check)(const OracleCase&);
};

constexpr OracleOp kOracleOps[] = {
    {"cin", CheckCin},
    {"cross_v1", CheckCrossV1},
    {"cross_v2", CheckCrossV2},
    {"dual_step", CheckDualStep},
    {"embedding_pool", CheckEmbeddingPool},
    {"fm", CheckFm},
    {"joint_loss", CheckJointLoss},
    {"metrics", CheckMetrics},
    {"mlp", CheckMlp},
    {"optimizer", CheckOptimizer},
    {"transformer", CheckTransformer},
};

constexpr const char* kKnownCases[] = {
    "adagrad",
    "adam",
    "cin_identity",
    "cin_relu_split",
    "cin_wide",
    "cross_v1",
    "cross_v2",
    "dual_step_cin",
    "dual_step_cross_v1",
    "dual_step_cross_v2",
    "dual_step_fm",
    "embedding_mean",
    "embedding_weighted",
    "fm_small",
    "ftrl",
    "joint_mse",
    "joint_soft",
    "metrics_distinct",
    "metrics_ties",
    "mlp",
    "transformer",
    "transformer_deep",
};

TEST(OracleFolderTest, HoldsEveryKnownCase) {
  for (const char* name : kKnownCases) {
    const std::string path = OracleFolder() + "/" + name + ".json";
    EXPECT_TRUE(std::filesystem::exists(path)) << path << " is missing";
  }
}

class OracleTest : public testing::TestWithParam<std::string> {};

TEST_P(OracleTest, Agrees) {
  const auto oracle = OracleCase::Load(GetParam());
  ASSERT_TRUE(oracle.ok()) << oracle.status();
  for (const OracleOp& op : kOracleOps) {
    if (oracle->op() == op.name) return op.check(*oracle);
  }
  FAIL() << GetParam() << ": no check for op '" << oracle->op()
         << "'; list one in tests/oracle/oracle_test.cc";
}

// Test names take letters, digits and underscores only.
std::string CaseName(const testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  for (char& c : name) {
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OracleTest);
INSTANTIATE_TEST_SUITE_P(Case, OracleTest, testing::ValuesIn(OracleFiles()), CaseName);

}  // namespace
}  // namespace tandem
