// Importance of columns as a table, and as JSON (tandem/column_importance.h).
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/page/text_table.h"
#include "src/util/json_text.h"
#include "src/util/progress.h"
#include "tandem/column_importance.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

std::string LossText(const std::optional<MeanLoss>& loss) {
  return loss.has_value() ? absl::StrFormat("%+.4f ± %.4f", loss->mean, loss->error) : "-";
}

std::string Figure(const std::optional<double>& value) {
  return value.has_value() ? absl::StrFormat("%.4f", *value) : "-";
}

Json LossJson(const std::optional<MeanLoss>& loss) {
  if (!loss.has_value()) return nullptr;
  return {{"mean", loss->mean}, {"error", loss->error}};
}

Json TowerJson(const TowerImportance& tower) {
  return {{"auc_lost", LossJson(tower.auc)}, {"logloss_gained", LossJson(tower.logloss)}};
}

Json MetricsJson(const Metrics& metrics) {
  Json json;
  json["auc"] = metrics.auc.has_value() ? Json(*metrics.auc) : Json();
  json["logloss"] = metrics.logloss.has_value() ? Json(*metrics.logloss) : Json();
  return json;
}

// The features, where they aren't called as the column.
std::string NameOf(const ColumnImportance& column) {
  if (column.features.size() == 1 && column.features[0] == column.column) return column.column;
  return absl::StrCat(column.column, " (", absl::StrJoin(column.features, ", "), ")");
}

}  // namespace

std::string ModelImportanceText(const ModelImportance& importance) {
  TextTable table;
  table.header = {"column"};
  std::vector<std::string> whole = {"(nothing)"};
  const auto head = [&](const char* name, const std::optional<Metrics>& metrics) {
    if (!metrics.has_value()) return;
    table.header.push_back(absl::StrCat(name, ": AUC lost"));
    table.header.emplace_back("log loss gained");
    whole.push_back(absl::StrCat("of ", Figure(metrics->auc)));
    whole.push_back(absl::StrCat("to ", Figure(metrics->logloss)));
  };
  head("teacher", importance.teacher);
  head("student", importance.student);
  table.align = "l" + std::string(table.header.size() - 1, 'r') + "l";
  table.header.emplace_back("");
  table.rows.push_back(whole);
  for (const ColumnImportance& column : importance.columns) {
    std::vector<std::string>& row = table.rows.emplace_back(std::vector<std::string>{NameOf(column)});
    for (const std::optional<TowerImportance>* tower : {&column.teacher, &column.student}) {
      if (!tower->has_value()) continue;
      row.push_back(LossText((*tower)->auc));
      row.push_back(LossText((*tower)->logloss));
    }
    const std::optional<MeanLoss>& auc = column.served().auc;
    row.emplace_back(auc.has_value() && auc->may_be_chance() ? "may be chance" : "");
  }
  const std::string of = importance.rows < importance.rows_read
                             ? absl::StrCat(" of ", FormatCount(importance.rows_read), ", drawn at random")
                             : "";
  return absl::StrCat(
      FormatCount(importance.rows), " rows", of, ", ", importance.repeats, " permutations a column, seed ",
      importance.seed, "\n\n", PlainTable(table),
      "\nWhat the model loses when the cells of one column are dealt out anew among the rows. A "
      "loss within its ± of 0\n(95 %) may be chance. Columns that say the same look "
      "dispensable, each of them: one can be had from the other.\n");
}

std::string ModelImportanceJson(const ModelImportance& importance) {
  Json json;
  json["rows"] = importance.rows;
  json["rows_read"] = importance.rows_read;
  json["repeats"] = importance.repeats;
  json["seed"] = importance.seed;
  if (importance.teacher.has_value()) json["teacher"] = MetricsJson(*importance.teacher);
  if (importance.student.has_value()) json["student"] = MetricsJson(*importance.student);
  json["columns"] = Json::array();
  for (const ColumnImportance& column : importance.columns) {
    Json one = {{"column", column.column}, {"features", column.features}};
    if (column.teacher.has_value()) one["teacher"] = TowerJson(*column.teacher);
    if (column.student.has_value()) one["student"] = TowerJson(*column.student);
    json["columns"].push_back(std::move(one));
  }
  return JsonText(json, 2) + "\n";
}

}  // namespace tandem
