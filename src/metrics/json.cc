#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/metrics.h"

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
                      ",\"normalized_entropy\":", Number(metrics.normalized_entropy), "}");
}

}  // namespace tandem
