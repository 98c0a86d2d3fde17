// The statistics of the table, against figures worked out by hand, and what a cell's file keeps.
#include "src/compare/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "src/compare/report.h"
#include "src/util/format_version.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Values = std::vector<std::optional<double>>;

Evaluation EvaluationWithAuc(double auc) {
  Evaluation evaluation;
  evaluation.all.rows = 100;
  evaluation.all.auc = auc;
  evaluation.all.logloss = 0.5;
  evaluation.all.copc = 1;
  evaluation.calibration = {{60, 60, 0.1, 0.2, 0.15, 0.1}, {40, 40, 0.2, 0.9, 0.5, 0.6}};
  return evaluation;
}

// A row of two seeds; a tower without AUCs isn't there.
CompareRow Row(const std::string& name, const std::vector<double>& teacher,
               const std::vector<double>& student) {
  CompareRow row;
  row.name = row.method = name;
  row.alone = 1;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    CompareCell cell;
    cell.seed = seed;
    cell.test_rows = 100;
    if (!teacher.empty()) {
      cell.teacher = CompareTower{EvaluationWithAuc(teacher[seed - 1]), 1000};
      cell.teacher_checksum = std::to_string(teacher[seed - 1]);
    }
    if (!student.empty()) cell.student = CompareTower{EvaluationWithAuc(student[seed - 1]), 100};
    row.cells.push_back(cell);
  }
  return row;
}

Comparison Example() {
  Comparison comparison;
  comparison.config_files = {"a.pbtxt"};
  comparison.days = {"2026-01-01", "2026-01-02"};
  comparison.test = "test.tsv";
  comparison.kernels = "generic";
  comparison.seeds = {1, 2};
  comparison.rows = {Row("TEACHER_ALONE", {0.80, 0.82}, {}), Row("STUDENT_ALONE", {}, {0.70, 0.72}),
                     Row("CO_TRAIN", {0.80, 0.82}, {0.78, 0.79}), Row("OTHER", {0.80, 0.81}, {0.71, 0.73})};
  return comparison;
}

TEST(MeanOf, IsTheMeanAndTheDeviationOfTheSample) {
  const std::optional<MeanOverSeeds> mean = MeanOf({1.0, 2.0, 6.0});
  EXPECT_DOUBLE_EQ(3, mean->mean);
  EXPECT_DOUBLE_EQ(std::sqrt((4 + 1 + 9) / 2.0), mean->deviation.value());
  EXPECT_EQ(std::nullopt, MeanOf({5.0})->deviation) << "one seed has no deviation";
  EXPECT_FALSE(MeanOf({1.0, std::nullopt}).has_value());
  EXPECT_FALSE(MeanOf({}).has_value());
}

TEST(GapClosed, IsTheRatioOfTheMeansWithItsPairedError) {
  const Values alone = {0.70, 0.72, 0.71}, teacher = {0.80, 0.81, 0.815}, student = {0.78, 0.80, 0.79};
  const GapClosed gap = GapClosedOf(student, alone, teacher);
  ASSERT_EQ(GapClosed::kDefined, gap.kind);
  // u = 0.08 0.08 0.08, v = 0.10 0.09 0.105: g = 0.24 / 0.295.
  const double share = 0.24 / 0.295;
  EXPECT_NEAR(share, gap.share, 1e-12);
  const double rest[] = {0.08 - share * 0.10, 0.08 - share * 0.09, 0.08 - share * 0.105};
  double squares = 0;
  for (const double r : rest) squares += r * r;  // their mean is 0 by the definition of g
  EXPECT_NEAR(std::sqrt(squares / 2) / (std::sqrt(3.0) * 0.295 / 3), gap.error.value(), 1e-12);
}

TEST(GapClosed, WhatMovesBothTowersOfASeedAlikeIsNoUncertainty) {
  Values alone, teacher, student;
  for (const double base : {0.60, 0.71, 0.65, 0.80}) {
    alone.emplace_back(base);
    teacher.emplace_back(base + 0.1);
    student.emplace_back(base + 0.05);
  }
  const GapClosed gap = GapClosedOf(student, alone, teacher);
  EXPECT_NEAR(0.5, gap.share, 1e-9);
  EXPECT_NEAR(0, gap.error.value(), 1e-9);
}

// The error is what the ratio really scatters by: many comparisons of seeds with known noise.
TEST(GapClosed, ErrorIsAboutTheSpreadOfRepeatedComparisons) {
  uint64_t state = 1;
  const auto noise = [&] {  // uniform in +-0.005, by a multiplicative generator
    state = state * 6364136223846793005u + 1442695040888963407u;
    return 0.01 * (static_cast<double>(state >> 11) / 9007199254740992.0 - 0.5);
  };
  Values shares;
  double errors = 0;
  constexpr int kRepeats = 400;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    Values alone, teacher, student;
    for (int seed = 0; seed < 8; ++seed) {
      const double base = 0.7 + noise();
      alone.emplace_back(base + noise());
      teacher.emplace_back(base + 0.05 + noise());
      student.emplace_back(base + 0.03 + noise());
    }
    const GapClosed gap = GapClosedOf(student, alone, teacher);
    ASSERT_EQ(GapClosed::kDefined, gap.kind);
    shares.emplace_back(gap.share);
    errors += *gap.error / kRepeats;
  }
  EXPECT_NEAR(MeanOf(shares)->mean, 0.6, 0.01);
  EXPECT_NEAR(errors / *MeanOf(shares)->deviation, 1, 0.1);
}

TEST(GapClosed, UnderThreeDeviationsThereIsNoGap) {
  const Values alone = {0.70, 0.70}, student = {0.72, 0.72};
  // The deviation of the difference is 0.0141 in both: 0.10 is seven of them, 0.03 two.
  EXPECT_EQ(GapClosed::kDefined, GapClosedOf(student, alone, {0.79, 0.81}).kind);
  EXPECT_EQ(GapClosed::kNoGap, GapClosedOf(student, alone, {0.72, 0.74}).kind);
  EXPECT_EQ(GapClosed::kNoGap, GapClosedOf(student, alone, {0.69, 0.69}).kind) << "the teacher is behind";
  EXPECT_EQ(GapClosed::kUndefined, GapClosedOf({0.7, std::nullopt}, alone, {0.79, 0.81}).kind);
}

TEST(GapClosed, OneSeedHasNoError) {
  EXPECT_EQ(GapClosed::kNoGap, GapClosedOf({0.75}, {0.70}, {0.7015}).kind)
      << "one seed says as much by chance";
  const GapClosed gap = GapClosedOf({0.75}, {0.70}, {0.80});
  EXPECT_NEAR(0.5, gap.share, 1e-12);
  EXPECT_EQ(std::nullopt, gap.error);
}

TEST(Comparison, ARowIsMeasuredAgainstItsOwnStudentAlone) {
  Comparison comparison = Example();
  EXPECT_NEAR((0.08 + 0.07) / 0.2, GapClosedBy(comparison, comparison.rows[2]).share, 1e-12);
  comparison.rows[2].alone = 3;
  EXPECT_NEAR((0.07 + 0.06) / 0.18, GapClosedBy(comparison, comparison.rows[2]).share, 1e-12);
}

TEST(Comparison, TeachersAreComparedSeedBySeed) {
  const Comparison comparison = Example();
  using Bools = std::vector<std::optional<bool>>;
  EXPECT_EQ((Bools{true, true}), TeacherIsIdentical(comparison, comparison.rows[2]));
  EXPECT_EQ((Bools{true, false}), TeacherIsIdentical(comparison, comparison.rows[3]));
  EXPECT_EQ((Bools{std::nullopt, std::nullopt}), TeacherIsIdentical(comparison, comparison.rows[1]));
}

TEST(Comparison, ReportsSayTheSameAndReferToNothingElse) {
  const Comparison comparison = Example();
  const std::string markdown = CompareMarkdown(comparison), html = CompareHtml(comparison);
  EXPECT_NE(std::string::npos, markdown.find("| CO_TRAIN | 0.7850 ± 0.0071 | 75 % ± 5 |")) << markdown;
  EXPECT_NE(std::string::npos, markdown.find("| OTHER | 0.8050 ± 0.0071 | 0.5000 ± 0.0000 | - |"));
  EXPECT_NE(std::string::npos, markdown.find("1 of 2"));
  EXPECT_NE(std::string::npos, html.find("<td>75 % ± 5</td>"));
  EXPECT_EQ(html, CompareHtml(comparison));
  for (const char* link : {"http:", "https:", "<script", "<link", "src=", "@import"}) {
    size_t at = html.find(link);
    // The name of SVG's namespace is fetched by nobody.
    while (at != std::string::npos && html.compare(at, 26, "http://www.w3.org/2000/svg") == 0)
      at = html.find(link, at + 1);
    EXPECT_EQ(std::string::npos, at) << link;
  }
}

TEST(Cell, ReadsBackWhatItWrote) {
  CompareCell cell = Example().rows[2].cells[1];
  cell.config = "c0ffee";
  cell.rows_trained = 12345678901;
  cell.train_seconds = 1.25;
  cell.cpu_seconds = 0.75;
  cell.teacher->metrics.seen = ComputeMetrics(ScoreLog(), false);
  cell.teacher->metrics.unseen = EvaluationWithAuc(0.1234567890123).all;
  const absl::StatusOr<CompareCell> read = CellFromJson(CellToJson(cell), "cell.json");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(CellToJson(cell), CellToJson(*read));
  EXPECT_EQ(cell.teacher->metrics.unseen->auc, read->teacher->metrics.unseen->auc);
  EXPECT_EQ(std::nullopt, read->teacher->metrics.all.gauc);
}

TEST(Cell, AFileThatIsNoneIsNamed) {
  const std::string whole = CellToJson(Example().rows[2].cells[0]);
  for (const std::string& text :
       {std::string(), whole.substr(0, whole.size() / 2), std::string("{\"seed\":1}"), std::string("[]")}) {
    const absl::Status status = CellFromJson(text, "cell.json").status();
    EXPECT_EQ(kExitModel, ExitCode(status)) << text;
    EXPECT_NE(std::string::npos, std::string(status.message()).find("cell.json")) << status;
  }
}

TEST(Cell, ANewerFormatIsRefusedByItsNumber) {
  const std::string whole = CellToJson(Example().rows[2].cells[0]);
  const std::string format = absl::StrCat("\"format\":", kFormatVersion);
  ASSERT_NE(whole.find(format), std::string::npos) << whole;
  const absl::Status newer =
      CellFromJson(absl::StrReplaceAll(whole, {{format, "\"format\":9"}}), "cell.json").status();
  EXPECT_EQ(kExitModel, ExitCode(newer));
  EXPECT_NE(std::string::npos, std::string(newer.message()).find("newer Tandem (format 9")) << newer;
  // The first ones didn't say.
  const auto without = CellFromJson(absl::StrReplaceAll(whole, {{"," + format, ""}}), "cell.json");
  EXPECT_TRUE(without.ok()) << without.status();
}

TEST(PassesOf, CountsStepsARow) {
  proto::Experiment experiment;
  experiment.mutable_train()->set_epochs(3);
  EXPECT_EQ(3, PassesOf(experiment).teacher);
  EXPECT_EQ(3, PassesOf(experiment).student);
  experiment.mutable_model()->set_method(proto::STUDENT_ALONE);
  EXPECT_EQ(0, PassesOf(experiment).teacher);
  experiment.mutable_model()->set_method(proto::TEACHER_ALONE);
  EXPECT_EQ(0, PassesOf(experiment).student);
  experiment.mutable_model()->mutable_distill()->mutable_replay()->set_steps(4);
  experiment.mutable_model()->set_method(proto::CO_TRAIN);
  EXPECT_EQ(12, PassesOf(experiment).student);
  experiment.mutable_model()->mutable_distill()->mutable_phase()->set_fraction(0.5);
  experiment.mutable_model()->mutable_distill()->mutable_phase()->set_steps_per_row(8);
  EXPECT_EQ(16, PassesOf(experiment).student);
  experiment.mutable_model()->mutable_distill()->mutable_phase()->set_recombined_batches(2);
  EXPECT_EQ(17, PassesOf(experiment).student);
  experiment.mutable_model()->set_method(proto::FEATURE_TRANSFER);
  EXPECT_EQ(24, PassesOf(experiment).student) << "it learns nothing from a teacher";
  experiment.mutable_model()->mutable_distill()->mutable_phase()->set_recombined_batches(0);
  experiment.mutable_model()->set_method(proto::TWO_STAGE_FULL);
  EXPECT_EQ(3, PassesOf(experiment).teacher);
  EXPECT_EQ(24, PassesOf(experiment).student);
  experiment.mutable_model()->set_method(proto::TWO_STAGE_KD);
  EXPECT_EQ(3, PassesOf(experiment).student);
}

}  // namespace
}  // namespace tandem
