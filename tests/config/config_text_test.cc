// A resolved configuration as text, and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tests/config/example.h"

namespace tandem {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::testing::HasSubstr;

proto::Experiment Resolved(proto::Experiment experiment) {
  ResolveDefaults(&experiment);
  return experiment;
}

std::string RandomText(std::mt19937_64& random) {
  std::string text;
  for (size_t size = random() % 6; size > 0; --size) text.push_back(static_cast<char>(random() % 256));
  return text;
}

double RandomDouble(std::mt19937_64& random) {
  const double mantissa = static_cast<double>(random()) / static_cast<double>(random() | 1);
  return (random() % 2 ? 1 : -1) * std::ldexp(mantissa, static_cast<int>(random() % 400) - 200);
}

void Fill(std::mt19937_64& random, Message* message);

// One random value, put or added.
void FillField(std::mt19937_64& random, const FieldDescriptor* field, Message* message) {
  const Reflection& r = *message->GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto value = static_cast<int32_t>(random());
      return repeated ? r.AddInt32(message, field, value) : r.SetInt32(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_INT64:
      return r.SetInt64(message, field, static_cast<int64_t>(random()));
    case FieldDescriptor::CPPTYPE_UINT64:
      return r.SetUInt64(message, field, random());
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value = RandomDouble(random);
      return repeated ? r.AddDouble(message, field, value) : r.SetDouble(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return r.SetBool(message, field, random() % 2);
    case FieldDescriptor::CPPTYPE_ENUM:
      return r.SetEnum(message, field,
                       field->enum_type()->value(random() % field->enum_type()->value_count()));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = RandomText(random);
      return repeated ? r.AddString(message, field, value) : r.SetString(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Fill(random, repeated ? r.AddMessage(message, field) : r.MutableMessage(message, field));
    default:
      FAIL() << field->full_name() << ": teach this test the new type";
  }
}

void Fill(std::mt19937_64& random, Message* message) {
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    const size_t times = field->is_repeated() ? random() % 4 : random() % 2;
    for (size_t j = 0; j < times; ++j) FillField(random, field, message);
  }
}

TEST(ConfigText, AnyExperimentReadsBackToTheResolvedOne) {
  for (int seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    proto::Experiment experiment;
    Fill(random, &experiment);
    const std::string text = ExperimentText(experiment);
    const absl::StatusOr<proto::Experiment> back = ParseExperiment(text, "text");
    ASSERT_TRUE(back.ok()) << back.status() << " of seed " << seed << "\n" << text;
    ASSERT_EQ(back->SerializeAsString(), Resolved(experiment).SerializeAsString()) << "seed " << seed << "\n"
                                                                                   << text;
  }
}

TEST(ConfigText, TheSameTwice) {
  const std::string text = ExperimentText(Example());
  EXPECT_EQ(ExperimentText(ParseExperiment(text, "text").value()), text);
  EXPECT_EQ(Resolved(Resolved(Example())).SerializeAsString(), Resolved(Example()).SerializeAsString());
}

TEST(ConfigText, ResolvingChangesNoMeaning) {
  const proto::Experiment before = Example();
  const proto::Experiment after = Resolved(before);
  EXPECT_TRUE(ValidateExperiment(after).ok()) << ValidateExperiment(after);
  EXPECT_EQ(after.feature_size(), before.feature_size());
  EXPECT_FALSE(after.feature(4).dense().has_mean());
  EXPECT_FALSE(after.feature(0).has_serving_value());
  EXPECT_FALSE(after.feature(0).has_column());
  EXPECT_TRUE(after.feature(2).sparse().multi_valued());
}

TEST(ConfigText, OptimizersThatAreNotSetAreWrittenOut) {
  const proto::Experiment resolved = Resolved(Example());
  EXPECT_EQ(resolved.embedding().optimizer().ShortDebugString(),
            "adagrad { lr: 0.05 initial_accumulator: 0.1 epsilon: 1e-08 }");
  EXPECT_EQ(resolved.train().optimizer().ShortDebugString(),
            "adam { lr: 0.001 beta1: 0.9 beta2: 0.999 epsilon: 1e-08 }");
  proto::Experiment ftrl = Example();
  ftrl.mutable_embedding()->mutable_optimizer()->mutable_ftrl();
  EXPECT_TRUE(Resolved(ftrl).embedding().optimizer().has_ftrl());
}

TEST(ConfigText, TowersAreNotInvented) {
  proto::Experiment experiment;
  experiment.mutable_model()->set_method(proto::TEACHER_ALONE);
  EXPECT_EQ(Resolved(experiment).model().ShortDebugString(), "method: TEACHER_ALONE");
  EXPECT_TRUE(Resolved({}).model().has_distill());
  EXPECT_FALSE(Resolved({}).model().has_teacher());
}

// Every field of `message` and below that declares a default is set.
void ExpectAllSet(const Message& message) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const Reflection& r = *message.GetReflection();
    EXPECT_TRUE(!field->has_default_value() || r.HasField(message, field)) << field->full_name();
    if (field->message_type() == nullptr) continue;
    if (field->is_repeated()) {
      for (int j = 0; j < r.FieldSize(message, field); ++j)
        ExpectAllSet(r.GetRepeatedMessage(message, field, j));
    } else if (r.HasField(message, field)) {
      ExpectAllSet(r.GetMessage(message, field));
    }
  }
}

TEST(ConfigText, EveryDefaultIsWrittenOut) {
  const proto::Experiment resolved = Resolved(Example());
  ExpectAllSet(resolved);
  EXPECT_THAT(ExperimentText(Example()), HasSubstr("keep_checkpoints: 2"));
  EXPECT_THAT(ExperimentText(Example()), HasSubstr("hidden: [32, 16]"));
}

// A default that only a comment gives would change under a stored configuration.
TEST(ConfigText, EveryNumberButMeanAndDeviationDeclaresItsDefault) {
  const auto* file = proto::Experiment::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) {
    for (int j = 0; j < file->message_type(i)->field_count(); ++j) {
      const FieldDescriptor* field = file->message_type(i)->field(j);
      if (field->is_repeated() || field->message_type() != nullptr) continue;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) continue;
      // A switch that isn't set is the method's, an own embedding's number that of `embedding`, a tower's
      // seed the run's. Of two ways one is chosen by being set.
      const bool exempt = field->containing_type()->name() == "Switches" ||
                          field->containing_type()->name() == "OwnEmbedding" ||
                          field->full_name() == "tandem.proto.Tower.seed" ||
                          field->containing_oneof() != nullptr ||
                          field->full_name() == "tandem.proto.Dense.mean" ||
                          field->full_name() == "tandem.proto.Dense.deviation";
      EXPECT_NE(field->has_default_value(), exempt) << field->full_name();
    }
  }
}

TEST(ConfigText, TheAdamBesideMuonIsWrittenOut) {
  proto::Experiment experiment = Example();
  experiment.mutable_model()->mutable_student()->mutable_optimizer()->mutable_muon()->set_lr(0.004);
  experiment.mutable_train()->mutable_optimizer()->mutable_muon();
  const proto::Experiment resolved = Resolved(experiment);
  EXPECT_EQ(resolved.model().student().optimizer().ShortDebugString(),
            "muon { lr: 0.004 momentum: 0.95 iterations: 2 adam { lr: 0.001 beta1: 0.9 beta2: 0.999 epsilon: "
            "1e-08 } }");
  EXPECT_TRUE(resolved.train().optimizer().muon().has_adam());
}

TEST(ConfigText, AnOptimizerWithoutAKindIsNone) {
  proto::Experiment experiment = Example();
  experiment.mutable_model()->mutable_student()->mutable_optimizer();
  EXPECT_FALSE(Resolved(experiment).model().student().has_optimizer());
}

TEST(ConfigText, NothingIsLeftToClear) {
  proto::Experiment experiment = Example();
  experiment.add_clear("model.student.mlp");
  EXPECT_EQ(ExperimentText(experiment), ExperimentText(Example()));
}

}  // namespace
}  // namespace tandem
