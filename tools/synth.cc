#include "tools/synth.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "tandem/files.h"
#include "tandem/status.h"

namespace tandem {
namespace {

nlohmann::ordered_json ToJson(const SyntheticSummary& summary) {
  return {{"rows", summary.rows},
          {"ctr", summary.click_rate()},
          {"bayes_auc", summary.bayes_auc},
          {"bayes_logloss", summary.bayes_logloss}};
}

}  // namespace

absl::Status Synth(const SyntheticOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(const SyntheticReport report, WriteSyntheticLog(FileSystem::Default(), options));
  nlohmann::ordered_json json = ToJson(report.total);
  json["fields"] = report.columns.size() - 1;
  json["days"] = report.days.size();
  if (report.holdout.rows > 0) json["holdout"] = ToJson(report.holdout);
  json["truth"] = options.output + "/TRUTH.json";
  std::cout << json.dump() << std::endl;
  return absl::OkStatus();
}

}  // namespace tandem
