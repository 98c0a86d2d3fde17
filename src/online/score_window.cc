#include "src/online/score_window.h"

#include <cmath>

#include "src/metrics/log_loss.h"

namespace tandem {

void ScoreWindow::Add(float probability, float label, float weight, uint64_t group) {
  if (full()) scores_.pop_front();
  scores_.push_back({group, probability, label, weight});
}

ScoreLog ScoreWindow::Log() const {
  ScoreLog log;
  for (const Score& score : scores_) log.Add(score.probability, score.label, score.weight, score.group);
  return log;
}

double ScoreWindow::LogLoss() const {
  double loss = 0;
  double weight = 0;
  for (const Score& score : scores_) {
    const double p = ClippedProbability(score.probability);
    loss -= score.weight * std::log(score.label > 0 ? p : 1 - p);
    weight += score.weight;
  }
  return weight > 0 ? loss / weight : 0;
}

double ScoreWindow::LabelEntropy() const {
  double clicks = 0;
  double weight = 0;
  for (const Score& score : scores_) {
    clicks += score.label > 0 ? score.weight : 0;
    weight += score.weight;
  }
  const double rate = weight > 0 ? clicks / weight : 0;
  const auto term = [](double p) { return p > 0 ? -p * std::log(p) : 0; };
  return term(rate) + term(1 - rate);
}

double ScoreWindow::ExcessError() const {
  double clicks = 0, weight = 0;
  for (const Score& score : scores_) {
    clicks += score.label > 0 ? score.weight : 0;
    weight += score.weight;
  }
  if (weight <= 0) return 0;
  const double rate = clicks / weight, mean = LogLoss() - LabelEntropy();
  double squares = 0;
  for (const Score& score : scores_) {
    const double p = ClippedProbability(score.probability);
    const double loss = -std::log(score.label > 0 ? p : 1 - p);
    const double of_rate = -std::log(score.label > 0 ? rate : 1 - rate);
    squares += score.weight * (loss - of_rate - mean) * score.weight * (loss - of_rate - mean);
  }
  return std::sqrt(squares) / weight;
}

}  // namespace tandem
