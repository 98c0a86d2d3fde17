// What labels, ids and numbers become in a batch, without a format.
#include "src/data/row_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "src/data/row_writer.h"
#include "tandem/experiment.pb.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

enum FieldOf { kUser, kAge, kCount, kPrice, kTags, kFields };

Schema SchemaOf(const std::string& data = "", const std::string& distill = "") {
  return Schema(ExperimentOf(absl::StrCat("data { path: 'unused' ", data, R"( }
      feature { name: "user" sparse {} }
      feature { name: "age" dense { transform: LOG1P max_magnitude: 3 } serving_value: "7" }
      feature { name: "count" dense { bucketize { boundaries: [2, 10] } } }
      feature { name: "price" dense { piecewise { knots: [0, 10] } } }
      feature { name: "tags" sparse { multi_valued: true } }
      model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } )",
                                          distill, " }")));
}

TEST(RowEncoderTest, EveryValueGoesToItsFieldAsItsKind) {
  const Schema schema = SchemaOf();
  const RowEncoder encoder(schema, RowUse::kTrain);
  Batch batch(kFields);
  RowWriter writer(&batch);
  encoder.Label(true, &writer);
  encoder.Weight(0.25, &writer);
  encoder.Id(kUser, "u17", &writer);
  EXPECT_EQ(encoder.Number(kAge, 3, &writer), RowFault::kNone);
  EXPECT_EQ(encoder.Number(kCount, 2, &writer), RowFault::kNone);
  EXPECT_EQ(encoder.Number(kPrice, 2.5, &writer), RowFault::kNone);
  FieldBags* const tags = writer.bags(kTags);
  encoder.AddToBag(kTags, "a", 3, tags);
  encoder.AddToBag(kTags, "b", 1, tags);
  RowEncoder::CloseBag(0, 4, tags);
  EXPECT_EQ(encoder.Finish(&writer), RowFault::kNone);
  writer.CloseRow();

  ASSERT_EQ(batch.rows(), 1);
  EXPECT_THAT(batch.labels, ElementsAre(1));
  EXPECT_THAT(batch.weights, ElementsAre(0.25f));
  EXPECT_THAT(batch.groups, ElementsAre(0)) << "no group";
  const auto key = [&](FieldOf field, const char* id) {
    return schema.Key(schema.fields()[field].table, id);
  };
  EXPECT_THAT(batch.fields[kUser].keys, ElementsAre(key(kUser, "u17")));
  EXPECT_THAT(batch.fields[kUser].coefficients, ElementsAre(1));
  EXPECT_THAT(batch.fields[kAge].keys, ElementsAre(key(kAge, "value")));
  EXPECT_THAT(batch.fields[kAge].coefficients, ElementsAre(std::log1p(3.0f)));
  EXPECT_THAT(batch.fields[kCount].keys, ElementsAre(key(kCount, "1"))) << "a boundary begins its bucket";
  EXPECT_THAT(batch.fields[kPrice].coefficients, ElementsAre(0.75f, 0.25f)) << "a quarter of the way";
  EXPECT_THAT(batch.fields[kTags].keys, ElementsAre(key(kTags, "a"), key(kTags, "b")));
  EXPECT_THAT(batch.fields[kTags].coefficients, ElementsAre(0.75f, 0.25f));
  for (const FieldBags& field : batch.fields) EXPECT_EQ(field.offsets.size(), 2u);
}

TEST(RowEncoderTest, WhatIsMissingHasAKeyOfItsOwnInFieldsOfNumbersAndNoneElsewhere) {
  const Schema schema = SchemaOf();
  const RowEncoder encoder(schema, RowUse::kTrain);
  Batch batch(kFields);
  RowWriter writer(&batch);
  encoder.Label(false, &writer);
  for (const int field : {kAge, kCount, kPrice}) encoder.MissingNumber(field, &writer);
  EXPECT_EQ(encoder.Finish(&writer), RowFault::kNone);
  writer.CloseRow();
  for (const int field : {kAge, kCount, kPrice}) {
    EXPECT_THAT(batch.fields[field].keys, ElementsAre(schema.Key(schema.fields()[field].table, "missing")));
  }
  EXPECT_THAT(batch.fields[kUser].keys, IsEmpty());
  EXPECT_THAT(batch.fields[kTags].keys, IsEmpty());
  EXPECT_EQ(batch.fields[kTags].offsets.back(), 0u);
}

TEST(RowEncoderTest, ANumberThatATransformMakesTooLargeIsAFaultAndADroppedRowLeavesNothing) {
  const Schema schema = SchemaOf();
  const RowEncoder encoder(schema, RowUse::kTrain);
  Batch batch(kFields);
  RowWriter writer(&batch);
  encoder.Label(true, &writer);
  encoder.Id(kUser, "u17", &writer);
  EXPECT_EQ(encoder.Number(kAge, -1e9, &writer), RowFault::kMagnitude);
  EXPECT_EQ(encoder.Number(kAge, std::numeric_limits<double>::infinity(), &writer), RowFault::kNotFinite);
  writer.DropRow();
  EXPECT_EQ(batch.rows(), 0);
  EXPECT_THAT(batch.fields[kUser].keys, IsEmpty());
}

TEST(RowEncoderTest, CountIsNumberForTheSmallOnes) {
  const Schema schema = SchemaOf();
  const RowEncoder encoder(schema, RowUse::kTrain);
  for (const int field : {kAge, kCount}) {
    for (const uint32_t count : {0u, 1u, 2u, 9u, 10u, 19u}) {
      for (const bool negative : {false, true}) {
        Batch number(kFields), quick(kFields);
        RowWriter number_writer(&number), quick_writer(&quick);
        EXPECT_EQ(encoder.Number(field, negative ? -1.0 * count : count, &number_writer), RowFault::kNone);
        if (!encoder.Count(field, negative, count, &quick_writer)) {
          EXPECT_TRUE(negative && field == kCount) << "only those are left to Number";
          continue;
        }
        EXPECT_EQ(quick.fields[field].keys, number.fields[field].keys) << count;
        EXPECT_EQ(quick.fields[field].coefficients, number.fields[field].coefficients) << count;
      }
    }
  }
  Batch batch(kFields);
  RowWriter writer(&batch);
  EXPECT_FALSE(encoder.Count(kAge, false, 20, &writer)) << "log(21) is above max_magnitude: Number says so";
  EXPECT_THAT(batch.fields[kAge].keys, IsEmpty());
}

TEST(RowEncoderTest, AServingValueTakesTheCellsPlaceButInTraining) {
  const Schema schema = SchemaOf();
  EXPECT_TRUE(RowEncoder(schema, RowUse::kTrain).wants_cell(kAge));
  for (const RowUse use : {RowUse::kEvaluate, RowUse::kPredict}) {
    RowEncoder encoder(schema, use);
    EXPECT_FALSE(encoder.wants_cell(kAge));
    EXPECT_TRUE(encoder.wants_cell(kUser));
    Batch constants(kFields);
    constants.fields[kAge].keys = {4711};
    constants.fields[kAge].coefficients = {0.5};
    encoder.SetServingValues(constants);
    Batch batch(kFields);
    RowWriter writer(&batch);
    if (use == RowUse::kEvaluate) encoder.Label(true, &writer);
    EXPECT_EQ(encoder.Finish(&writer), RowFault::kNone);
    writer.CloseRow();
    EXPECT_EQ(batch.rows(), 1) << "a row to predict needs no label";
    EXPECT_THAT(batch.fields[kAge].keys, ElementsAre(4711));
    EXPECT_THAT(batch.fields[kAge].coefficients, ElementsAre(0.5f));
  }
}

TEST(RowEncoderTest, ARowWithoutALabelIsWhatTheSettingSays) {
  Batch batch(kFields);
  RowWriter writer(&batch);
  EXPECT_EQ(RowEncoder(SchemaOf(), RowUse::kTrain).NoLabel(&writer), RowFault::kLabel);
  EXPECT_TRUE(batch.labels.empty());
  EXPECT_EQ(RowEncoder(SchemaOf("unlabelled: DROP"), RowUse::kTrain).NoLabel(&writer), RowFault::kNone);
  ASSERT_EQ(batch.labels.size(), 1u);
  EXPECT_TRUE(IsAbsent(batch.labels[0]));
}

TEST(RowEncoderTest, ATeachersScoreIsALogitOrBecomesOne) {
  Batch batch(kFields);
  RowWriter writer(&batch);
  const RowEncoder logits(SchemaOf("", "distill { stored_logits { column: 't' is: LOGIT } }"),
                          RowUse::kTrain);
  EXPECT_EQ(logits.Teacher(-3.5, &writer), RowFault::kNone);
  EXPECT_EQ(logits.Teacher(1e300, &writer), RowFault::kNotFinite) << "as a float";
  EXPECT_THAT(batch.teacher_logits, ElementsAre(-3.5f));

  Batch of_probabilities(kFields);
  RowWriter to(&of_probabilities);
  const RowEncoder probabilities(SchemaOf("", "distill { stored_logits { column: 't' } }"), RowUse::kTrain);
  EXPECT_EQ(probabilities.Teacher(0.75, &to), RowFault::kNone);
  EXPECT_EQ(probabilities.Teacher(1.5, &to), RowFault::kNumber);
  EXPECT_EQ(probabilities.Teacher(1, &to), RowFault::kNone) << "what was rounded has a finite logit";
  ASSERT_EQ(of_probabilities.teacher_logits.size(), 2u);
  EXPECT_FLOAT_EQ(of_probabilities.teacher_logits[0], std::log(3.0f));
  EXPECT_GT(of_probabilities.teacher_logits[1], 10);
}

}  // namespace
}  // namespace tandem
