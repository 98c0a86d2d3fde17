// Every old key gets its new one in the error, in a file and as an override.
#include "src/config/old_keys.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/config/names.h"
#include "tests/config/example.h"

namespace tandem {
namespace {

// `key` as a file has it: "train { student_steps: 1 }".
std::string AsFile(const std::string& key) {
  const std::vector<std::string> names = absl::StrSplit(key, '.');
  std::string text = absl::StrJoin(names, " { ");
  for (size_t i = 0; i + 1 < names.size(); ++i) text += " }";
  return text;
}

TEST(OldKeys, EveryOneNamesAKeyOfNow) {
  for (const OldKey& old : OldKeys()) {
    EXPECT_FALSE(FindKey(old.old_key, "").ok()) << old.old_key;
    EXPECT_TRUE(FindKey(old.new_key, "").ok()) << old.old_key << ": " << FindKey(old.new_key, "").status();
    EXPECT_EQ(NewKeyOf(old.old_key), absl::StrCat("'", old.new_key, "'", old.note));
  }
  EXPECT_GE(OldKeys().size(), 20u);
}

TEST(OldKeys, AnOverrideOfOneIsToldTheKeyOfNow) {
  for (const OldKey& old : OldKeys()) {
    proto::Experiment experiment = Example();
    const absl::Status status = ApplyOverride(absl::StrCat(old.old_key, "=1"), &experiment);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(status.message()).find(absl::StrCat("it is '", old.new_key, "'", old.note, " now")),
              std::string::npos)
        << status;
  }
}

TEST(OldKeys, AFileWithOneIsToldPlaceAndKeyOfNow) {
  for (const OldKey& old : OldKeys()) {
    const std::string text = AsFile(old.old_key);
    const absl::Status status = ParseExperiment(text, "a.pbtxt").status();
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    const std::string message(status.message());
    EXPECT_EQ(message.rfind("a.pbtxt:1:", 0), 0u) << message;
    // The parser stops at the outermost name that is unknown.
    const std::string named = message.substr(message.find("unknown field '") + 15);
    const std::string unknown = named.substr(0, named.find('\''));
    EXPECT_EQ(std::string(old.old_key).rfind(unknown, 0), 0u) << message;
    EXPECT_NE(message.find(absl::StrCat("it is ", NewKeyOf(unknown), " now")), std::string::npos) << message;
    EXPECT_FALSE(NewKeyOf(unknown).empty()) << message;
  }
}

TEST(OldKeys, WhatStandsBelowOneIsFoundToo) {
  EXPECT_EQ(NewKeyOf("train.student_phase.decay"), "'model.distill.phase.decay'");
  EXPECT_EQ(NewKeyOf("train.student_phase_decay"), "");
  EXPECT_EQ(NewKeyOf("model.student.muon.momentum"), "'model.student.optimizer.muon.momentum'");
  EXPECT_EQ(NewKeyOf("model.student.muon.lr_multiplier"),
            "'model.student.optimizer.muon.lr', the rate itself and no factor");
  EXPECT_EQ(NewKeyOf("data.path"), "");
}

}  // namespace
}  // namespace tandem
