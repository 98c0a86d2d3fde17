// A comparison as JSON.
#include <cmath>
#include <nlohmann/json.hpp>

#include "src/compare/report.h"
#include "src/util/json_text.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json();
}

Json MeanJson(const std::vector<std::optional<double>>& values) {
  const std::optional<MeanOverSeeds> mean = MeanOf(values);
  if (!mean.has_value()) return Json();
  return {{"mean", mean->mean}, {"sd", OrNull(mean->deviation)}};
}

Json MetricsJson(const CompareRow& row, TowerKind tower) {
  Json json;
  const std::pair<const char*, MetricMember> metrics[] = {
      {"auc", &Metrics::auc},
      {"logloss", &Metrics::logloss},
      {"gauc", &Metrics::gauc},
      {"copc", &Metrics::copc},
      {"normalized_entropy", &Metrics::normalized_entropy}};
  for (const auto& [name, metric] : metrics) json[name] = MeanJson(ValuesOf(row, tower, metric));
  return json;
}

Json TowerJson(const CompareRow& row, TowerKind tower) {
  Json json = MetricsJson(row, tower);
  const CompareCell& first = row.cells[0];
  json["dense_parameters"] = (tower == TowerKind::kTeacher ? first.teacher : first.student)->dense_parameters;
  json["microseconds_per_sample"] =
      OrNull(tower == TowerKind::kTeacher ? row.teacher_microseconds : row.student_microseconds);
  return json;
}

Json GapJson(const GapClosed& gap) {
  switch (gap.kind) {
    case GapClosed::kUndefined:
      return Json();
    case GapClosed::kNoGap:
      return "no gap";
    case GapClosed::kDefined:
      break;
  }
  return {{"share", gap.share}, {"error", OrNull(gap.error)}};
}

Json RowJson(const Comparison& comparison, const CompareRow& row) {
  Json json = {{"name", row.name}, {"method", row.method}, {"changes", row.changes}};
  if (!row.width.empty()) json["frontier"] = {{"width", row.width}, {"alone", row.frontier_alone}};
  json["student_alone"] = comparison.rows[row.alone].name;
  const auto teacher =
      ValuesOf(comparison.rows[comparison.teacher_alone], TowerKind::kTeacher, &Metrics::auc);
  const auto alone = ValuesOf(comparison.rows[row.alone], TowerKind::kStudent, &Metrics::auc);
  const auto student = ValuesOf(row, TowerKind::kStudent, &Metrics::auc);
  json["gap_closed"] = GapJson(GapClosedBy(comparison, row));
  json["auc_minus_student_alone"] = MeanJson(Differences(student, alone));
  json["auc_minus_teacher_alone"] = MeanJson(Differences(student, teacher));
  for (const std::optional<bool>& one : TeacherIsIdentical(comparison, row))
    json["teacher_bit_identical"].push_back(OrNull(one));
  json["other_teacher"] = row.other_teacher;
  json["teacher_steps_a_row"] = row.passes.teacher;
  json["student_steps_a_row"] = row.passes.student;
  std::vector<std::optional<double>> seconds, cpu_seconds;
  for (const CompareCell& cell : row.cells) {
    seconds.emplace_back(cell.train_seconds);
    cpu_seconds.emplace_back(cell.cpu_seconds);
  }
  json["train_seconds"] = MeanJson(seconds);
  json["cpu_seconds"] = MeanJson(cpu_seconds);
  if (row.cells[0].teacher.has_value()) json["teacher"] = TowerJson(row, TowerKind::kTeacher);
  if (row.cells[0].student.has_value()) json["student"] = TowerJson(row, TowerKind::kStudent);
  if (!row.cells[0].members.empty()) {
    json["members"] = MetricsJson(row, TowerKind::kMembers);
    json["members"]["count"] = row.cells[0].members.size();
    json["best_member"] = MetricsJson(row, TowerKind::kBestMember);
  }
  if (row.cells[0].served.has_value()) {
    json["served"] = MetricsJson(row, TowerKind::kServed);
    json["served"]["precision"] = "int8";
    json["served"]["microseconds_per_sample"] = OrNull(row.served_microseconds);
  }
  for (const CompareCell& cell : row.cells) {
    Json of_cell = Json::parse(CellToJson(cell));
    of_cell.erase("format");  // a kept file's, which this is not
    json["cells"].push_back(std::move(of_cell));
  }
  return json;
}

}  // namespace

std::string CompareJson(const Comparison& comparison) {
  Json json = {{"config", comparison.config_files}, {"overrides", comparison.overrides},
               {"days", comparison.days},           {"test", comparison.test},
               {"kernels", comparison.kernels},     {"jobs", comparison.jobs},
               {"seeds", comparison.seeds},         {"left_out", comparison.left_out}};
  for (const CompareRow& row : comparison.rows) json["rows"].push_back(RowJson(comparison, row));
  return JsonText(json, 1) + "\n";
}

}  // namespace tandem
