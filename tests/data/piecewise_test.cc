// Piecewise numbers: the knots that a number lies between, and how much of each there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tandem/experiment.pb.h"
#include "tandem/sample_format.h"
#include "tests/support/delimited_rows.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

const std::vector<double>& Knots() {
  static const std::vector<double> knots = {-2.5, 0, 1, 10, 1e6};
  return knots;
}

proto::Experiment ExperimentWith(const std::vector<double>& knots, const std::string& data = "") {
  std::vector<std::string> texts;
  for (const double knot : knots) texts.push_back(absl::StrFormat("%.17g", knot));
  return ExperimentOf(absl::StrCat("data { path: 'unused' ", data,
                                   " } feature { name: 'x' dense { piecewise { knots: [",
                                   absl::StrJoin(texts, ", "), "] } } } feature { name: 'more' sparse {} }",
                                   " model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } }"));
}

// Makes bags of cells, each also in the middle of a long line, where small whole numbers are read another
// way.
class Piecewise {
 public:
  explicit Piecewise(const std::vector<double>& knots = Knots())
      : schema_(ExperimentWith(knots, "missing_value: 'NA'")),
        rows_(DelimitedRows::Create(schema_, {{"label", "x", "more"}}, RowUse::kTrain, "test").value()) {
    for (const double knot : knots) keys_[schema_.Key(0, KnotId(knot))] = knot;
    keys_[schema_.Key(0, "missing")] = kMissing;
  }
  static constexpr double kMissing = 12321;

  // Coefficients by knot.
  std::map<double, float> Bag(const std::string& cell) const {
    Batch batch(2);
    std::string detail;
    EXPECT_EQ(rows_.Parse(absl::StrCat("1\t", cell, "\tthe rest of the line"), &batch, &detail),
              RowFault::kNone)
        << detail;
    EXPECT_EQ(rows_.ParseCells({"0", cell, ""}, &batch, nullptr), RowFault::kNone) << cell;
    std::map<double, float> bags[2];
    for (int row = 0; row < 2; ++row) {
      const FieldBags& x = batch.fields[0];
      for (uint32_t i = x.offsets[row]; i < x.offsets[row + 1]; ++i) {
        EXPECT_EQ(keys_.count(x.keys[i]), 1u) << cell;
        bags[row][keys_.at(x.keys[i])] += x.coefficients[i];
      }
    }
    EXPECT_EQ(bags[0], bags[1]) << cell;
    return bags[0];
  }
  const Schema& schema() const { return schema_; }
  const DelimitedRows& rows() const { return rows_; }

 private:
  Schema schema_;
  DelimitedRows rows_;
  std::map<uint64_t, double> keys_;
};

// Golden numbers: hat functions in exact fractions by Python, min((x - k[i-1]) / (k[i] - k[i-1]), (k[i+1]
// - x) / (k[i+1] - k[i])) within [0, 1], 1 beyond the ends.
TEST(PiecewiseTest, IsWhatFractionsOfHatFunctionsAre) {
  const std::pair<const char*, std::vector<float>> cases[] = {
      {"-1e308", {1, 0, 0, 0, 0}},
      {"-3", {1, 0, 0, 0, 0}},
      {"-2.5", {1, 0, 0, 0, 0}},
      {"-2.4", {0.959999979f, 0.0399999991f, 0, 0, 0}},
      {"-1.1", {0.439999998f, 0.560000002f, 0, 0, 0}},
      {"-1e-310", {0, 1, 0, 0, 0}},
      {"-0", {0, 1, 0, 0, 0}},
      {"0.25", {0, 0.75, 0.25, 0, 0}},
      {"0.5", {0, 0.5, 0.5, 0, 0}},
      {"1", {0, 0, 1, 0, 0}},
      {"3.7", {0, 0, 0.699999988f, 0.300000012f, 0}},
      {"9.75", {0, 0, 0.027777778f, 0.972222209f, 0}},
      {"10", {0, 0, 0, 1, 0}},
      {"12345.678", {0, 0, 0, 0.987664223f, 0.0123358015f}},
      {"999999.5", {0, 0, 0, 5.00005001e-07f, 0.999999523f}},
      {"1000000", {0, 0, 0, 0, 1}},
      {"2e6", {0, 0, 0, 0, 1}},
      {"1e308", {0, 0, 0, 0, 1}},
      {"1e-400", {0, 1, 0, 0, 0}},
      {"12345678", {0, 0, 0, 0, 1}},
  };
  const Piecewise piecewise;
  for (const auto& [cell, expected] : cases) {
    std::map<double, float> bag = piecewise.Bag(cell);
    for (size_t k = 0; k < Knots().size(); ++k) {
      EXPECT_FLOAT_EQ(bag[Knots()[k]], expected[k]) << cell << ", knot " << Knots()[k];
    }
  }
}

TEST(PiecewiseTest, AKnotOfWhichNothingIsLeftIsNotInTheBag) {
  const Piecewise piecewise;
  EXPECT_THAT(piecewise.Bag("1"), ElementsAre(Pair(1, 1)));
  EXPECT_THAT(piecewise.Bag("-7"), ElementsAre(Pair(-2.5, 1)));
  EXPECT_EQ(piecewise.Bag("0.5").size(), 2u);
}

TEST(PiecewiseTest, AMissingNumberHasAVectorOfItsOwn) {
  const Piecewise piecewise;
  for (const char* cell : {"", "NA"})
    EXPECT_THAT(piecewise.Bag(cell), ElementsAre(Pair(Piecewise::kMissing, 1))) << cell;
}

TEST(PiecewiseTest, WhatIsNoNumberIsMalformed) {
  const Piecewise piecewise;
  Batch batch(2);
  EXPECT_EQ(piecewise.rows().Parse("1\ta lot\t", &batch, nullptr), RowFault::kNumber);
  EXPECT_EQ(piecewise.rows().Parse("1\tnan\t", &batch, nullptr), RowFault::kNotFinite);
  EXPECT_EQ(batch.rows(), 0);
  EXPECT_TRUE(batch.fields[0].keys.empty());
}

// The vector is sum_k c_k E_k: with numbers for E, a function of x that is to be seen.
double Line(const Piecewise& piecewise, double x) {
  const std::map<double, double> heights = {{-2.5, 4}, {0, -3}, {1, 5}, {10, 1}, {1e6, 7}};
  double sum = 0;
  for (const auto& [knot, coefficient] : piecewise.Bag(absl::StrFormat("%.17g", x)))
    sum += coefficient * heights.at(knot);
  return sum;
}

TEST(PiecewiseTest, IsContinuousAndBetweenTheVectorsOfItsKnots) {
  const Piecewise piecewise;
  for (const double knot : Knots()) {
    for (const double direction : {-1.0, 1.0}) {
      const double near = std::nextafter(knot, direction * std::numeric_limits<double>::max());
      EXPECT_NEAR(Line(piecewise, near), Line(piecewise, knot), 1e-5) << knot;
    }
  }
  double before = Line(piecewise, -4);
  for (double x = -4; x < 12; x += 0.01) {
    const double here = Line(piecewise, x);
    EXPECT_LE(std::abs(here - before), 0.01 * 8 + 1e-5)
        << "the steepest line is from (0, -3) to (1, 5), at " << x;
    EXPECT_GE(here, -3 - 1e-5);
    EXPECT_LE(here, 7 + 1e-5);
    before = here;
  }
}

TEST(PiecewiseTest, NoNumberMakesACoefficientThatIsNotFinite) {
  const double denormal = std::numeric_limits<double>::denorm_min(),
               widest = std::numeric_limits<float>::max();
  for (const std::vector<double>& knots : std::vector<std::vector<double>>{
           {0, denormal, 2 * denormal}, {-widest, widest}, {5}, {1, std::nextafter(1, 2), 2}}) {
    const Piecewise piecewise(knots);
    for (const char* cell : {"0", "1", "-1", "1e308", "-1e308", "5e-324", "-5e-324", "1e-320", "1e-400",
                             "1.0000000000000002", "3.4028234e38", "17"}) {
      float sum = 0;
      for (const auto& [knot, coefficient] : piecewise.Bag(cell)) {
        EXPECT_TRUE(std::isfinite(coefficient)) << cell;
        EXPECT_GT(coefficient, 0) << cell;
        sum += coefficient;
      }
      EXPECT_NEAR(sum, 1, 1e-6) << cell;
    }
  }
}

TEST(PiecewiseTest, AKnotKeepsItsVectorAmongOtherKnots) {
  const Schema before(ExperimentWith({0, 10})), after(ExperimentWith({-5, 0.25, 10}));
  EXPECT_EQ(KnotId(-0.0), KnotId(0));
  EXPECT_NE(KnotId(0.1), KnotId(0.1f));
  EXPECT_EQ(before.Key(0, KnotId(10)), after.Key(0, KnotId(10)));
}

TEST(PiecewiseTest, ItsTableHoldsEveryKnotFromTheFirstStep) {
  const Piecewise piecewise;
  EXPECT_FALSE(piecewise.schema().tables()[0].ids) << "min_count and id_dropout are about ids";
}

TEST(PiecewiseTest, AServingValueIsANumberBetweenKnots) {
  proto::Experiment experiment = ExperimentWith(Knots());
  experiment.mutable_feature(0)->set_serving_value("0.25");
  const Schema schema(experiment);
  const DelimitedRows rows = DelimitedRows::Create(schema, {{"more"}}, RowUse::kPredict, "test").value();
  Batch batch(2);
  for (int row = 0; row < 3; ++row) ASSERT_EQ(rows.Parse("m", &batch, nullptr), RowFault::kNone);
  EXPECT_THAT(batch.fields[0].coefficients, ElementsAre(0.75f, 0.25f, 0.75f, 0.25f, 0.75f, 0.25f));
}

TEST(PiecewiseTest, JsonLinesAreReadAlike) {
  const proto::Experiment experiment = ExperimentWith(Knots(), "json_lines {}");
  const Schema schema(experiment);
  const auto format = MakeSampleFormat(experiment.data());
  const auto decoder = format->MakeDecoder(schema, {RowUse::kTrain}, "", "test").value();
  Batch batch(2);
  for (const char* row : {R"({"label": 1, "x": 0.25})", R"({"label": 0, "x": "0.25"})", R"({"label": 0})"})
    ASSERT_EQ(decoder->Decode(row, &batch, nullptr), RowFault::kNone);
  EXPECT_THAT(batch.fields[0].offsets, ElementsAre(0, 2, 4, 5));
  EXPECT_EQ(batch.fields[0].keys[4], schema.Key(0, "missing"));
}

}  // namespace
}  // namespace tandem
