// What a configuration must satisfy before any data is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>

#include "google/protobuf/descriptor.h"
#include "src/config/methods.h"
#include "src/config/ranges.h"
#include "tests/config/example.h"
#include "tests/support/hand_made.h"

namespace tandem {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::Status Validated(const std::vector<std::string>& overrides, absl::string_view file = "") {
  proto::Experiment experiment = Example();
  absl::StatusOr<proto::Experiment> over = ParseExperiment(file, "file");
  CHECK(over.ok()) << over.status();
  const absl::Status merged = MergeOver(*over, &experiment);
  CHECK(merged.ok()) << merged;
  for (const std::string& text : overrides) {
    const absl::Status status = ApplyOverride(text, &experiment);
    CHECK(status.ok()) << status;
  }
  return ValidateExperiment(experiment);
}

void ExpectValid(const std::vector<std::string>& overrides, absl::string_view file = "") {
  const absl::Status status = Validated(overrides, file);
  EXPECT_TRUE(status.ok()) << status << "\n" << ::testing::PrintToString(overrides) << file;
}

std::string Fault(const std::vector<std::string>& overrides, absl::string_view file = "") {
  const absl::Status status = Validated(overrides, file);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << ::testing::PrintToString(overrides) << file;
  return std::string(status.message());
}

// The example with other features.
std::string FeatureFault(absl::string_view features) { return Fault({}, features); }

TEST(ConfigValidate, TheExampleIsValid) { ExpectValid({}); }

bool IsNumber(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE;
}

// Of the message and those in it, each once.
void CollectFields(const google::protobuf::Descriptor& message, std::set<const FieldDescriptor*>* fields) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor* field = message.field(i);
    if (!fields->insert(field).second || field->message_type() == nullptr) continue;
    CollectFields(*field->message_type(), fields);
  }
}

std::set<const FieldDescriptor*> AllFields() {
  std::set<const FieldDescriptor*> fields;
  CollectFields(*proto::Experiment::descriptor(), &fields);
  return fields;
}

TEST(ConfigValidate, EveryNumberHasARange) {
  int numbers = 0;
  for (const FieldDescriptor* field : AllFields()) {
    EXPECT_EQ(FindRange(*field) != nullptr, IsNumber(*field)) << field->full_name();
    numbers += IsNumber(*field);
  }
  EXPECT_GT(numbers, 80);
}

TEST(ConfigValidate, EveryRangeEndsBeforeAnIntegerOrAFloatDoes) {
  for (const FieldDescriptor* field : AllFields()) {
    const Range* range = FindRange(*field);
    if (range == nullptr) continue;
    // Sums of two of them, and of one and a batch, are integers still.
    const double most = field->cpp_type() == FieldDescriptor::CPPTYPE_INT32   ? 1 << 30
                        : field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 ? 1e18
                                                                              : 3.5e38;
    EXPECT_LE(range->high, most) << field->full_name();
    EXPECT_GE(range->low, -most) << field->full_name();
    EXPECT_LT(range->low, range->high) << field->full_name();
    for (const double end : {-1e308, 1e308, std::nan(""), double{INT32_MIN}, double{INT32_MAX}, 9.3e18}) {
      EXPECT_EQ(range->Holds(end), end >= range->low && end <= range->high)
          << field->full_name() << " " << end;
    }
    EXPECT_EQ(range->Holds(range->high), !range->high_open) << field->full_name();
    EXPECT_EQ(range->Holds(range->low), !range->low_open) << field->full_name();
  }
}

// Every scalar setting at its extremes, wherever it stands: refused, or planned with, and nothing turns over.
TEST(ConfigValidate, ExtremesAreRefusedOrPlannedWith) {
  int refused = 0, accepted = 0;
  ForEachEvilMessage(Example(), [&](const std::string& name, const google::protobuf::Message& evil) {
    proto::Experiment experiment;
    experiment.CopyFrom(evil);
    ResolveDefaults(&experiment);
    if (!ValidateExperiment(experiment).ok()) {
      ++refused;
      return;
    }
    ++accepted;
    const MethodPlan plan = PlanOf(experiment);
    for (const int count : {plan.joint_steps, plan.phase_steps, plan.recombined_batches,
                            plan.phase_steps + plan.recombined_batches,
                            experiment.train().shuffle_rows() + experiment.train().batch_size(),
                            experiment.train().epochs() + static_cast<int>(std::ceil(plan.phase_passes)) + 2})
      EXPECT_GE(count, 0) << name;
  });
  EXPECT_GT(refused, 500);
  EXPECT_GT(accepted, 500);
}

TEST(ConfigValidate, WhatTurnedOverIsRefused) {
  EXPECT_EQ(Fault({"train.shuffle_rows=2147483647"}),
            "train.shuffle_rows: 2147483647; must be at least 0 and at most 1073741824");
  EXPECT_EQ(Fault({"model.distill.phase.fraction=1e30"}),
            "model.distill.phase.fraction: 1e+30; must be more than 0 and at most 1000");
  EXPECT_EQ(Fault({"model.distill.phase.steps_per_row=2147483647"}),
            "model.distill.phase.steps_per_row: 2147483647; must be at least 1 and at most 10000");
}

TEST(ConfigValidate, HeadsAreOfAnMlpAndShareWithOthers) {
  ExpectValid({"model.student.heads=4", "model.teacher.heads=2", "model.teacher.head_weights=RANK_ONE"});
  EXPECT_THAT(Fault({"model.student.heads=0"}), StartsWith("model.student.heads: 0; must be at least 1"));
  EXPECT_EQ(Fault({"model.student.heads=4", "clear=model.student.mlp,model.distill.hint"}),
            "model.student.heads: 4, but the tower has no mlp, which a head is");
  EXPECT_EQ(
      Fault({"model.teacher.head_weights=RANK_ONE"}),
      "model.teacher.head_weights: RANK_ONE, but there is one head, which shares with nobody; set heads to "
      "2 or more");
}

TEST(ConfigValidate, AMessageSaysKeyValueAndWhatIsAccepted) {
  EXPECT_EQ(Fault({"embedding.dim=0"}), "embedding.dim: 0; must be at least 1 and at most 1024");
  EXPECT_EQ(Fault({"data.negative_keep_rate=0"}),
            "data.negative_keep_rate: 0; must be more than 0 and at most 1");
  EXPECT_EQ(Fault({"train.optimizer.adam.beta1=1"}),
            "train.optimizer.adam.beta1: 1; must be at least 0 and less than 1");
  EXPECT_EQ(Fault({"runtime.threads=-1"}), "runtime.threads: -1; must be at least 0 and at most 1024");
  EXPECT_EQ(Fault({"model.teacher.mlp.hidden=8,-3"}),
            "model.teacher.mlp.hidden[1]: -3; must be at least 1 and at most 65536");
}

TEST(ConfigValidate, ValuesOutOfRangeAreRejected) {
  for (const char* text : {"data.max_bad_fraction=1.5",
                           "data.delimited.max_line_bytes=0",
                           "embedding.dim=1025",
                           "embedding.min_count=0",
                           "embedding.id_dropout=1",
                           "embedding.l2=-1",
                           "embedding.weight_decay=-1",
                           "embedding.init_deviation=-1",
                           "embedding.optimizer.sgd.lr=0",
                           "embedding.optimizer.adagrad.epsilon=0",
                           "embedding.optimizer.adagrad.initial_accumulator=-1",
                           "embedding.optimizer.adam.beta2=-0.1",
                           "embedding.optimizer.ftrl.l1=-1",
                           "embedding.optimizer.ftrl.beta=-1",
                           "model.teacher.mlp.dropout=1",
                           "model.teacher.mlp.normalize_decay=1",
                           "model.student.mlp.hidden=0",
                           "model.distill.temperature=0",
                           "model.distill.logit_weight=-1",
                           "model.distill.hint_weight=-1",
                           "model.distill.student_label_weight=-1",
                           "train.window_days=0",
                           "train.epochs=0",
                           "train.batch_size=0",
                           "train.shard_rows=0",
                           "train.shuffle_rows=-1",
                           "model.distill.lr_multiplier=0",
                           "train.l2=-1",
                           "train.weight_decay=-1",
                           "train.clip_norm=-1",
                           "train.schedule.warmup_steps=-1",
                           "train.schedule.decay_steps=-1",
                           "train.schedule.final=2",
                           "runtime.threads=1025",
                           "runtime.log_every_steps=0",
                           "runtime.checkpoint_every_steps=-1",
                           "runtime.keep_checkpoints=0"}) {
    const std::string key(text, strchr(text, '='));
    EXPECT_THAT(Fault({text}), StartsWith(key)) << text;
  }
}

TEST(ConfigValidate, NumbersAreFinite) {
  EXPECT_THAT(Fault({}, "train { l2: nan }"), StartsWith("train.l2: nan; must be at least 0"));
  EXPECT_THAT(Fault({}, "train { clip_norm: inf }"), StartsWith("train.clip_norm: inf"));
  EXPECT_THAT(Fault({"train.l2=1e300"}), StartsWith("train.l2: 1e+300"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { transform: STANDARDIZE mean: -inf deviation: 1 } }"),
              StartsWith("feature[a].dense.mean: -inf; must be at least -1e+30"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { bucketize { boundaries: [0, inf] } } }"),
              StartsWith("feature[a].dense.bucketize.boundaries[1]: inf"));
}

// ---- features

TEST(ConfigValidate, ATransformerReadsASequenceAndATarget) {
  const auto with = [](const std::string& features, const std::string& transformer,
                       const std::string& tower = "teacher") {
    return absl::StrCat("feature { name: 'user' sparse {} } feature { name: 'item' sparse {} } ", features,
                        " model { ", tower, " { interaction { transformer { ", transformer, " } } } }");
  };
  const std::string history = "feature { name: 'history' sparse { sequence {} table: 'item' } }";
  const std::string good = "sequence: 'history' target: 'item'";
  const std::string key = "model.teacher.interaction[0].transformer.";
  ExpectValid({}, with(history, good));
  ExpectValid({}, with(history, good, "student"));
  ExpectValid({"model.method=STUDENT_ALONE"}, with(history, good));
  EXPECT_EQ(Fault({}, with(history, "sequence: 'histroy' target: 'item'")),
            key + "sequence: 'histroy' is no feature; did you mean 'history'?");
  EXPECT_EQ(Fault({}, with(history, "sequence: 'user' target: 'item'")),
            key + "sequence: 'user' is no sequence; must name a feature with sparse { sequence {} }");
  EXPECT_EQ(Fault({}, with(history, "sequence: 'history' target: 'history'")),
            key + "target: 'history' is a sequence; must name the feature to be scored");
  EXPECT_EQ(Fault({}, with(history, "sequence: 'history'")),
            key + "target: not set; must name the feature to be scored");
  EXPECT_EQ(Fault({}, with(history, good + " heads: 3")), key + "heads: 3; must divide embedding.dim 16");
  EXPECT_THAT(
      Fault({}, with("feature { name: 'history' sparse { sequence {} } towers: TEACHER }", good, "student")),
      HasSubstr("the student can't read it"));
  ExpectValid({"model.method=STUDENT_ALONE"}, "feature { name: 'user' sparse {} } " + history);
  EXPECT_THAT(FeatureFault("feature { name: 'user' sparse {} } " + history),
              StartsWith("feature[history].sparse.sequence: no transformer reads it"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' sparse { sequence {} multi_valued: true } }"),
              StartsWith("feature[a].sparse.multi_valued: true, but a sequence is no bag"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' sparse { sequence {} } serving_value: 'x' }"),
              StartsWith("feature[a].serving_value: set, but a sequence"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' sparse { sequence { max_length: 0 } } }"),
              StartsWith("feature[a].sparse.sequence.max_length: 0"));
}

TEST(ConfigValidate, FeaturesHaveUniqueNamesAndAKind) {
  EXPECT_EQ(FeatureFault("feature { sparse {} }"),
            "feature[0].name: empty; every feature needs a name of its own");
  EXPECT_EQ(FeatureFault("feature { name: 'a' sparse {} } feature { name: 'a' sparse {} }"),
            "feature[1].name: 'a' is taken by an earlier feature; names must be unique");
  EXPECT_EQ(FeatureFault("feature { name: 'a' }"),
            "feature[a]: of no kind; accepted: sparse {}, dense {}, time {}");
  EXPECT_THAT(FeatureFault("feature { name: 'a' column: '' sparse {} }"),
              StartsWith("feature[a].column: empty"));
}

TEST(ConfigValidate, AtLeastOneFeatureIsLeft) {
  EXPECT_EQ(ValidateExperiment({}).message(), "feature: none configured; must be at least one");
  EXPECT_EQ(Fault({"drop_feature=user,movie,liked,age,hour"}),
            "feature: drop_feature leaves none; must be at least one");
  ExpectValid({"drop_feature=user,movie,liked,age"});
}

TEST(ConfigValidate, ADroppedFeatureMustBeKnown) {
  EXPECT_EQ(Fault({"drop_feature=mvie"}), "drop_feature: 'mvie' is no feature; did you mean 'movie'?");
}

TEST(ConfigValidate, OnlySparseFeaturesShareATable) {
  ExpectValid({}, "feature { name: 'a' sparse { table: 't' } } feature { name: 'b' sparse { table: 't' } }");
  const std::string fault =
      "feature[b].sparse.table: 'a' is the table of the dense feature 'a'; only sparse features share a "
      "table";
  EXPECT_EQ(FeatureFault("feature { name: 'a' dense {} } feature { name: 'b' sparse { table: 'a' } }"),
            fault);
  EXPECT_EQ(FeatureFault("feature { name: 'b' sparse { table: 'a' } } feature { name: 'a' dense {} }"),
            fault);
  EXPECT_THAT(FeatureFault("feature { name: 'a' sparse { table: '' } }"),
              StartsWith("feature[a].sparse.table: empty"));
}

TEST(ConfigValidate, WeightedImpliesMultiValued) {
  ExpectValid({}, "feature { name: 'a' sparse { weighted: true } }");
  EXPECT_THAT(FeatureFault("feature { name: 'a' sparse { weighted: true multi_valued: false } }"),
              StartsWith("feature[a].sparse.multi_valued: false"));
}

TEST(ConfigValidate, StandardizeAndOnlyItHasMeanAndDeviation) {
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { transform: STANDARDIZE deviation: 1 } }"),
              StartsWith("feature[a].dense.mean: not set; STANDARDIZE needs it"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { transform: STANDARDIZE mean: 1 } }"),
              StartsWith("feature[a].dense.deviation: not set"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { transform: STANDARDIZE mean: 1 deviation: 0 } }"),
              StartsWith("feature[a].dense.deviation: 0; must be more than 0"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { mean: 1 } }"),
              StartsWith("feature[a].dense.mean: set, but"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { transform: LOG1P deviation: 1 } }"),
              StartsWith("feature[a].dense.deviation: set, but"));
}

TEST(ConfigValidate, BoundariesIncreaseStrictly) {
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { bucketize {} } }"),
              StartsWith("feature[a].dense.bucketize.boundaries: empty"));
  EXPECT_EQ(FeatureFault("feature { name: 'a' dense { bucketize { boundaries: [1, 2, 2] } } }"),
            "feature[a].dense.bucketize.boundaries[2]: 2; must be more than the one before, 2");
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { transform: LOG1P bucketize { boundaries: 1 } } }"),
              StartsWith("feature[a].dense.transform: LOG1P, which bucketize doesn't use"));
}

TEST(ConfigValidate, KnotsIncreaseStrictlyOrAreLeftToAFirstLook) {
  EXPECT_EQ(FeatureFault("feature { name: 'a' dense { piecewise { knots: [1, 2, 2] } } }"),
            "feature[a].dense.piecewise.knots[2]: 2; must be more than the one before, 2");
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { piecewise { knots: [0, inf] } } }"),
              StartsWith("feature[a].dense.piecewise.knots[1]: inf"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { piecewise { max_knots: 1 } } }"),
              StartsWith("feature[a].dense.piecewise.max_knots: 1"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { transform: LOG1P piecewise {} } }"),
              StartsWith("feature[a].dense.transform: LOG1P, which piecewise doesn't use"));
  EXPECT_THAT(FeatureFault("feature { name: 'a' dense { bucketize { boundaries: 1 } piecewise {} } }"),
              StartsWith("feature[a].dense.piecewise: set, and so is bucketize"));
  ExpectValid(
      {},
      "feature { name: 'a' dense { piecewise {} } } feature { name: 'b' dense { piecewise { knots: 1 } } }");
}

// ---- data

TEST(ConfigValidate, ThePathIsRequired) {
  EXPECT_THAT(Fault({"data.path="}), StartsWith("data.path: not set"));
}

TEST(ConfigValidate, SeparatorsAreSingleBytesAndDiffer) {
  ExpectValid({"data.delimited.delimiter=,"});
  EXPECT_THAT(Fault({"data.delimited.delimiter=ab"}),
              StartsWith("data.delimited.delimiter: 'ab'; must be one byte"));
  EXPECT_THAT(Fault({"data.delimited.delimiter="}),
              StartsWith("data.delimited.delimiter: ''; must be one byte"));
  EXPECT_THAT(Fault({R"(data.delimited.delimiter=\n)"}),
              StartsWith(R"(data.delimited.delimiter: '\n'; must not be a line end)"));
  EXPECT_THAT(Fault({"data.delimited.weight_separator="}), StartsWith("data.delimited.weight_separator: ''"));
  EXPECT_EQ(Fault({"data.delimited.delimiter=|"}),
            "data.delimited.multi_value_separator: '|' is data.delimited.delimiter too; must be different");
  EXPECT_EQ(Fault({"data.delimited.delimiter=:"}),
            "data.delimited.weight_separator: ':' is data.delimited.delimiter too; must be different");
  EXPECT_EQ(
      Fault({"data.delimited.weight_separator=|"}),
      "data.delimited.weight_separator: '|' is data.delimited.multi_value_separator too; must be different");
}

TEST(ConfigValidate, ASeparatorThatNoFeatureUsesMayEqualAnother) {
  ExpectValid({"data.delimited.delimiter=|", "drop_feature=liked"});
}

TEST(ConfigValidate, AQuoteIsAByteOfItsOwn) {
  ExpectValid({"data.quote='"});
  ExpectValid({"data.quote="});
  ExpectValid({"data.delimited.delimiter=,", "data.quote="});
  EXPECT_THAT(Fault({"data.quote=ab"}), StartsWith("data.quote: 'ab'; must be one byte"));
  EXPECT_THAT(Fault({R"(data.quote=\n)"}), HasSubstr("must not be a line end"));
  EXPECT_EQ(Fault({"data.delimited.delimiter=,", "data.quote=,"}),
            "data.quote: ',' is data.delimited.delimiter too; must be different");
  EXPECT_THAT(Fault({}, "data { json_lines {} quote: '\"' }"),
              StartsWith("data.quote: set, but it is for delimited text, and the format is data.json_lines"));
}

TEST(ConfigValidate, TextsOfTheLabelAreOneOrTheOtherAndHaveAnEffect) {
  ExpectValid({"data.positive=yes"});
  ExpectValid({"data.positive=1"});
  ExpectValid({"data.positive=1", "data.negative=-1"});
  ExpectValid({"data.positive=2", "data.negative=1"});
  EXPECT_EQ(Fault({"data.positive=yes,no", "data.negative=no"}),
            "data.negative[0]: 'no' is in data.positive too; a label is one of them");
  EXPECT_THAT(Fault({"data.positive=1", "data.negative=1.0"}), HasSubstr("in data.positive too"));
  EXPECT_THAT(Fault({"data.positive=a,b,a"}), StartsWith("data.positive[2]: 'a' is there before"));
  EXPECT_THAT(Fault({}, "data { positive: '' }"), HasSubstr("data.unlabelled"));
  EXPECT_THAT(Fault({"data.positive=NA", "data.missing_value=NA"}), HasSubstr("data.unlabelled"));
  EXPECT_THAT(Fault({"data.positive=1", "data.negative=0"}), StartsWith("data.positive: without effect"));
  EXPECT_THAT(Fault({"data.negative=0"}), StartsWith("data.negative: without effect"));
}

TEST(ConfigValidate, ABoundOfNumbersIsOfThoseThatHaveOne) {
  ExpectValid({}, "feature { name: 'x' dense { max_magnitude: 10 } }");
  EXPECT_THAT(FeatureFault("feature { name: 'x' dense { max_magnitude: 10 bucketize { boundaries: 0 } } }"),
              StartsWith("feature[x].dense.max_magnitude: set, but bucketize takes any number"));
  EXPECT_THAT(FeatureFault("feature { name: 'x' dense { max_magnitude: 10 piecewise { knots: [0, 1] } } }"),
              StartsWith("feature[x].dense.max_magnitude: set, but piecewise takes any number"));
  EXPECT_THAT(FeatureFault("feature { name: 'x' dense { max_magnitude: 0 } }"),
              HasSubstr("must be more than 0"));
}

TEST(ConfigValidate, FilesWithoutHeaderNeedTheirColumns) {
  const std::string all = "data.delimited.column=label,user,movie,liked,age,hour,weight";
  ExpectValid({"data.delimited.header=false", all});
  EXPECT_THAT(Fault({"data.delimited.header=false"}),
              StartsWith("data.delimited.column: empty; must name the columns"));
  EXPECT_THAT(Fault({all}), StartsWith("data.delimited.column: set, but data.delimited.header is true"));
  EXPECT_THAT(Fault({"data.delimited.header=false", "data.delimited.column=a,b,a"}),
              StartsWith("data.delimited.column[2]: 'a' is there before"));
  EXPECT_THAT(Fault({"data.delimited.header=false", "data.delimited.column=a,,b"}),
              StartsWith("data.delimited.column[1]: empty"));
}

TEST(ConfigValidate, EveryNeededColumnIsThere) {
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"data.label=labl", "data.label: 'labl' is not in data.delimited.column; did you mean 'label'?"},
      {"data.group_column=usr",
       "data.group_column: 'usr' is not in data.delimited.column; did you mean 'user'?"},
      {"data.weight_column=wieght",
       "data.weight_column: 'wieght' is not in data.delimited.column; did you mean 'weight'?"},
      {"data.delimited.column=label,user,movie,liked,age,hours,weight",
       "feature[hour].column: 'hour' is not in data.delimited.column; did you mean 'hours'?"}};
  for (const auto& [change, fault] : faults) {
    EXPECT_EQ(Fault({"data.delimited.header=false",
                     "data.delimited.column=label,user,movie,liked,age,hour,weight,day", change}),
              fault);
  }
}

TEST(ConfigValidate, TheLabelIsNothingElse) {
  EXPECT_EQ(Fault({"data.label=age"}),
            "feature[age].column: 'age' is the label (data.label); a feature must not read it");
  EXPECT_THAT(FeatureFault("feature { name: 'a' column: 'label' sparse {} }"),
              StartsWith("feature[a].column: 'label'"));
  EXPECT_THAT(Fault({"data.weight_column=label"}), StartsWith("data.weight_column: 'label' is the label"));
  EXPECT_THAT(Fault({"data.label="}), StartsWith("data.label: empty"));
  ExpectValid({"data.label=age", "drop_feature=age"});
}

TEST(ConfigValidate, KeyColumnsAreUnique) {
  EXPECT_THAT(Fault({"data.key_columns=a,b,a"}), StartsWith("data.key_columns[2]: 'a' is there before"));
  EXPECT_THAT(Fault({"data.key_columns=a,"}), StartsWith("data.key_columns[1]: empty"));
}

// ---- model

TEST(ConfigValidate, AMethodHasItsTowers) {
  proto::Experiment no_student = Example();
  no_student.mutable_model()->clear_student();
  EXPECT_EQ(ValidateExperiment(no_student).message(),
            "model.student: not set; method CO_TRAIN needs a student");
  no_student.mutable_model()->set_method(proto::TEACHER_ALONE);
  EXPECT_TRUE(ValidateExperiment(no_student).ok());

  proto::Experiment no_teacher = Example();
  no_teacher.mutable_model()->clear_teacher();
  EXPECT_EQ(ValidateExperiment(no_teacher).message(),
            "model.teacher: not set; method CO_TRAIN needs a teacher (or several: model.committee)");
  no_teacher.mutable_model()->set_method(proto::STUDENT_ALONE);
  EXPECT_TRUE(ValidateExperiment(no_teacher).ok());
}

TEST(ConfigValidate, ATowerThatTheMethodIgnoresMayBeUnfinished) {
  ExpectValid({"model.method=TEACHER_ALONE", "model.student.mlp.hidden="});
  ExpectValid({"model.method=STUDENT_ALONE"}, "model { teacher { interaction {} } }");
}

TEST(ConfigValidate, ATowerHasSomethingToSum) {
  ExpectValid({"model.student=", "model.distill="});
  EXPECT_THAT(Fault({"model.student=", "model.student.combine=PARALLEL", "model.distill="}),
              StartsWith("model.student.combine: PARALLEL, with nothing to sum"));
  ExpectValid(
      {"model.student=", "model.student.combine=PARALLEL", "model.student.linear=true", "model.distill="});
  EXPECT_THAT(Fault({"model.student.mlp.hidden="}), StartsWith("model.student.mlp.hidden: empty"));
}

TEST(ConfigValidate, InteractionsAreWhole) {
  const auto fault = [](const std::string& text) {
    return Fault({}, "model { teacher { interaction { " + text + " } } }");
  };
  EXPECT_THAT(fault(""), StartsWith("model.teacher.interaction[0]: of no kind; accepted: fm {}, cin {}, "));
  EXPECT_THAT(fault(""), EndsWith("; to have none where an earlier file sets some: clear: "
                                  "'model.teacher.interaction'"));
  const google::protobuf::OneofDescriptor& kind = *proto::Interaction::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kind.field_count(); ++i)
    EXPECT_THAT(fault(""), HasSubstr(kind.field(i)->name() + " {}"));
  EXPECT_THAT(Fault({"model.teacher.mlp.hidden=0"}), EndsWith("clear: 'model.teacher.mlp'"));
  EXPECT_THAT(fault("cin {}"), StartsWith("model.teacher.interaction[0].cin.layers: empty"));
  EXPECT_THAT(fault("cin { layers: [4, 0] }"),
              StartsWith("model.teacher.interaction[0].cin.layers[1]: 0; must be"));
  EXPECT_THAT(fault("cross { layers: 0 }"),
              StartsWith("model.teacher.interaction[0].cross.layers: 0; must be"));
  EXPECT_THAT(fault("cross { rank: -1 }"),
              StartsWith("model.teacher.interaction[0].cross.rank: -1; must be"));
  EXPECT_THAT(fault("cross { version: V1 rank: 2 }"),
              StartsWith("model.teacher.interaction[0].cross.rank: 2; must be 0 for V1"));
}

TEST(ConfigValidate, AnOddLayerThatSplitsIsAFault) {
  ExpectValid({}, "model { teacher { interaction { cin { layers: [4, 5] split_half: true } } } }");
  ExpectValid({}, "model { teacher { interaction { cin { layers: [5, 5] } } } }");
  EXPECT_THAT(Fault({}, "model { teacher { interaction { cin { layers: [4, 5, 6] split_half: true } } } }"),
              StartsWith("model.teacher.interaction[0].cin.layers[1]: 5; must be even"));
}

TEST(ConfigValidate, AHintNamesLayersThatAreThere) {
  const auto with = [](const std::string& hint) { return "model { distill { hint { " + hint + " } } }"; };
  for (const char* hint :
       {"teacher_layer: 0", "teacher_layer: 1", "teacher_layer: -2", "student_layer: -1", ""}) {
    ExpectValid({}, with(hint));
  }
  EXPECT_EQ(Fault({}, with("teacher_layer: 3")),
            "model.distill.hint[0].teacher_layer: 3, but the teacher has 2 hidden layers (0..1, or -2..-1)");
  EXPECT_EQ(Fault({}, with("teacher_layer: -3")),
            "model.distill.hint[0].teacher_layer: -3, but the teacher has 2 hidden layers (0..1, or -2..-1)");
  EXPECT_EQ(Fault({}, with("student_layer: 1")),
            "model.distill.hint[0].student_layer: 1, but the student has 1 hidden layer (0..0, or -1..-1)");
  EXPECT_EQ(Fault({"model.student="}),
            "model.distill.hint[0].student_layer: 0, but the student has no hidden layers");
  ExpectValid({"model.method=TEACHER_ALONE"}, with("teacher_layer: 9"));
}

TEST(ConfigValidate, StoredLogitsAreForALossThatUsesThem) {
  const std::vector<std::string> alone = {"model.method=STUDENT_ALONE",
                                          "model.distill.stored_logits.column=score"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), alone.begin(), alone.end());
    return more;
  };
  ExpectValid({"model.distill.stored_logits.column=score"});
  ExpectValid({"model.distill.stored_logits.column=score", "model.method=TEACHER_ALONE"});
  ExpectValid(with({"model.distill.switches.hint=false"}));
  ExpectValid(with({"model.distill.hint_weight=0"}));
  EXPECT_EQ(Fault(alone),
            "model.distill.hint: set, but of a teacher there are only the scores in 'score' "
            "(model.distill.stored_logits), no hidden layers; must be empty, or switched off "
            "(model.distill.switches.hint: false)");
  EXPECT_THAT(Fault(with({"model.distill.switches.hint=false", "model.distill.logit_loss=MSE"})),
              StartsWith("model.distill.temperature: 2; must be 1 with logit_loss: MSE"));
  EXPECT_THAT(Fault({"model.distill.stored_logits="}),
              StartsWith("model.distill.stored_logits.column: not set; must name the column"));
  EXPECT_EQ(Fault({"model.distill.stored_logits.column=label"}),
            "model.distill.stored_logits.column: 'label' is the label; must be another column");
}

TEST(ConfigValidate, ARowWithoutALabelHasATeacher) {
  ExpectValid({"data.unlabelled=USE_TEACHER"});
  ExpectValid({"data.unlabelled=USE_TEACHER", "model.method=TEACHER_ALONE"});
  ExpectValid({"data.unlabelled=DROP", "model.method=STUDENT_ALONE"});
  ExpectValid({"data.unlabelled=USE_TEACHER", "model.distill.switches.logit=false"});  // the hint is left
  EXPECT_EQ(Fault({"data.unlabelled=USE_TEACHER", "model.method=STUDENT_ALONE"}),
            "data.unlabelled: USE_TEACHER, but there is no teacher: method STUDENT_ALONE, and "
            "model.distill.stored_logits isn't set; DROP leaves rows without a label out");
  EXPECT_THAT(Fault({"data.unlabelled=USE_TEACHER", "model.method=FEATURE_TRANSFER"}),
              StartsWith("data.unlabelled: USE_TEACHER, but the student's loss has neither a logit term"));
  EXPECT_THAT(Fault({"data.unlabelled=USE_TEACHER", "model.method=STUDENT_ALONE",
                     "model.distill.stored_logits.column=score", "model.distill.switches.logit=false"}),
              StartsWith("data.unlabelled: USE_TEACHER, but the student's loss has neither a logit term"));
  EXPECT_THAT(Fault({"data.unlabelled=USE_TEACHER", "model.student.linear=true"}),
              StartsWith("model.student.linear: true"));
}

TEST(ConfigValidate, RecombinedRowsHaveNoStoredLogits) {
  ExpectValid({"model.distill.phase.recombined_batches=2", "model.distill.phase.recombined_share=0.3"});
  ExpectValid({"model.distill.phase.recombined_batches=2", "model.distill.stored_logits.column=score",
               "model.distill.switches.logit=false"});
  EXPECT_EQ(Fault({"model.distill.phase.recombined_batches=2", "model.distill.stored_logits.column=score"}),
            "model.distill.phase.recombined_batches: 2, but the student learns from "
            "model.distill.stored_logits, which hold none of rows that aren't in the log; must be 0");
  ExpectValid({"model.distill.phase.recombined_batches=2", "model.distill.phase.recombined_unknown=0.3"});
  EXPECT_THAT(Fault({"model.distill.phase.recombined_unknown=1"}),
              StartsWith("model.distill.phase.recombined_unknown: 1"));
  EXPECT_THAT(Fault({"model.distill.phase.recombined_share=1.5"}),
              StartsWith("model.distill.phase.recombined_share: 1.5"));
}

TEST(ConfigValidate, OnlySoftLabelsHaveATemperature) {
  EXPECT_THAT(Fault({"model.distill.logit_loss=MSE"}),
              StartsWith("model.distill.temperature: 2; must be 1 with logit_loss: MSE"));
  ExpectValid({"model.distill.logit_loss=MSE", "model.distill.temperature=1"});
}

// ---- train

TEST(ConfigValidate, ValidationIsOfAShareOrOfDays) {
  ExpectValid(
      {"train.validation.share=0.1", "train.validation.patience=1", "train.validation.then_learn=true"});
  ExpectValid({"data.path=logs/{date}.tsv", "train.window_days=3", "train.validation.days=2"});
  EXPECT_THAT(Fault({"train.validation.patience=1"}),
              StartsWith("train.validation: of no rows; one of share and days"));
  EXPECT_THAT(Fault({"train.validation.share=1"}),
              StartsWith("train.validation.share: 1; must be more than 0"));
  EXPECT_THAT(Fault({"train.validation.share=0"}), StartsWith("train.validation.share: 0"));
  EXPECT_THAT(Fault({"train.validation.share=0.1", "train.validation.patience=0"}),
              StartsWith("train.validation.patience: 0"));
  EXPECT_THAT(Fault({"data.path=logs/{date}.tsv", "train.window_days=3", "train.validation.days=3"}),
              StartsWith("train.validation.days: 3; must be less than train.window_days 3"));
  EXPECT_THAT(Fault({"data.path=logs.tsv", "train.validation.days=1"}),
              StartsWith("train.validation.days: data.path has no {date}"));
}

TEST(ConfigValidate, ASlowCopyKnowsNoLazyDecay) {
  ExpectValid({"embedding.slow_copy=", "embedding.slow_copy.towers=STUDENT"});
  EXPECT_THAT(Fault({"embedding.slow_copy.decay=0.98", "embedding.weight_decay=0.1"}),
              StartsWith("embedding.weight_decay: 0.1; must be 0 with a slow_copy"));
  ExpectValid(
      {"embedding.slow_copy.towers=STUDENT", "embedding.weight_decay=0.1", "model.method=TEACHER_ALONE"});
  for (const char* decay : {"0", "1"}) {
    EXPECT_EQ(Fault({std::string("embedding.slow_copy.decay=") + decay}),
              std::string("embedding.slow_copy.decay: ") + decay + "; must be more than 0 and less than 1");
  }
}

TEST(ConfigValidate, MuonMovesTheMatricesOfAnMlp) {
  ExpectValid({"train.optimizer.muon.adam.lr=0.01"});
  ExpectValid(
      {"model.student.optimizer.muon.lr=0.004", "model.teacher.optimizer.muon=", "train.optimizer.sgd="});
  EXPECT_EQ(Fault({"model.student.optimizer.muon=", "clear=model.student.mlp,model.distill.hint"}),
            "model.student.optimizer.muon: the tower has no mlp, whose matrices it would move");
  ExpectValid({"train.optimizer.muon=", "clear=model.student.mlp,model.distill.hint"});
  EXPECT_EQ(Fault({"train.optimizer.muon=", "clear=model.student.mlp,model.teacher.mlp,model.distill.hint"}),
            "train.optimizer.muon: no tower that it is for has an mlp, whose matrices it would move");
  for (const char* key : {"embedding.optimizer", "online.optimizer", "online.embedding_optimizer"}) {
    EXPECT_THAT(Fault({std::string(key) + ".muon.lr=0.1"}),
                StartsWith(std::string(key) + ".muon: moves the matrices of an MLP"));
  }
  EXPECT_THAT(Fault({"train.optimizer.muon.momentum=1"}), StartsWith("train.optimizer.muon.momentum: 1"));
  EXPECT_THAT(Fault({"train.optimizer.muon.iterations=7"}), StartsWith("train.optimizer.muon.iterations: 7"));
  EXPECT_THAT(Fault({"train.optimizer.muon.iterations=0"}), StartsWith("train.optimizer.muon.iterations: 0"));
  EXPECT_THAT(Fault({"train.optimizer.muon.lr=0"}), StartsWith("train.optimizer.muon.lr: 0"));
}

TEST(ConfigValidate, AStudentLearnsSomewhere) {
  ExpectValid({"model.method=TWO_STAGE_KD"});
  ExpectValid({"model.distill.replay.steps=4", "model.distill.phase.fraction=0.25"});
  EXPECT_THAT(Fault({"model.method=TWO_STAGE_FULL", "model.distill.switches.phase=false"}),
              StartsWith("model.distill.switches: joint and phase are both false"));
  ExpectValid({"model.distill.switches.own_embedding=true"});
  EXPECT_THAT(
      Fault({"model.distill.switches.own_embedding=true", "model.distill.switches.stop_gradient=true"}),
      StartsWith("model.distill.switches.stop_gradient: true"));
  EXPECT_THAT(Fault({"model.distill.switches.stop_gradient=false", "model.distill.phase.fraction=0.5"}),
              StartsWith("model.distill.switches.stop_gradient: false with a student phase"));
  EXPECT_THAT(Fault({"model.student.linear=true", "model.distill.replay.steps=2"}),
              StartsWith("model.student.linear: true; its weights lie in the shared table"));
  EXPECT_THAT(Fault({"model.distill.phase.decay=EXPONENTIAL"}),
              StartsWith("model.distill.phase.decay: EXPONENTIAL"));
}

TEST(ConfigValidate, ADecayHasItsStepsAndItsEnd) {
  EXPECT_EQ(Fault({"train.schedule.decay=LINEAR"}),
            "train.schedule.decay_steps: 0; decay LINEAR needs more than 0");
  ExpectValid({"train.schedule.decay=COSINE", "train.schedule.decay_steps=10"});
  EXPECT_THAT(Fault({"train.schedule.decay=EXPONENTIAL", "train.schedule.decay_steps=10"}),
              StartsWith("train.schedule.final: 0; decay EXPONENTIAL needs more than 0 and less than 1"));
  ExpectValid(
      {"train.schedule.decay=EXPONENTIAL", "train.schedule.decay_steps=10", "train.schedule.final=0.5"});
}

TEST(ConfigValidate, LateLabelsNeedATimeAndKeys) {
  EXPECT_THAT(Fault({"online.label_delay=60"}), HasSubstr("online.time_column"));
  EXPECT_THAT(Fault({"online.label_delay=60", "online.time_column=time", "data.key_columns="}),
              HasSubstr("data.key_columns"));
  ExpectValid({"online.label_delay=60", "online.time_column=time", "data.key_columns=user"});
  EXPECT_THAT(Fault({"online.time_column=label"}), HasSubstr("is the label"));
}

TEST(ConfigValidate, AGateThatNothingPassesIsRejected) {
  EXPECT_THAT(Fault({"daily.gate.min_copc=1.3"}), HasSubstr("nothing would pass"));
  ExpectValid({"daily.gate.min_copc=1.3", "daily.gate.max_copc=0"});
}

}  // namespace
}  // namespace tandem
