#include "src/train/divergence.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/train/live_scorer.h"
#include "src/util/finite.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Batches that are averaged, and the fewest that are judged.
constexpr size_t kBatches = 20, kFewestBatches = 3;
// Beyond it the score is 0 or 1 in float32.
constexpr float kSaturated = 16.7f;
constexpr double kSaturatedShare = 0.9;

double Entropy(double rate) {
  return rate <= 0 || rate >= 1 ? 0 : -rate * std::log(rate) - (1 - rate) * std::log1p(-rate);
}

double Mean(const std::deque<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void Push(double value, std::deque<double>* values) {
  values->push_back(value);
  if (values->size() > kBatches) values->pop_front();
}

}  // namespace

std::optional<std::string> DivergenceWatch::NoteTower(const std::string& day, int64_t step,
                                                      const Batch& batch, double loss,
                                                      const std::vector<float>& logits, Tower* tower) const {
  double positives = 0, weight = 0;
  for (int row = 0; row < batch.rows(); ++row) {
    positives += batch.labels[row] * batch.weights[row];
    weight += batch.weights[row];
  }
  if (weight <= 0) return std::nullopt;
  Push(loss * batch.rows() / weight, &tower->losses);
  Push(Entropy(positives / weight), &tower->entropies);
  if (tower->losses.size() < kFewestBatches || (tower->told && tower->told_of == day)) return std::nullopt;
  const auto saturated = std::count_if(logits.begin(), logits.end(),
                                       [](float logit) { return !(std::abs(logit) < kSaturated); });
  const double share = static_cast<double>(saturated) / static_cast<double>(logits.size());
  const double mean = Mean(tower->losses), entropy = Mean(tower->entropies);
  const bool lost = !(mean <= 2 * entropy + 1), stuck = share >= kSaturatedShare && mean > entropy;
  if (!lost && !stuck) return std::nullopt;
  tower->told = true;
  tower->told_of = day;
  const std::string widest = WidestNumber(schema_, batch);
  return absl::StrCat(
      day.empty() ? "" : absl::StrCat(day, ", "), "step ", step, ": the ", tower->name, " has diverged: ",
      absl::StrFormat(
          "its loss is %.4g, that of the click rate alone %.4g, and %.0f %% of its scores are 0 or 1", mean,
          entropy, 100 * share),
      widest.empty() ? "" : absl::StrCat("; ", widest),
      ". A lower rate (train.optimizer, embedding.optimizer) or train.clip_norm may help",
      widest.empty() ? "" : ", or another transform of that feature");
}

std::optional<std::string> DivergenceWatch::Note(const std::string& day, int64_t step, const Batch& batch,
                                                 const StepResult& result) {
  if (!batch.labelled() || batch.rows() == 0) return std::nullopt;
  std::optional<std::string> alarm;
  if (!result.teacher_logits.empty())
    alarm = NoteTower(day, step, batch, result.terms.teacher_label, result.teacher_logits, &teacher_);
  if (!alarm.has_value() && !result.student_logits.empty())
    alarm = NoteTower(day, step, batch, result.terms.student_label, result.student_logits, &student_);
  return alarm;
}

std::string WidestNumber(const Schema& schema, const Batch& batch) {
  float largest = 0;
  std::string text;
  for (size_t f = 0; f < schema.fields().size(); ++f) {
    const Field& field = schema.fields()[f];
    const std::vector<float>& numbers = batch.fields[f].coefficients;
    if (field.kind != FieldKind::kDense || numbers.empty()) continue;
    const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
    const float widest = std::max(std::abs(*least), std::abs(*most));
    if (widest <= largest) continue;
    largest = widest;
    text = absl::StrCat("the numbers of feature '", field.name, "', column '", field.column, "', go from ",
                        absl::StrFormat("%.6g to %.6g in this batch", *least, *most),
                        field.transform == DenseTransform::kNone ? "" : ", transformed");
  }
  return text;
}

absl::Status Explained(const absl::Status& status, const std::string& place, const Schema& schema,
                       const Batch& rows) {
  // A disk that is full, or a store that can't be asked, has nothing to do with numbers.
  const bool of_numbers = absl::IsInternal(status) && absl::StrContains(status.message(), "finite");
  const std::string widest = of_numbers ? WidestNumber(schema, rows) : "";
  return absl::Status(
      status.code(), absl::StrCat(place, status.message(), widest.empty() ? "" : absl::StrCat("; ", widest)));
}

absl::Status ProveByScoring(const DualModel& model, const Batch& rows) {
  if (rows.rows() == 0) return absl::OkStatus();
  Workers workers(1);
  std::vector<float> logits;
  const auto prove = [&](const char* name, LiveScorer::Which which) -> absl::Status {
    TANDEM_RETURN_IF_ERROR(LiveScorer(model, which, &workers).Score(rows, &logits));
    if (AllFinite(logits.data(), rows.rows())) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("the ", name,
                     "'s scores are not finite any more; it was not kept. A lower rate (train.optimizer, "
                     "embedding.optimizer) or train.clip_norm may help"));
  };
  if (model.has_teacher()) TANDEM_RETURN_IF_ERROR(prove("teacher", LiveScorer::Which::kTeacher));
  return model.has_student() ? prove("student", LiveScorer::Which::kStudent) : absl::OkStatus();
}

}  // namespace tandem
