// `key=value` on the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "tests/config/example.h"

namespace tandem {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::testing::HasSubstr;

// The experiment after the overrides, in text.
std::string Overridden(absl::string_view base, const std::vector<std::string>& overrides) {
  proto::Experiment experiment = ParseExperiment(base, "base").value();
  for (const std::string& text : overrides) {
    const absl::Status status = ApplyOverride(text, &experiment);
    EXPECT_TRUE(status.ok()) << status;
  }
  return experiment.ShortDebugString();
}

std::string Error(const std::string& text) {
  proto::Experiment experiment = Example();
  const absl::Status status = ApplyOverride(text, &experiment);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  EXPECT_EQ(experiment.DebugString(), Example().DebugString()) << "changed by " << text;
  return std::string(status.message());
}

TEST(ConfigOverride, SetsScalarsOfEveryKind) {
  EXPECT_EQ(Overridden("", {"train.batch_size=1024", "train.seed=18446744073709551615", "train.l2=1e-6",
                            "train.schedule.warmup_steps=5000000000", "data.delimited.header=false",
                            "data.label=click", "model.method=TEACHER_ALONE"}),
            "data { delimited { header: false } label: \"click\" } model { method: TEACHER_ALONE } train { "
            "batch_size: 1024 "
            "seed: 18446744073709551615 schedule { warmup_steps: 5000000000 } l2: 1e-06 }");
}

TEST(ConfigOverride, TakesFourWordsForABool) {
  EXPECT_EQ(Overridden("", {"model.teacher.linear=true"}), "model { teacher { linear: true } }");
  EXPECT_EQ(Overridden("", {"model.teacher.linear=1"}), "model { teacher { linear: true } }");
  EXPECT_EQ(Overridden("", {"model.teacher.linear=0"}), "model { teacher { linear: false } }");
  EXPECT_THAT(Error("model.teacher.linear=yes"),
              HasSubstr("'yes' doesn't fit model.teacher.linear; accepted: true, false, 1, 0"));
}

TEST(ConfigOverride, ARepeatedFieldIsReplacedOrCleared) {
  EXPECT_EQ(Overridden("model { student { mlp { hidden: 3 } } }", {"model.student.mlp.hidden=400,200"}),
            "model { student { mlp { hidden: 400 hidden: 200 } } }");
  EXPECT_EQ(Overridden("drop_feature: 'a'", {"drop_feature=hour,weekday"}),
            "drop_feature: \"hour\" drop_feature: \"weekday\"");
  EXPECT_EQ(Overridden("drop_feature: 'a'", {"drop_feature="}), "");
}

TEST(ConfigOverride, NamingAOneofArmChoosesIt) {
  const char* base = "embedding { optimizer { ftrl { l1: 2 } } }";
  EXPECT_EQ(Overridden(base, {"embedding.optimizer.adam.lr=0.5"}),
            "embedding { optimizer { adam { lr: 0.5 } } }");
  EXPECT_EQ(Overridden(base, {"embedding.optimizer.adam="}), "embedding { optimizer { adam { } } }");
  EXPECT_EQ(Overridden(base, {"embedding.optimizer.ftrl="}), "embedding { optimizer { ftrl { } } }");
  EXPECT_EQ(Overridden(base, {"embedding.optimizer.ftrl.l2=3"}),
            "embedding { optimizer { ftrl { l1: 2 l2: 3 } } }");
}

TEST(ConfigOverride, StringsHaveEscapes) {
  EXPECT_EQ(Overridden("", {R"(data.delimited.delimiter=\t)"}), R"(data { delimited { delimiter: "\t" } })");
  EXPECT_EQ(Overridden("", {R"(data.delimited.delimiter=\x01)"}),
            R"(data { delimited { delimiter: "\001" } })");
  EXPECT_EQ(Overridden("", {R"(data.path=a\\b)"}), R"(data { path: "a\\b" })");
  EXPECT_EQ(Overridden("", {"data.path=a=b c"}), R"(data { path: "a=b c" })");
  EXPECT_EQ(Overridden("", {"data.group_column="}), R"(data { group_column: "" })");
  EXPECT_THAT(Error(R"(data.path=a\q)"), HasSubstr("bad escape"));
}

TEST(ConfigOverride, ClearTakesAwayWhatStandsBeforeIt) {
  const char* base = "model { student { linear: true mlp { hidden: 3 } } } train { epochs: 3 }";
  EXPECT_EQ(Overridden(base, {"clear=model.student.mlp"}),
            "model { student { linear: true } } train { epochs: 3 }");
  EXPECT_EQ(Overridden(base, {"clear=model.student, train.epochs"}), "model { } train { }");
  EXPECT_EQ(Overridden(base, {"model.student.mlp.hidden=4", "clear=model.student.mlp", "train.epochs=2"}),
            "model { student { linear: true } } train { epochs: 2 }");
  EXPECT_EQ(Overridden("", {"clear=train.schedule", "train.schedule.final=0.5"}),
            "train { schedule { final: 0.5 } }");
  EXPECT_EQ(Error("clear=model.studnt"),
            "override 'clear=model.studnt': unknown field 'model.studnt'; did you mean 'student'?");
  EXPECT_THAT(Error("clear=train.epochs,"), HasSubstr("unknown field ''"));
  EXPECT_THAT(Error("clear=clear"), HasSubstr("no effect on itself"));
  EXPECT_THAT(Error("clear="), HasSubstr("unknown field ''"));
}

TEST(ConfigOverride, AnUnknownKeyNamesTheNearest) {
  EXPECT_EQ(Error("train.batch_sise=5"),
            "override 'train.batch_sise=5': unknown field 'train.batch_sise'; did you mean 'batch_size'?");
  EXPECT_THAT(Error("trian.batch_size=5"), HasSubstr("unknown field 'trian'; did you mean 'train'?"));
  EXPECT_THAT(Error("model.teacher.mpl.hidden=5"), HasSubstr("'model.teacher.mpl'; did you mean 'mlp'?"));
  EXPECT_THAT(Error("batch_size=5"), HasSubstr("did you mean 'train.batch_size'?"));
  EXPECT_THAT(Error("train..epochs=5"), HasSubstr("unknown field 'train.'"));
  EXPECT_THAT(Error("train.=5"), HasSubstr("unknown field 'train.'"));
}

TEST(ConfigOverride, AnUnknownValueNamesTheNearest) {
  EXPECT_THAT(
      Error("model.method=COTRAIN"),
      HasSubstr("unknown value 'COTRAIN' of 'model.method'; did you mean 'CO_TRAIN'? accepted: CO_TRAIN, "));
}

TEST(ConfigOverride, NumbersOutOfRangeOrGarbageAreRejected) {
  const std::string range = "accepted: integers from -2147483648 to 2147483647";
  for (const char* value : {"2147483648", "-2147483649", "1.5", "1e3", "0x10", "5x", "", "nan", "--5"}) {
    EXPECT_THAT(Error(absl::StrCat("train.batch_size=", value)), HasSubstr(range)) << value;
  }
  for (const char* value : {"-1", "18446744073709551616", "1.0"}) {
    EXPECT_THAT(Error(absl::StrCat("train.seed=", value)),
                HasSubstr("integers from 0 to 18446744073709551615"))
        << value;
  }
  for (const char* value : {"nan", "inf", "-inf", "1e999", "0.1x", "", "0,5"}) {
    EXPECT_THAT(Error(absl::StrCat("train.l2=", value)), HasSubstr("train.l2; accepted: finite numbers"))
        << value;
  }
  EXPECT_THAT(Error("model.student.mlp.hidden=4,,5"), HasSubstr("''"));
}

TEST(ConfigOverride, WhatIsNoOverrideSaysWhatIs) {
  EXPECT_THAT(Error("train.batch_size"), HasSubstr("no '='; an override is key=value"));
  EXPECT_THAT(Error("=5"), HasSubstr("no key before '='"));
  EXPECT_THAT(Error("train.seed.low=5"), HasSubstr("train.seed is a value and has no field 'low'"));
  EXPECT_THAT(Error("train.schedule=LINEAR"),
              HasSubstr("train.schedule is a message; set its fields (warmup_steps, "));
}

TEST(ConfigOverride, RepeatedMessagesAreSetOnlyByFile) {
  for (const char* text :
       {"feature=", "feature.name=x", "model.teacher.interaction.fm=", "model.distill.hint=1"}) {
    EXPECT_THAT(Error(text), HasSubstr("only by file")) << text;
  }
}

// Overrides every scalar below `message` with a value that it must read back.
void OverrideAll(const Descriptor& message, const std::string& key) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string name = key.empty() ? field.name() : absl::StrCat(key, ".", field.name());
    if (field.message_type() != nullptr) {
      if (!field.is_repeated()) OverrideAll(*field.message_type(), name);
      continue;
    }
    if (name == "clear") continue;  // its value is a key
    const std::string value = field.enum_type() != nullptr ? field.enum_type()->value(0)->name() : "1";
    proto::Experiment experiment;
    const absl::Status status = ApplyOverride(absl::StrCat(name, "=", value), &experiment);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_GT(experiment.ByteSizeLong(), 0u) << name;
  }
}

TEST(ConfigOverride, ReachesEveryField) { OverrideAll(*proto::Experiment::descriptor(), ""); }

TEST(ConfigOverride, ARateThatIsLookedForOneMessageTooHighIsTheOptimizers) {
  const auto told = [](const std::string& text) {
    proto::Experiment experiment;
    return std::string(ApplyOverride(text, &experiment).message());
  };
  for (const auto& [wrong, right] : std::vector<std::pair<std::string, std::string>>{
           {"train.lr", "train.optimizer.adam.lr"},
           {"lr", "train.optimizer.adam.lr"},
           {"train.learning_rate", "train.optimizer.adam.lr"},
           {"train.optimizer.lr", "train.optimizer.adam.lr"},
           {"embedding.lr", "embedding.optimizer.adagrad.lr"},
           {"model.student.lr", "model.student.optimizer.adam.lr"}}) {
    EXPECT_NE(told(wrong + "=0.1").find("'" + right + "'"), std::string::npos) << told(wrong + "=0.1");
    proto::Experiment experiment;
    EXPECT_TRUE(ApplyOverride(right + "=0.1", &experiment).ok()) << right;
  }
}

}  // namespace
}  // namespace tandem
