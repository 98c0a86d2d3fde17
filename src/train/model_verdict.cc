#include "src/train/model_verdict.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/metrics/log_loss.h"
#include "src/util/progress.h"

namespace tandem {
namespace {

using Verdict = proto::ModelVerdict;

constexpr int64_t kFewestRows = 100, kFewestOfAClass = 10, kFewestConstantRows = 200;
constexpr double kErrors = 4;
constexpr double kWorseShare = 0.02, kExtremeShare = 0.9;
constexpr float kNearestToOne = 1 - 1e-7f, kNearestToZero = 1e-7f;
constexpr const char* kNames[] = {"the teacher", "the student"};

// Each says which class there is: the state has no other place for it.
constexpr char kNoWeight[] = "every row has the weight 0: there is nothing to learn from";
constexpr char kNoClick[] =
    "no positive row (label 1) was learned from: one class, and nothing to learn from";
constexpr char kNoOther[] = "every row is positive (label 1): one class, and nothing to learn from";

double Entropy(double rate) {
  return rate <= 0 || rate >= 1 ? 0 : -rate * std::log(rate) - (1 - rate) * std::log1p(-rate);
}

Verdict Against(Verdict::Kind kind, const std::string& reason) {
  Verdict verdict;
  verdict.set_kind(kind);
  verdict.set_reason(reason);
  return verdict;
}

std::string Losses(const ScoreEvidence& evidence) {
  return absl::StrFormat(
      "its log loss on %s rows is %.4g, that of always saying their click rate %.4g (± %.2g)",
      FormatCount(evidence.rows), evidence.loss, evidence.entropy, evidence.error);
}

std::optional<Verdict> Convicted(const std::string& name, const ScoreEvidence& evidence) {
  const double excess = evidence.loss - evidence.entropy;
  const bool sure = excess > kErrors * evidence.error;
  const bool both = evidence.clicks >= kFewestOfAClass && evidence.rows - evidence.clicks >= kFewestOfAClass;
  if (sure && evidence.loss > 2 * evidence.entropy + 1)
    return Against(Verdict::EXPLODED, absl::StrCat(name, " has exploded: ", Losses(evidence)));
  if (sure && evidence.extreme >= kExtremeShare) {
    return Against(Verdict::EXPLODED,
                   absl::StrCat(name,
                                absl::StrFormat(" has exploded: %.0f %% of its scores are 0 or 1, and ",
                                                100 * evidence.extreme),
                                Losses(evidence)));
  }
  if (both && evidence.constant && evidence.rows >= kFewestConstantRows) {
    return Against(Verdict::CONSTANT, absl::StrCat(name, " says the same of every row, of the last ",
                                                   FormatCount(evidence.rows), " that it scored"));
  }
  if (both && sure && excess > kWorseShare * evidence.entropy) {
    return Against(Verdict::WORSE_THAN_BASE_RATE,
                   absl::StrCat(name, " is worse than the click rate alone: ", Losses(evidence)));
  }
  return std::nullopt;
}

}  // namespace

ScoreEvidence EvidenceOf(const ScoreLog& log, int64_t batch_rows, int64_t first_row) {
  ScoreEvidence evidence;
  double weights = 0, clicks = 0;
  const auto for_each = [&](const auto& f) {
    for (int64_t row = first_row; row < log.rows(); ++row) {
      const double weight = log.weights()[row];
      if (weight > 0) f(row, weight, log.probabilities()[row], log.labels()[row] > 0.5f);
    }
  };
  int64_t extreme = 0, same = 0, of_batch = -1;
  float first_of_batch = 0;
  for_each([&](int64_t row, double weight, float probability, bool click) {
    ++evidence.rows;
    evidence.clicks += click ? 1 : 0;
    weights += weight;
    clicks += click ? weight : 0;
    evidence.loss += weight * LogLossOf(probability, click);
    extreme += probability <= kNearestToZero || probability >= kNearestToOne ? 1 : 0;
    if (row / batch_rows != of_batch) {
      of_batch = row / batch_rows;
      first_of_batch = probability;
    } else if (std::abs(probability - first_of_batch) <= 1e-6f) {
      ++same;
    } else {
      same = -log.rows();
    }
  });
  if (evidence.rows == 0) return evidence;
  const double rate = clicks / weights, click_loss = LogLossOf(rate, true),
               other_loss = LogLossOf(rate, false);
  evidence.loss /= weights;
  evidence.entropy = Entropy(rate);
  evidence.extreme = static_cast<double>(extreme) / static_cast<double>(evidence.rows);
  // Batches of one row show nothing.
  evidence.constant = same > 0;
  const double mean = evidence.loss - evidence.entropy;
  double squares = 0;
  for_each([&](int64_t /*row*/, double weight, float probability, bool click) {
    const double excess = LogLossOf(probability, click) - (click ? click_loss : other_loss) - mean;
    squares += weight * excess * weight * excess;
  });
  evidence.error = std::sqrt(squares) / weights;
  return evidence;
}

ScoreEvidence LastEvidenceOf(const ScoreLog& log, int64_t batch_rows) {
  return EvidenceOf(log, batch_rows, log.rows() / 2 / batch_rows * batch_rows);
}

void TowerVerdicts::Judge(Tower tower, const ScoreEvidence& evidence) {
  if (evidence.rows < kFewestRows) return;
  judged_[tower] = true;
  against_[tower] = Convicted(kNames[tower], evidence);
}

void NoteVerdicts(const TowerVerdicts& verdicts, proto::RunState* state) {
  if (state->verdict().kind() == Verdict::NOTHING_LEARNED_FROM) return;
  for (const auto tower : {TowerVerdicts::kStudent, TowerVerdicts::kTeacher}) {
    if (!verdicts.judged_[tower]) continue;
    if (absl::StartsWith(state->verdict().reason(), kNames[tower])) state->clear_verdict();
  }
  for (const auto tower : {TowerVerdicts::kTeacher, TowerVerdicts::kStudent}) {
    if (verdicts.against_[tower].has_value()) *state->mutable_verdict() = *verdicts.against_[tower];
  }
}

void NoteLabels(const ScoreLog& day, bool first, proto::RunState* state) {
  if (day.rows() == 0) return;
  const bool nothing_before = state->verdict().kind() == Verdict::NOTHING_LEARNED_FROM;
  if (!first && !nothing_before) return;
  const std::string& before = state->verdict().reason();
  bool clicks = nothing_before && before == kNoOther, others = nothing_before && before == kNoClick;
  for (int64_t row = 0; row < day.rows(); ++row) {
    if (day.weights()[row] <= 0) continue;
    (day.labels()[row] > 0.5f ? clicks : others) = true;
  }
  if (clicks && others) {
    state->clear_verdict();
  } else {
    *state->mutable_verdict() = Against(Verdict::NOTHING_LEARNED_FROM, clicks   ? kNoOther
                                                                       : others ? kNoClick
                                                                                : kNoWeight);
  }
}

}  // namespace tandem
