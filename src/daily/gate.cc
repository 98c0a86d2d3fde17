#include "src/daily/gate.h"

#include <cmath>

#include "absl/strings/str_format.h"

namespace tandem {
namespace {

// So many standard errors a figure must be beyond its limit.
constexpr double kErrors = 2;

struct Interval {
  double least, most;
};

// Where the clicks are a Poisson draw: the rates that they are within kErrors standard errors of (the score
// interval). Without a click it is all that is known.
Interval CopcInterval(double copc, double clicks) {
  if (clicks <= 0) return {copc, copc};
  const double half = kErrors * kErrors / 2, wide = kErrors * std::sqrt(clicks + kErrors * kErrors / 4);
  return {copc * (clicks + half - wide) / clicks, copc * (clicks + half + wide) / clicks};
}

}  // namespace

std::vector<std::string> GateReasons(const proto::Gate& gate, const GateFigures& figures) {
  std::vector<std::string> reasons;
  const Metrics& candidate = figures.candidate;
  const auto need = [&](const std::optional<double>& value, const char* name) {
    if (value.has_value()) return true;
    reasons.push_back(absl::StrFormat("its %s is undefined", name));
    return false;
  };

  if (!figures.verdict.empty()) reasons.push_back(figures.verdict);
  if (gate.min_rows() > 0 && figures.newest_rows < gate.min_rows()) {
    reasons.push_back(absl::StrFormat("the newest day has %d rows, fewer than min_rows %d",
                                      figures.newest_rows, gate.min_rows()));
  }
  if (gate.min_rows() > 0 && candidate.rows < gate.min_rows()) {
    reasons.push_back(
        absl::StrFormat("judged on %d rows, fewer than min_rows %d", candidate.rows, gate.min_rows()));
  }
  const auto newest_rows = static_cast<double>(figures.newest_rows);
  if (newest_rows < gate.min_rows_share() * figures.other_days_rows) {
    reasons.push_back(
        absl::StrFormat("the newest day has %d rows, %.3f of the other days' mean; min_rows_share is %g",
                        figures.newest_rows, newest_rows / figures.other_days_rows, gate.min_rows_share()));
  }
  const auto newest_bad = static_cast<double>(figures.newest_bad);
  if (gate.max_bad_fraction() > 0 && newest_bad > gate.max_bad_fraction() * (newest_rows + newest_bad)) {
    reasons.push_back(
        absl::StrFormat("%.4f of the newest day's rows are malformed, more than max_bad_fraction %g",
                        newest_bad / (newest_rows + newest_bad), gate.max_bad_fraction()));
  }

  if ((gate.min_copc() > 0 || gate.max_copc() > 0) && need(candidate.copc, "COPC")) {
    const Interval copc = CopcInterval(*candidate.copc, candidate.positives);
    const std::string figure = absl::StrFormat("COPC %.4f (%.4f to %.4f, by %.6g clicks)", *candidate.copc,
                                               copc.least, copc.most, candidate.positives);
    if (gate.min_copc() > 0 && !(copc.most >= gate.min_copc()))
      reasons.push_back(absl::StrFormat("%s, less than min_copc %g", figure, gate.min_copc()));
    if (gate.max_copc() > 0 && !(copc.least <= gate.max_copc()))
      reasons.push_back(absl::StrFormat("%s, more than max_copc %g", figure, gate.max_copc()));
  }
  if (!figures.in_place.has_value()) {
    if (gate.min_auc() > 0 && need(candidate.auc, "AUC") &&
        !(*candidate.auc + kErrors * figures.auc_error >= gate.min_auc())) {
      reasons.push_back(absl::StrFormat("AUC %.4f (± %.4f), less than min_auc %g", *candidate.auc,
                                        kErrors * figures.auc_error, gate.min_auc()));
    }
    return reasons;
  }
  const Metrics& in_place = *figures.in_place;
  const double auc_error = kErrors * figures.auc_loss_error;
  if (gate.max_auc_loss() > 0 && need(candidate.auc, "AUC") && in_place.auc.has_value() &&
      !(*candidate.auc + auc_error >= *in_place.auc - gate.max_auc_loss())) {
    reasons.push_back(absl::StrFormat(
        "AUC %.4f where the model in place has %.4f: it falls by more than max_auc_loss %g (± %.4f)",
        *candidate.auc, *in_place.auc, gate.max_auc_loss(), auc_error));
  }
  const double logloss_error = kErrors * figures.logloss_growth_error;
  if (gate.max_logloss_growth() > 0 && need(candidate.logloss, "log loss") && in_place.logloss.has_value() &&
      !(*candidate.logloss - logloss_error <= *in_place.logloss * (1 + gate.max_logloss_growth()))) {
    reasons.push_back(
        absl::StrFormat("log loss %.4f where the model in place has %.4f: it grows by more than "
                        "max_logloss_growth %g (± %.4f)",
                        *candidate.logloss, *in_place.logloss, gate.max_logloss_growth(), logloss_error));
  }
  return reasons;
}

}  // namespace tandem
