#include "tandem/precision_report.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/serve/bundle_files.h"
#include "src/serve/precision_proto.h"
#include "tandem/model_directory.h"
#include "tandem/status.h"

namespace tandem {
namespace {

void FiguresToProto(const Metrics& metrics, proto::PrecisionReport::Figures* figures) {
  if (metrics.auc) figures->set_auc(*metrics.auc);
  if (metrics.logloss) figures->set_logloss(*metrics.logloss);
  if (metrics.copc) figures->set_copc(*metrics.copc);
}

Metrics FiguresFromProto(const proto::PrecisionReport::Figures& figures, int64_t rows) {
  Metrics metrics;
  metrics.rows = rows;
  if (figures.has_auc()) metrics.auc = figures.auc();
  if (figures.has_logloss()) metrics.logloss = figures.logloss();
  if (figures.has_copc()) metrics.copc = figures.copc();
  return metrics;
}

double OrNan(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

proto::PrecisionReport ToProto(const PrecisionReport& report) {
  proto::PrecisionReport stored;
  stored.set_rows(report.f32.rows);
  FiguresToProto(report.f32, stored.mutable_f32());
  FiguresToProto(report.served, stored.mutable_served());
  stored.set_f32_kernels(report.f32_kernels);
  stored.set_served_kernels(report.served_kernels);
  return stored;
}

absl::StatusOr<std::optional<PrecisionReport>> ReadPrecisionReport(FileSystem& fs,
                                                                   const std::string& directory) {
  if (!IsBundle(fs, directory)) return std::optional<PrecisionReport>();
  TANDEM_ASSIGN_OR_RETURN(const BundleGraph graph, OpenBundleGraph(fs, directory));
  if (!graph.header.has_report()) return std::optional<PrecisionReport>();
  const proto::PrecisionReport& stored = graph.header.report();
  PrecisionReport report;
  report.precision = FromProto(graph.header.precision());
  report.f32 = FiguresFromProto(stored.f32(), stored.rows());
  report.served = FiguresFromProto(stored.served(), stored.rows());
  report.f32_kernels = stored.f32_kernels();
  report.served_kernels = stored.served_kernels();
  return std::optional<PrecisionReport>(report);
}

std::string PrecisionTable(const PrecisionReport& report) {
  std::string table = absl::StrFormat("%-14s %9s %9s %9s\n", absl::StrCat(report.f32.rows, " rows"), "auc",
                                      "logloss", "copc");
  const auto add = [&](const char* name, const Metrics& metrics) {
    absl::StrAppendFormat(&table, "%-14s %9.6f %9.6f %9.6f\n", name, OrNan(metrics.auc),
                          OrNan(metrics.logloss), OrNan(metrics.copc));
  };
  add("f32", report.f32);
  add(PrecisionName(report.precision), report.served);
  absl::StrAppendFormat(&table, "%-14s %+9.6f %+9.6f %+9.6f\n", "change",
                        OrNan(report.served.auc) - OrNan(report.f32.auc),
                        OrNan(report.served.logloss) - OrNan(report.f32.logloss),
                        OrNan(report.served.copc) - OrNan(report.f32.copc));
  return table;
}

}  // namespace tandem
