// tandem inspect: what a run, checkpoint or bundle holds; with --data, what a log holds.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "config/experiment.pb.h"
#include "src/serve/serving_tables.h"
#include "tandem/bundle.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.h"
#include "tandem/predictor.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/inspect_data.h"
#include "tools/precision_table.h"
#include "tools/tower_times.h"
#include "train/state.pb.h"

DEFINE_bool(data, false, "Describe the log of --input instead of a model.");
DEFINE_bool(time, false, "Measure each tower's scoring time, one thread, on rows like the tables' own.");

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

Json DescribeTower(const Tower& tower, const LoadedModel& loaded) {
  const EmbeddingLayer& embedding = loaded.model->embedding();
  Json json;
  json["dense_parameters"] = tower.layout().trained();
  json["flops_per_sample"] = tower.flops_per_sample();
  if (loaded.tables != nullptr) {
    json["embedding_rows"] = loaded.tables->rows();
    json["embedding_bytes"] = loaded.tables->weight_bytes();
  } else {
    json["embedding_rows"] = embedding.rows();
    const int64_t floats = embedding.dim() + (tower.linear() ? 1 : 0);
    json["embedding_bytes"] = embedding.rows() * floats * static_cast<int64_t>(sizeof(float));
  }
  for (const ParameterBlock& block : tower.layout().blocks()) json["parameters"][block.name] = block.shape;
  return json;
}

Json DescribePrecision(const LoadedModel& loaded, const PrecisionReport& report) {
  Json json;
  json["rows"] = report.f32.rows;
  const auto add = [&](const char* name, const Metrics& metrics, const std::string& kernels) {
    json[name] = Json::parse(MetricsToJson(metrics));
    for (const char* unmeasured : {"gauc", "normalized_entropy"}) json[name].erase(unmeasured);
    json[name]["kernels"] = kernels;
  };
  add("f32", report.f32, report.f32_kernels);
  add(PrecisionName(loaded.precision()), report.served, report.served_kernels);
  return json;
}

Json DescribeModel(const std::string& directory, const LoadedModel& loaded) {
  const DualModel& model = *loaded.model;
  Json json;
  json["directory"] = directory;
  json["kind"] = IsBundle(FileSystem::Default(), directory) ? "bundle" : "checkpoint";
  json["method"] = proto::Method_Name(model.experiment().model().method());
  json["precision"] = PrecisionName(loaded.precision());
  json["embedding_dim"] = model.embedding().dim();
  const Schema& schema = model.schema();
  for (const Field& field : schema.fields()) {
    json["fields"].push_back({{"name", field.name},
                              {"column", field.column},
                              {"kind", field.kind == FieldKind::kSparse       ? "sparse"
                                       : field.kind == FieldKind::kBucketized ? "bucketized"
                                                                              : "dense"},
                              {"table", schema.tables()[field.table].name}});
  }
  for (size_t t = 0; t < schema.tables().size(); ++t) {
    const int64_t rows = loaded.tables != nullptr ? loaded.tables->rows(static_cast<int>(t))
                                                  : model.embedding().tables()[t].rows();
    json["tables"].push_back({{"name", schema.tables()[t].name}, {"rows", rows}});
  }
  if (model.has_teacher()) json["teacher"] = DescribeTower(model.teacher(), loaded);
  if (model.has_student()) json["student"] = DescribeTower(model.student(), loaded);
  return json;
}

// Where it comes from: the model id of its student, of the base of one that learned online, and the last day
// of its training.
absl::Status DescribeOrigin(FileSystem& fs, const std::string& directory, bool has_student, Json* json) {
  proto::BundleHeader origin;
  if (IsBundle(fs, directory)) {
    TANDEM_ASSIGN_OR_RETURN(origin, ReadBundleHeader(fs, directory));
  } else {
    TANDEM_ASSIGN_OR_RETURN(origin, DescribeStudent(fs, directory));
  }
  if (has_student) (*json)["model_id"] = origin.model_id();
  if (origin.has_base_id()) (*json)["base_id"] = origin.base_id();
  if (origin.has_last_day()) (*json)["last_day"] = origin.last_day();
  return absl::OkStatus();
}

std::string AsText(const Json& json) {
  std::string text = absl::StrFormat("%s %s, method %s, %d fields of %d values in %s\n\n",
                                     json["kind"].get<std::string>(), json["directory"].get<std::string>(),
                                     json["method"].get<std::string>(), json["fields"].size(),
                                     json["embedding_dim"].get<int>(), json["precision"].get<std::string>());
  for (const auto& [key, title] : {std::make_pair("model_id", "student's model id "),
                                   {"base_id", "learned online from "},
                                   {"last_day", "trained up to "}}) {
    if (json.contains(key)) absl::StrAppend(&text, title, json[key].get<std::string>(), "\n");
  }
  absl::StrAppendFormat(&text, "%-20s %-20s %-12s %s\n", "field", "column", "kind", "table");
  for (const Json& field : json["fields"]) {
    absl::StrAppendFormat(&text, "%-20s %-20s %-12s %s\n", field["name"].get<std::string>(),
                          field["column"].get<std::string>(), field["kind"].get<std::string>(),
                          field["table"].get<std::string>());
  }
  absl::StrAppendFormat(&text, "\n%-20s %12s\n", "table", "rows");
  for (const Json& table : json["tables"]) {
    absl::StrAppendFormat(&text, "%-20s %12d\n", table["name"].get<std::string>(),
                          table["rows"].get<int64_t>());
  }
  absl::StrAppendFormat(&text, "\n%-10s %16s %16s %14s %15s %s\n", "tower", "dense_parameters",
                        "flops_per_sample", "embedding_rows", "embedding_bytes",
                        FLAGS_time ? "us/sample" : "");
  for (const char* name : {"teacher", "student"}) {
    if (!json.contains(name)) continue;
    const Json& tower = json[name];
    absl::StrAppendFormat(&text, "%-10s %16d %16d %14d %15d", name, tower["dense_parameters"].get<int64_t>(),
                          tower["flops_per_sample"].get<int64_t>(), tower["embedding_rows"].get<int64_t>(),
                          tower["embedding_bytes"].get<int64_t>());
    if (tower.contains("microseconds_per_sample")) {
      absl::StrAppendFormat(&text, " %9.2f", tower["microseconds_per_sample"].get<double>());
    }
    text += '\n';
  }
  return text;
}

// The description as JSON, or as text.
absl::StatusOr<std::string> InspectModel() {
  if (FLAGS_model.empty())
    return ConfigError("tandem inspect needs --model, or --data with --input (`tandem help inspect`)");
  if (!FLAGS_input.empty() || !FLAGS_config.empty()) {
    return ConfigError("--input and --config go with --data; a model carries its own configuration");
  }
  FileSystem& fs = FileSystem::Default();
  TANDEM_ASSIGN_OR_RETURN(const Kernels* kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const std::string directory, ResolveModel(fs, FLAGS_model));
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ReadModelExperiment(fs, directory));
  TANDEM_ASSIGN_OR_RETURN(const LoadedModel loaded, LoadModel(fs, directory, experiment, *kernels));
  TANDEM_ASSIGN_OR_RETURN(const std::optional<PrecisionReport> report, ReadPrecisionReport(fs, directory));
  Json json = DescribeModel(directory, loaded);
  TANDEM_RETURN_IF_ERROR(DescribeOrigin(fs, directory, loaded.model->has_student(), &json));
  if (report.has_value()) json["precision_report"] = DescribePrecision(loaded, *report);
  if (FLAGS_time) {
    TANDEM_ASSIGN_OR_RETURN(const TowerTimes times, MeasureTowers(directory, loaded, kernels));
    if (times.teacher.has_value()) json["teacher"]["microseconds_per_sample"] = *times.teacher;
    if (times.student.has_value()) json["student"]["microseconds_per_sample"] = *times.student;
  }
  if (FLAGS_format == "json") return json.dump(2) + "\n";
  std::string text = AsText(json);
  if (report.has_value()) absl::StrAppend(&text, "\n", PrecisionTable(loaded.precision(), *report));
  return text;
}

absl::StatusOr<int> RunInspect(const Invocation& invocation) {
  if (FLAGS_format != "text" && FLAGS_format != "json")
    return ConfigError("--format=", FLAGS_format, ": 'text' or 'json'");
  std::string text;
  if (FLAGS_data) {
    if (!FLAGS_model.empty()) return ConfigError("--data describes a log: --input, not --model");
    if (FLAGS_time) return ConfigError("--time goes with --model");
    TANDEM_ASSIGN_OR_RETURN(text, DescribeData(invocation.overrides, FLAGS_format == "json"));
  } else {
    if (!invocation.overrides.empty())
      return ConfigError("'", invocation.overrides[0], "': overrides go with --data");
    TANDEM_ASSIGN_OR_RETURN(text, InspectModel());
  }
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  TANDEM_RETURN_IF_ERROR(output.Write(text));
  TANDEM_RETURN_IF_ERROR(output.Finish());
  return kExitDone;
}

}  // namespace

Command InspectCommand() {
  return {"inspect",
          "describes a model, or with --data a log",
          "  tandem inspect --model=run [--format=json] [--time]\n"
          "  tandem inspect --data --input='logs/*.tsv.gz' [--config=configs/movielens.pbtxt] "
          "[data.delimiter=,]\n\n"
          "A model: fields, tables, and for each tower parameters, FLOPs a sample (forward, without "
          "look-ups) and embedding "
          "size.\nA log: for each column coverage, distinct values, missing values, and mean and deviation "
          "where it is numeric.",
          {"model", "data", "input", "config", "format", "time", "output", "kernels"},
          {},
          {"data."},
          RunInspect};
}

}  // namespace tandem
