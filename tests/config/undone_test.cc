// Settings that undo each other.
#include "src/config/undone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tandem/status.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Refusal(const std::vector<std::string>& overrides) {
  const absl::Status status = CheckNoneUndone(overrides);
  if (status.ok()) return "";
  EXPECT_EQ(ExitCode(status), kExitUsage);
  return std::string(status.message());
}

TEST(Undone, ASettingGivenTwiceIsNamedWithBothValues) {
  EXPECT_THAT(Refusal({"train.batch_size=64", "train.seed=3", "train.batch_size=128"}),
              AllOf(HasSubstr("'train.batch_size' is given twice"), HasSubstr("=64"), HasSubstr("=128")));
  EXPECT_THAT(Refusal({"train.seed=3", "train.seed=3"}), HasSubstr("twice"));
  EXPECT_THAT(Refusal({"data.key_columns=a", "data.key_columns="}), HasSubstr("twice"));
}

TEST(Undone, WhatALaterSettingReplacesIsNamed) {
  EXPECT_THAT(Refusal({"embedding.optimizer.adam.lr=0.1", "embedding.optimizer.sgd.lr=0.2"}),
              AllOf(HasSubstr("'embedding.optimizer.adam.lr=0.1' has no effect"), HasSubstr("sgd")));
  EXPECT_THAT(Refusal({"train.optimizer.adam.lr=0.1", "train.optimizer.adam="}), HasSubstr("no effect"));
  EXPECT_THAT(Refusal({"model.student.mlp.hidden=8", "clear=model.student.mlp"}), HasSubstr("no effect"));
}

TEST(Undone, WhatAddsUpIsFine) {
  EXPECT_EQ(Refusal({}), "");
  EXPECT_EQ(
      Refusal({"train.optimizer.adam=", "train.optimizer.adam.lr=0.1", "train.optimizer.adam.beta1=0.8"}),
      "");
  EXPECT_EQ(Refusal({"clear=train.schedule", "clear=model.student.mlp", "model.student.mlp.hidden=8,4"}), "");
  EXPECT_EQ(Refusal({"no.such=1", "train.batch_size=many"}), "");
}

}  // namespace
}  // namespace tandem
