// Metrics as JSON, numbers so that they read back as they were (tandem/metrics.h).
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/evaluation.h"

namespace tandem {
namespace {

// JSON has no infinity and no NaN.
std::string Number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return "null";
  char text[32];
  const std::to_chars_result result = std::to_chars(text, text + sizeof(text), *value);
  return std::string(text, result.ptr);
}

}  // namespace

std::string MetricsToJson(const Metrics& metrics) {
  return absl::StrCat("{\"auc\":", Number(metrics.auc), ",\"logloss\":", Number(metrics.logloss),
                      ",\"gauc\":", Number(metrics.gauc), ",\"copc\":", Number(metrics.copc),
                      ",\"normalized_entropy\":", Number(metrics.normalized_entropy),
                      metrics.rows_without_group > 0
                          ? absl::StrCat(",\"rows_without_group\":", metrics.rows_without_group)
                          : "",
                      "}");
}

std::string EvaluationToJson(const Evaluation& evaluation) {
  std::string json = MetricsToJson(evaluation.all);
  json.pop_back();
  const auto part = [&](const char* name, const Metrics& metrics) {
    const std::string object = MetricsToJson(metrics);
    absl::StrAppend(&json, ",\"", name, "\":{\"rows\":", metrics.rows, ",",
                    absl::string_view(object).substr(1));
  };
  if (evaluation.seen.has_value()) part("seen", *evaluation.seen);
  if (evaluation.unseen.has_value()) part("unseen", *evaluation.unseen);
  absl::StrAppend(&json, ",\"calibration\":", CalibrationToJson(evaluation.calibration), "}");
  return json;
}

std::string CalibrationToJson(const std::vector<CalibrationBin>& bins) {
  const auto one = [](std::string* out, const CalibrationBin& bin) {
    absl::StrAppend(out, "{\"rows\":", bin.rows, ",\"weight\":", Number(bin.weight),
                    ",\"lowest\":", Number(bin.lowest), ",\"highest\":", Number(bin.highest),
                    ",\"mean_prediction\":", Number(bin.mean_prediction),
                    ",\"click_rate\":", Number(bin.click_rate), "}");
  };
  return absl::StrCat("[", absl::StrJoin(bins, ",", one), "]");
}

}  // namespace tandem
