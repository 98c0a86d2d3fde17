// Which scores convict a model, and which don't.
#include "src/train/model_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tandem/random.h"

namespace tandem {
namespace {

using Verdict = proto::ModelVerdict;
using testing::HasSubstr;

// Rows that are clicked at their rate, and what is said of them.
ScoreLog Scored(int rows, const std::function<float(int row, float rate, bool click)>& score,
                uint64_t seed = 5, double weight = 1) {
  const Random random(seed, RandomPurpose::kSynthetic, {});
  ScoreLog log;
  for (int row = 0; row < rows; ++row) {
    const float rate = 0.05f + 0.4f * random.Uniform(2 * row);
    const bool click = random.Uniform(2 * row + 1) < rate;
    log.Add(score(row, rate, click), click ? 1 : 0, static_cast<float>(weight), 0);
  }
  return log;
}

Verdict::Kind KindOf(const ScoreLog& log, int64_t batch_rows = 50) {
  proto::RunState state;
  TowerVerdicts verdicts;
  verdicts.Judge(TowerVerdicts::kStudent, LastEvidenceOf(log, batch_rows));
  NoteVerdicts(verdicts, &state);
  return state.verdict().kind();
}

TEST(ModelVerdict, AnHonestModelIsNotConvicted) {
  EXPECT_EQ(KindOf(Scored(4000, [](int, float rate, bool) { return rate; })), Verdict::GOOD);
  // One that has learned nothing yet, but says the rate, with a little of its own.
  EXPECT_EQ(KindOf(Scored(4000, [](int row, float, bool) { return 0.25f + 0.001f * (row % 7); })),
            Verdict::GOOD);
}

TEST(ModelVerdict, AnExplodedModelIsConvicted) {
  EXPECT_EQ(KindOf(Scored(1000, [](int row, float, bool) { return row % 2 == 0 ? 1.0f : 0.0f; })),
            Verdict::EXPLODED);
  EXPECT_EQ(KindOf(Scored(1000, [](int, float rate, bool) { return 1 - 1e-4f * rate; })), Verdict::EXPLODED);
  // It has its reasons: every score of 0 or 1 is right.
  EXPECT_EQ(KindOf(Scored(1000, [](int, float, bool click) { return click ? 1.0f : 0.0f; })), Verdict::GOOD);
}

TEST(ModelVerdict, TheSameOfAllRowsOfEveryBatchIsConstant) {
  const auto drifting = [](int row, float, bool) { return 0.2f + 0.01f * (row / 50); };
  EXPECT_EQ(KindOf(Scored(1000, drifting), 50), Verdict::CONSTANT);
  EXPECT_EQ(KindOf(Scored(1000, drifting), 100), Verdict::GOOD) << "two values a batch";
  EXPECT_EQ(KindOf(Scored(1000, drifting), 1), Verdict::GOOD) << "batches of one row tell nothing";
  EXPECT_EQ(KindOf(Scored(300, drifting), 50), Verdict::GOOD) << "a few rows may be alike";
}

TEST(ModelVerdict, WorseThanTheClickRateAloneMustBeMoreThanChance) {
  const auto turned = [](int, float rate, bool) { return 0.5f - rate; };
  EXPECT_EQ(KindOf(Scored(4000, turned)), Verdict::WORSE_THAN_BASE_RATE);
  for (uint64_t seed = 0; seed < 50; ++seed)
    EXPECT_EQ(KindOf(Scored(120, turned, seed)), Verdict::GOOD) << "70 rows are no evidence, seed " << seed;
  // Noise of its own that costs half a per cent of the log loss.
  const Random noise(9, RandomPurpose::kSynthetic, {});
  const auto noisy = [&](int row, float, bool) { return 0.25f + 0.04f * (noise.Uniform(row) - 0.5f); };
  EXPECT_EQ(KindOf(Scored(40000, noisy)), Verdict::GOOD);
}

TEST(ModelVerdict, HardlyAnyModelOnPureNoiseIsConvictedByChance) {
  int convicted = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Random noise(seed, RandomPurpose::kSynthetic, {7});
    const auto honest = [&](int row, float, bool) { return 0.2f + 0.1f * noise.Uniform(row); };
    convicted += KindOf(Scored(600, honest, seed)) != Verdict::GOOD ? 1 : 0;
  }
  EXPECT_EQ(convicted, 0);
}

TEST(ModelVerdict, TheStudentGoesFirstAndALaterJudgementReplacesItsOwn) {
  const ScoreLog bad = Scored(1000, [](int row, float, bool) { return row % 2 == 0 ? 1.0f : 0.0f; });
  const ScoreLog good = Scored(1000, [](int, float rate, bool) { return rate; });
  const auto note = [&](const ScoreLog* teacher, const ScoreLog* student, proto::RunState* state) {
    TowerVerdicts verdicts;
    if (teacher != nullptr) verdicts.Judge(TowerVerdicts::kTeacher, LastEvidenceOf(*teacher, 50));
    if (student != nullptr) verdicts.Judge(TowerVerdicts::kStudent, LastEvidenceOf(*student, 50));
    NoteVerdicts(verdicts, state);
  };
  proto::RunState state;
  note(&bad, &bad, &state);
  EXPECT_THAT(state.verdict().reason(), HasSubstr("the student has exploded"));
  note(&bad, &good, &state);
  EXPECT_THAT(state.verdict().reason(), HasSubstr("the teacher has exploded"));
  note(nullptr, &good, &state);
  EXPECT_THAT(state.verdict().reason(), HasSubstr("the teacher has exploded")) << "it was not judged again";
  note(&good, &good, &state);
  EXPECT_FALSE(state.has_verdict());
}

TEST(ModelVerdict, OneClassOrNoWeightIsNothingToLearnFromUntilADayHasTheOther) {
  const auto rate = [](int, float r, bool) { return r; };
  ScoreLog clicks, others;
  for (int row = 0; row < 30; ++row) {
    clicks.Add(0.5f, 1, 1, 0);
    others.Add(0.5f, 0, 1, 0);
  }
  const ScoreLog weightless = Scored(500, rate, 5, /*weight=*/0), both = Scored(500, rate);
  proto::RunState state;
  NoteLabels(weightless, /*first=*/true, &state);
  EXPECT_EQ(state.verdict().kind(), Verdict::NOTHING_LEARNED_FROM);
  EXPECT_THAT(state.verdict().reason(), HasSubstr("weight 0"));
  NoteLabels(others, false, &state);
  EXPECT_THAT(state.verdict().reason(), HasSubstr("no positive row"));
  NoteLabels(others, false, &state);
  EXPECT_THAT(state.verdict().reason(), HasSubstr("no positive row"));
  NoteLabels(clicks, false, &state);
  EXPECT_FALSE(state.has_verdict()) << "of each class a day";
  NoteLabels(others, false, &state);
  EXPECT_FALSE(state.has_verdict()) << "a day of one class is none of all";
  NoteLabels(clicks, true, &state);
  EXPECT_THAT(state.verdict().reason(), HasSubstr("every row is positive"));
  NoteLabels(both, false, &state);
  EXPECT_FALSE(state.has_verdict());
}

}  // namespace
}  // namespace tandem
