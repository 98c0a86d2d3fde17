#include "tools/precision_table.h"

#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tandem {
namespace {

double OrNan(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

std::string PrecisionTable(Precision precision, const PrecisionReport& report) {
  std::string table = absl::StrFormat("%-14s %9s %9s %9s\n", absl::StrCat(report.f32.rows, " rows"), "auc",
                                      "logloss", "copc");
  const auto add = [&](const char* name, const Metrics& metrics) {
    absl::StrAppendFormat(&table, "%-14s %9.6f %9.6f %9.6f\n", name, OrNan(metrics.auc),
                          OrNan(metrics.logloss), OrNan(metrics.copc));
  };
  add("f32", report.f32);
  add(PrecisionName(precision), report.served);
  absl::StrAppendFormat(&table, "%-14s %+9.6f %+9.6f %+9.6f\n", "change",
                        OrNan(report.served.auc) - OrNan(report.f32.auc),
                        OrNan(report.served.logloss) - OrNan(report.f32.logloss),
                        OrNan(report.served.copc) - OrNan(report.f32.copc));
  return table;
}

}  // namespace tandem
