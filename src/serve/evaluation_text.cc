// A model's metrics as a table that says what each of them is (tandem/evaluate_model.h).
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/page/text_table.h"
#include "src/serve/unknown_share.h"
#include "src/util/progress.h"
#include "tandem/evaluate_model.h"

namespace tandem {
namespace {

struct NamedTower {
  const char* name;
  const Evaluation* evaluation;
};

std::vector<NamedTower> TowersOf(const ModelEvaluation& model) {
  std::vector<NamedTower> towers;
  if (model.teacher.has_value()) towers.push_back({model.teacher_name.c_str(), &*model.teacher});
  if (model.student.has_value()) towers.push_back({"student", &*model.student});
  return towers;
}

std::string Figure(const std::optional<double>& value) {
  return value.has_value() && std::isfinite(*value) ? absl::StrFormat("%.4f", *value) : "-";
}

// Of the rows' weights.
std::optional<double> ClickRate(const Evaluation& evaluation) {
  double clicks = 0, weight = 0;
  for (const CalibrationBin& bin : evaluation.calibration) {
    clicks += bin.weight * bin.click_rate;
    weight += bin.weight;
  }
  if (weight <= 0) return std::nullopt;
  return clicks / weight;
}

std::string MetricsText(const ModelEvaluation& model, const std::vector<NamedTower>& towers) {
  TextTable table;
  table.header = {""};
  table.align = towers.size() == 2 ? "lrrl" : "lrl";
  for (const NamedTower& tower : towers) table.header.push_back(tower.name);
  const auto add = [&](const char* name, const auto& value_of, const std::string& meaning) {
    std::vector<std::string>& row = table.rows.emplace_back(std::vector<std::string>{name});
    for (const NamedTower& tower : towers) row.push_back(Figure(value_of(*tower.evaluation)));
    row.push_back(meaning);
  };
  const auto all = [](std::optional<double> Metrics::*metric) {
    return [metric](const Evaluation& evaluation) { return evaluation.all.*metric; };
  };
  const auto part = [](std::optional<Metrics> Evaluation::*rows) {
    return [rows](const Evaluation& evaluation) { return (evaluation.*rows)->auc; };
  };
  const Metrics& any = towers[0].evaluation->all;
  std::string of_the_rate;
  if (any.logloss.has_value() && any.normalized_entropy.value_or(0) > 0)
    of_the_rate = absl::StrFormat("; the click rate alone has %.4f", *any.logloss / *any.normalized_entropy);
  add("auc", all(&Metrics::auc), "how often a click is scored above a row without: 0.5 by chance, 1 always");
  add("logloss", all(&Metrics::logloss), absl::StrCat("the lower the better", of_the_rate));
  add("gauc", all(&Metrics::gauc),
      model.group_column.empty()
          ? "AUC within each user: data.group_column names none"
          : absl::StrCat("AUC within each value of ", model.group_column, ", averaged"));
  add("copc", all(&Metrics::copc), "clicks over predicted clicks: above 1 too few are predicted");
  add("normalized_entropy", all(&Metrics::normalized_entropy),
      "log loss over that of the click rate alone: below 1 the model knows more");
  const Evaluation& first = *towers[0].evaluation;
  if (first.seen.has_value() && first.unseen.has_value()) {
    add("auc, seen", part(&Evaluation::seen),
        absl::StrCat(FormatCount(first.seen->rows), " rows whose ", model.group_column,
                     " training has seen"));
    add("auc, unseen", part(&Evaluation::unseen),
        absl::StrCat(FormatCount(first.unseen->rows), " rows whose ", model.group_column, " it hasn't"));
  }
  return PlainTable(table);
}

std::string CalibrationText(const std::vector<NamedTower>& towers) {
  TextTable table;
  table.header = {"bin"};
  size_t bins = 0;
  for (const NamedTower& tower : towers) {
    for (const char* column : {"rows", "predicted", "clicked"})
      table.header.push_back(absl::StrCat(tower.name, ": ", column));
    bins = std::max(bins, tower.evaluation->calibration.size());
  }
  for (size_t b = 0; b < bins; ++b) {
    std::vector<std::string>& row = table.rows.emplace_back(std::vector<std::string>{absl::StrCat(b + 1)});
    for (const NamedTower& tower : towers) {
      if (b >= tower.evaluation->calibration.size()) {
        row.insert(row.end(), 3, "");
        continue;
      }
      const CalibrationBin& bin = tower.evaluation->calibration[b];
      row.insert(row.end(), {FormatCount(bin.rows), Figure(bin.mean_prediction), Figure(bin.click_rate)});
    }
  }
  return absl::StrCat(
      "Calibration: the rows by score, in bins of equal count; the mean of the predictions and ",
      "the share of clicks\n", PlainTable(table));
}

}  // namespace

std::string ModelEvaluationText(const ModelEvaluation& evaluation) {
  const std::vector<NamedTower> towers = TowersOf(evaluation);
  std::string text = absl::StrCat(FormatCount(evaluation.rows), " rows");
  if (towers.empty()) return text + "\n";
  if (const std::optional<double> rate = ClickRate(*towers[0].evaluation))
    absl::StrAppendFormat(&text, ", %.4g %% of them clicks (label 1)", 100 * *rate);
  if (evaluation.unlabelled > 0)
    absl::StrAppend(&text, "; ", FormatCount(evaluation.unlabelled), " without a label, left out");
  if (evaluation.rows_without_group > 0)
    absl::StrAppend(&text, "; ", FormatCount(evaluation.rows_without_group), " without a ",
                    evaluation.group_column, ", which GAUC leaves out");
  if (!evaluation.ids.empty()) {
    absl::StrAppend(&text, "\nIds unknown to the model, by feature: ",
                    absl::StrJoin(evaluation.ids, ", ", [](std::string* out, const FeatureIds& feature) {
                      absl::StrAppend(out, "\"", feature.name, "\" ", UnknownShareText(feature));
                    }));
  }
  absl::StrAppend(&text, "\n\n", MetricsText(evaluation, towers), "\n", CalibrationText(towers));
  return text;
}

}  // namespace tandem
