// What a cell's file holds, and back.
#include <nlohmann/json.hpp>

#include "src/compare/comparison.h"
#include "src/util/format_version.h"
#include "src/util/json_text.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// What JSON of another shape throws stays in here.
Metrics ReadMetrics(const Json& json) {
  Metrics metrics;
  const auto read = [&](const char* name, std::optional<double>* value) {
    if (!json.at(name).is_null()) *value = json.at(name).get<double>();
  };
  read("auc", &metrics.auc);
  read("logloss", &metrics.logloss);
  read("gauc", &metrics.gauc);
  read("copc", &metrics.copc);
  read("normalized_entropy", &metrics.normalized_entropy);
  if (json.contains("rows")) metrics.rows = json.at("rows").get<int64_t>();
  return metrics;
}

CompareTower ReadTower(const Json& json, int64_t rows) {
  CompareTower tower;
  tower.dense_parameters = json.at("dense_parameters").get<int64_t>();
  const Json& metrics = json.at("metrics");
  tower.metrics.all = ReadMetrics(metrics);
  tower.metrics.all.rows = rows;
  if (metrics.contains("seen")) tower.metrics.seen = ReadMetrics(metrics.at("seen"));
  if (metrics.contains("unseen")) tower.metrics.unseen = ReadMetrics(metrics.at("unseen"));
  for (const Json& from : metrics.at("calibration")) {
    CalibrationBin bin;
    bin.rows = from.at("rows").get<int64_t>();
    bin.weight = from.at("weight").get<double>();
    bin.lowest = from.at("lowest").get<double>();
    bin.highest = from.at("highest").get<double>();
    bin.mean_prediction = from.at("mean_prediction").get<double>();
    bin.click_rate = from.at("click_rate").get<double>();
    tower.metrics.calibration.push_back(bin);
  }
  return tower;
}

CompareCell ReadCell(const Json& json) {
  CompareCell cell;
  cell.seed = json.at("seed").get<uint64_t>();
  cell.config = json.at("config").get<std::string>();
  cell.date = json.value("date", "");
  cell.test_rows = json.at("test_rows").get<int64_t>();
  cell.rows_trained = json.at("rows_trained").get<int64_t>();
  cell.steps = json.at("steps").get<int64_t>();
  cell.train_seconds = json.at("train_seconds").get<double>();
  cell.cpu_seconds = json.value("cpu_seconds", 0.0);
  cell.time_is_partial = json.at("time_is_partial").get<bool>();
  cell.teacher_checksum = json.at("teacher_checksum").get<std::string>();
  if (json.contains("teacher")) cell.teacher = ReadTower(json.at("teacher"), cell.test_rows);
  if (json.contains("student")) cell.student = ReadTower(json.at("student"), cell.test_rows);
  if (json.contains("served")) cell.served = ReadTower(json.at("served"), cell.test_rows);
  if (json.contains("members")) {
    for (const Json& member : json.at("members")) cell.members.push_back(ReadTower(member, cell.test_rows));
  }
  return cell;
}

}  // namespace

std::string CellToJson(const CompareCell& cell) {
  Json json;
  json["seed"] = cell.seed;
  json["config"] = cell.config;
  if (!cell.date.empty()) json["date"] = cell.date;
  json["test_rows"] = cell.test_rows;
  json["rows_trained"] = cell.rows_trained;
  json["steps"] = cell.steps;
  json["train_seconds"] = cell.train_seconds;
  json["cpu_seconds"] = cell.cpu_seconds;
  json["time_is_partial"] = cell.time_is_partial;
  json["teacher_checksum"] = cell.teacher_checksum;
  const auto of_tower = [](const CompareTower& tower) {
    Json json;
    json["dense_parameters"] = tower.dense_parameters;
    json["metrics"] = Json::parse(EvaluationToJson(tower.metrics));
    return json;
  };
  if (cell.teacher.has_value()) json["teacher"] = of_tower(*cell.teacher);
  if (cell.student.has_value()) json["student"] = of_tower(*cell.student);
  if (cell.served.has_value()) json["served"] = of_tower(*cell.served);
  for (const CompareTower& member : cell.members) json["members"].push_back(of_tower(member));
  json["format"] = kFormatVersion;
  return JsonText(json) + "\n";
}

absl::StatusOr<CompareCell> CellFromJson(absl::string_view text, absl::string_view origin) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  // The library's way to say that a member is missing or of another type.
  try {
    TANDEM_RETURN_IF_ERROR(CheckFormatVersion(json.value("format", kFormatOfUnversionedCells), origin));
    return ReadCell(json);
  } catch (const nlohmann::json::exception& error) {
    return ModelError(origin, ": not the result of a cell (", error.what(),
                      "); remove it, and it is measured anew");
  }
}

}  // namespace tandem
