#include "tandem/model_description.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/serve/loaded_model.h"
#include "src/serve/tower_times.h"
#include "src/util/json_text.h"
#include "src/util/printable.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/metrics.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// `rows`: of all tables.
template <typename AnyTower>
TowerDescription DescribeTower(const AnyTower& tower, const LoadedModel& loaded, int64_t rows) {
  TowerDescription described;
  described.embedding_rows = rows;
  described.dense_parameters = tower.layout().trained();
  described.flops_per_sample = tower.flops_per_sample();
  if (loaded.tables != nullptr) {
    described.embedding_bytes = loaded.tables->weight_bytes();
  } else {
    const int64_t floats = loaded.model->embedding().dim() + static_cast<int>(tower.linear());
    described.embedding_bytes = rows * floats * static_cast<int64_t>(sizeof(float));
  }
  for (const ParameterBlock& block : tower.layout().blocks())
    described.parameters.emplace_back(block.name, block.shape);
  return described;
}

const char* KindName(const Field& field) {
  return field.kind == FieldKind::kSparse       ? "sparse"
         : field.kind == FieldKind::kBucketized ? "bucketized"
         : field.kind == FieldKind::kTime       ? "time"
         : field.kind == FieldKind::kPiecewise  ? "piecewise"
                                                : "dense";
}

Json TowerJson(const TowerDescription& tower) {
  Json json;
  json["dense_parameters"] = tower.dense_parameters;
  json["flops_per_sample"] = tower.flops_per_sample;
  json["embedding_rows"] = tower.embedding_rows;
  json["embedding_bytes"] = tower.embedding_bytes;
  for (const auto& [name, shape] : tower.parameters) json["parameters"][name] = shape;
  if (tower.microseconds_per_sample.has_value())
    json["microseconds_per_sample"] = *tower.microseconds_per_sample;
  return json;
}

Json PrecisionJson(const PrecisionReport& report) {
  Json json;
  json["rows"] = report.f32.rows;
  const auto add = [&](const char* name, const Metrics& metrics, const std::string& kernels) {
    json[name] = Json::parse(MetricsToJson(metrics));
    for (const char* unmeasured : {"gauc", "normalized_entropy"}) json[name].erase(unmeasured);
    json[name]["kernels"] = kernels;
  };
  add("f32", report.f32, report.f32_kernels);
  add(PrecisionName(report.precision), report.served, report.served_kernels);
  return json;
}

std::string TowerText(const char* name, const TowerDescription& tower) {
  std::string text = absl::StrFormat("%-10s %16d %16d %14d %15d", name, tower.dense_parameters,
                                     tower.flops_per_sample, tower.embedding_rows, tower.embedding_bytes);
  if (tower.microseconds_per_sample.has_value())
    absl::StrAppendFormat(&text, " %9.2f", *tower.microseconds_per_sample);
  return text + "\n";
}

absl::StatusOr<ModelDescription> DescribeDirectory(FileSystem& fs, const std::string& directory,
                                                   const DescribeOptions& options) {
  ModelDescription described;
  described.directory = directory;
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ReadModelExperiment(fs, described.directory));
  TANDEM_ASSIGN_OR_RETURN(const LoadedModel loaded,
                          LoadModel(fs, described.directory, experiment, KernelsOrBest(options.kernels)));
  TANDEM_ASSIGN_OR_RETURN(described.precision_report, ReadPrecisionReport(fs, described.directory));
  TANDEM_ASSIGN_OR_RETURN(described.origin, ReadModelOrigin(fs, described.directory));
  const DualModel& model = *loaded.model;
  described.bundle = IsBundle(fs, described.directory);
  described.method = proto::Method_Name(experiment.model().method());
  described.precision = loaded.precision();
  described.embedding_dim = model.embedding().dim();
  described.fields = model.schema().fields();
  TANDEM_ASSIGN_OR_RETURN(const StoreState state, model.embedding().store().State());
  int64_t all_rows = 0;
  for (size_t t = 0; t < model.schema().tables().size(); ++t) {
    const int64_t rows =
        loaded.tables != nullptr ? loaded.tables->rows(static_cast<int>(t)) : state.tables[t].rows;
    described.tables.push_back({model.schema().tables()[t].name, rows});
    all_rows += rows;
  }
  if (model.has_teacher()) described.teacher = DescribeTower(model.teacher(), loaded, all_rows);
  if (model.has_student()) described.student = DescribeTower(model.student(), loaded, all_rows);
  if (options.times) {
    TANDEM_ASSIGN_OR_RETURN(const TowerTimes times, MeasureTowers(fs, described.directory, options.kernels));
    if (described.teacher.has_value()) described.teacher->microseconds_per_sample = times.teacher;
    if (described.student.has_value()) described.student->microseconds_per_sample = times.student;
  }
  return described;
}

}  // namespace

absl::StatusOr<ModelDescription> DescribeModel(FileSystem& fs, const std::string& model,
                                               const DescribeOptions& options) {
  ModelDescription described;
  TANDEM_RETURN_IF_ERROR(WithNewest(fs, model, [&](const std::string& directory) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(described, DescribeDirectory(fs, directory, options));
    return absl::OkStatus();
  }));
  return described;
}

std::string ModelDescriptionJson(const ModelDescription& model) {
  Json json;
  json["directory"] = model.directory;
  json["kind"] = model.bundle ? "bundle" : "checkpoint";
  json["method"] = model.method;
  json["precision"] = PrecisionName(model.precision);
  json["embedding_dim"] = model.embedding_dim;
  for (const Field& field : model.fields) {
    json["fields"].push_back({{"name", field.name},
                              {"column", field.column},
                              {"kind", KindName(field)},
                              {"table", model.tables[field.table].name}});
  }
  for (const TableDescription& table : model.tables)
    json["tables"].push_back({{"name", table.name}, {"rows", table.rows}});
  if (model.teacher.has_value()) json["teacher"] = TowerJson(*model.teacher);
  if (model.student.has_value()) {
    json["student"] = TowerJson(*model.student);
    json["model_id"] = model.origin.model_id;
  }
  if (!model.origin.base_id.empty()) json["base_id"] = model.origin.base_id;
  if (!model.origin.last_day.empty()) json["last_day"] = model.origin.last_day;
  if (model.precision_report.has_value()) json["precision_report"] = PrecisionJson(*model.precision_report);
  return JsonText(json, 2) + "\n";
}

std::string ModelDescriptionText(const ModelDescription& model) {
  std::string text =
      absl::StrFormat("%s %s, method %s, %d fields of %d values in %s\n\n",
                      model.bundle ? "bundle" : "checkpoint", Printable(model.directory), model.method,
                      model.fields.size(), model.embedding_dim, PrecisionName(model.precision));
  if (model.student.has_value())
    absl::StrAppend(&text, "student's model id ", Printable(model.origin.model_id), "\n");
  if (!model.origin.base_id.empty())
    absl::StrAppend(&text, "learned online from ", Printable(model.origin.base_id), "\n");
  if (!model.origin.last_day.empty())
    absl::StrAppend(&text, "trained up to ", Printable(model.origin.last_day), "\n");
  absl::StrAppendFormat(&text, "%-20s %-20s %-12s %s\n", "field", "column", "kind", "table");
  for (const Field& field : model.fields) {
    absl::StrAppendFormat(&text, "%-20s %-20s %-12s %s\n", Printable(field.name), Printable(field.column),
                          KindName(field), Printable(model.tables[field.table].name));
  }
  absl::StrAppendFormat(&text, "\n%-20s %12s\n", "table", "rows");
  for (const TableDescription& table : model.tables)
    absl::StrAppendFormat(&text, "%-20s %12d\n", Printable(table.name), table.rows);
  const auto timed = [](const std::optional<TowerDescription>& tower) {
    return tower.has_value() && tower->microseconds_per_sample.has_value();
  };
  absl::StrAppendFormat(&text, "\n%-10s %16s %16s %14s %15s %s\n", "tower", "dense_parameters",
                        "flops_per_sample", "embedding_rows", "embedding_bytes",
                        timed(model.teacher) || timed(model.student) ? "us/sample" : "");
  if (model.teacher.has_value()) text += TowerText("teacher", *model.teacher);
  if (model.student.has_value()) text += TowerText("student", *model.student);
  if (model.precision_report.has_value())
    absl::StrAppend(&text, "\n", PrecisionTable(*model.precision_report));
  return text;
}

}  // namespace tandem
