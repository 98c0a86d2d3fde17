#include "tandem/bundle.h"

#include <glog/logging.h>
#include <google/protobuf/text_format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "config/experiment.pb.h"
#include "src/serve/precision_proto.h"
#include "src/serve/quantize.h"
#include "src/serve/serving_tables.h"
#include "src/util/links.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.h"
#include "tandem/status.h"
#include "train/state.pb.h"

namespace tandem {
namespace {

constexpr char kGraphFile[] = "/graph.bin";
constexpr char kEmbeddingFile[] = "/embedding.bin";
constexpr char kStateFile[] = "/state.pbtxt";

struct Graph {
  proto::BundleHeader header;
  std::unique_ptr<RecordReader> reader;  // at the parameters
};

absl::Status BadGraph(const std::string& path) {
  return ModelError(path, ": a graph of another version, or damaged. Nothing was loaded.");
}

// Opens a bundle's graph and reads up to the parameters.
absl::StatusOr<Graph> OpenGraph(FileSystem& fs, const std::string& directory, std::string* experiment_text) {
  const std::string path = directory + kGraphFile;
  Graph graph;
  TANDEM_ASSIGN_OR_RETURN(graph.reader, RecordReader::Open(fs, path));
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, graph.reader->Next());
  if (!graph.header.ParseFromArray(record.data(), static_cast<int>(record.size()))) return BadGraph(path);
  TANDEM_ASSIGN_OR_RETURN(record, graph.reader->Next());
  experiment_text->assign(record.data(), record.size());
  return graph;
}

// Reads the student's parameters, whose MLP is in low precision.
absl::Status LoadServedParameters(const std::string& path, const proto::Tower& student, Precision precision,
                                  const ParameterLayout& layout, RecordReader* reader, float* values) {
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, reader->Next());
  proto::ParametersHeader header;
  if (!header.ParseFromArray(record.data(), static_cast<int>(record.size()))) return BadGraph(path);
  if (header.block_size() != static_cast<int>(layout.blocks().size())) return BadGraph(path);
  for (int b = 0; b < header.block_size(); ++b) {
    const ParameterBlock& block = layout.blocks()[b];
    const proto::ParametersHeader::Block& read = header.block(b);
    const Precision stored = BlockPrecision(student, block, precision);
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    if (read.name() != block.name ||
        std::vector<int>(read.shape().begin(), read.shape().end()) != block.shape ||
        read.precision() != ToProto(stored) ||
        static_cast<int64_t>(record.size()) != EncodedBytes(block, stored)) {
      return BadGraph(path);
    }
    DecodeWeights(record, block, stored, values + block.offset);
  }
  return absl::OkStatus();
}

absl::Status SaveServedParameters(const proto::Tower& student, Precision precision,
                                  const ParameterLayout& layout, const float* values, RecordWriter* writer) {
  proto::ParametersHeader header;
  header.set_slots(0);
  for (const ParameterBlock& block : layout.blocks()) {
    proto::ParametersHeader::Block* written = header.add_block();
    written->set_name(block.name);
    for (const int extent : block.shape) written->add_shape(extent);
    written->set_precision(ToProto(BlockPrecision(student, block, precision)));
  }
  TANDEM_RETURN_IF_ERROR(writer->Append(header.SerializeAsString()));
  for (const ParameterBlock& block : layout.blocks()) {
    TANDEM_RETURN_IF_ERROR(writer->Append(
        EncodeWeights(block, BlockPrecision(student, block, precision), values + block.offset)));
  }
  return absl::OkStatus();
}

// The rows of `model`, a student, for reading only.
absl::Status LoadTables(FileSystem& fs, const std::string& path, const std::string& model_id,
                        Precision precision, LoadedModel* loaded) {
  const DualModel& model = *loaded->model;
  TANDEM_ASSIGN_OR_RETURN(ServingTables tables,
                          ServingTables::Load(fs, path, model_id, model.schema(), model.embedding().dim(),
                                              model.student().linear(), precision, model.kernels()));
  loaded->tables = std::make_unique<ServingTables>(std::move(tables));
  return absl::OkStatus();
}

absl::StatusOr<LoadedModel> LoadBundle(FileSystem& fs, const std::string& directory,
                                       const proto::Experiment& experiment, const Kernels& kernels) {
  std::string unused_text;
  TANDEM_ASSIGN_OR_RETURN(const Graph graph, OpenGraph(fs, directory, &unused_text));
  const std::string path = directory + kGraphFile;
  const std::string& model_id = graph.header.model_id();
  const Precision precision = FromProto(graph.header.precision());
  LoadedModel loaded;
  loaded.model = std::make_unique<DualModel>(experiment, kernels, /*trained=*/false);
  DualModel& model = *loaded.model;
  const ParameterLayout& layout = model.student().layout();
  if (precision == Precision::kF32) {
    TANDEM_RETURN_IF_ERROR(LoadParameters(path, layout, EmbeddingLoad::kServed, graph.reader.get(),
                                          &model.student_parameters()));
  } else {
    TANDEM_RETURN_IF_ERROR(LoadServedParameters(path, experiment.model().student(), precision, layout,
                                                graph.reader.get(),
                                                model.student_parameters().values.data()));
  }
  TANDEM_RETURN_IF_ERROR(graph.reader->ExpectEnd());
  TANDEM_RETURN_IF_ERROR(LoadTables(fs, directory + kEmbeddingFile, model_id, precision, &loaded));
  model.Prepare();
  return loaded;
}

// The student's model id: what the checkpoint's MANIFEST says of every byte in it, and the precision.
absl::StatusOr<std::string> ModelId(FileSystem& fs, const std::string& checkpoint, Precision precision) {
  TANDEM_ASSIGN_OR_RETURN(std::string manifest, fs.ReadFile(checkpoint + "/MANIFEST"));
  if (precision != Precision::kF32) manifest += PrecisionName(precision);
  const XXH128_hash_t hash = XXH3_128bits(manifest.data(), manifest.size());
  return absl::StrFormat("%016x%016x", hash.high64, hash.low64);
}

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

// Sums of int32 hold this many products of bytes.
constexpr int kMostInt8Inputs = 66000;

// Scores with both; an error if AUC falls too far.
absl::StatusOr<PrecisionReport> Measure(const Predictor& f32, const Predictor& served,
                                        const ExportOptions& options) {
  CHECK(options.score != nullptr) << "low precision is measured";
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ScoreLog> logs, options.score({&f32, &served}));
  CHECK_EQ(logs.size(), 2u);
  PrecisionReport report;
  report.f32 = ComputeMetrics(logs[0], /*with_groups=*/false);
  report.served = ComputeMetrics(logs[1], /*with_groups=*/false);
  report.f32_kernels = f32.student_kernels();
  report.served_kernels = served.student_kernels();
  const char* precision = PrecisionName(options.precision);
  if (!report.f32.auc || !report.served.auc) {
    return DataError("--precision=", precision, ": the AUC of the ", report.f32.rows,
                     " rows to measure with is undefined; they must hold clicks and non-clicks");
  }
  const double loss = *report.f32.auc - *report.served.auc;
  if (!(loss <= options.max_auc_loss)) {
    return ConfigError(absl::StrFormat(
        "--precision=%s: AUC falls from %.6f to %.6f, by %.6f where --max_auc_loss allows %g; no bundle was "
        "written. bf16 loses less than int8, f32 nothing",
        precision, *report.f32.auc, *report.served.auc, loss, options.max_auc_loss));
  }
  return report;
}

}  // namespace

LoadedModel::LoadedModel() = default;
LoadedModel::LoadedModel(LoadedModel&&) noexcept = default;
LoadedModel& LoadedModel::operator=(LoadedModel&&) noexcept = default;
LoadedModel::~LoadedModel() = default;

Precision LoadedModel::precision() const { return tables != nullptr ? tables->precision() : Precision::kF32; }

bool IsBundle(FileSystem& fs, const std::string& directory) { return fs.Exists(directory + kGraphFile); }

absl::StatusOr<std::string> StudentModelId(FileSystem& fs, const std::string& checkpoint) {
  return ModelId(fs, checkpoint, Precision::kF32);
}

absl::StatusOr<proto::BundleHeader> DescribeStudent(FileSystem& fs, const std::string& checkpoint) {
  proto::BundleHeader header;
  TANDEM_ASSIGN_OR_RETURN(*header.mutable_model_id(), StudentModelId(fs, checkpoint));
  TANDEM_ASSIGN_OR_RETURN(const proto::RunState state, ReadRunState(fs, checkpoint));
  if (state.has_base_id()) header.set_base_id(state.base_id());
  const std::string last_day = LastDayOf(state);
  if (!last_day.empty()) header.set_last_day(last_day);
  return header;
}

absl::StatusOr<proto::BundleHeader> ReadBundleHeader(FileSystem& fs, const std::string& bundle) {
  std::string unused_text;
  TANDEM_ASSIGN_OR_RETURN(Graph graph, OpenGraph(fs, bundle, &unused_text));
  return std::move(graph.header);
}

absl::StatusOr<std::string> ResolveModel(FileSystem& fs, const std::string& link_or_model) {
  const std::string model = FollowLink(link_or_model);
  if (!fs.Exists(model)) return ModelError(model, ": no such model");
  if (!fs.IsDirectory(model)) {
    return ModelError(
        model,
        ": a file, where a model is a directory: a run, a checkpoint (RUN/checkpoints/step-N) or a bundle");
  }
  if (IsBundle(fs, model) || fs.Exists(model + kStateFile)) return model;
  if (fs.Exists(model + "/days.jsonl") || fs.Exists(model + "/days")) {
    return ModelError(model, ": a folder of `tandem daily`; its model in place is ", model, "/published",
                      fs.Exists(model + "/published") ? "" : ", once one was published");
  }
  if (fs.Exists(model + "/config.pbtxt") || fs.Exists(model + "/checkpoints")) {
    TANDEM_ASSIGN_OR_RETURN(const std::string newest, NewestCheckpoint(fs, model));
    if (newest.empty()) return ModelError(model, ": a run that has no checkpoint yet");
    const absl::StatusOr<std::string> complete = fs.ReadFile(model + "/complete");
    int64_t step = 0;
    if (complete.ok() &&
        absl::SimpleAtoi(absl::StripPrefix(absl::StripAsciiWhitespace(*complete), "step "), &step) &&
        StepDirectory(model, step) != newest) {
      LOG(WARNING) << model << " was complete at step " << step << ", but its newest checkpoint is " << newest
                   << ": it lacks what came after; train or finetune --resume brings it back";
    }
    return newest;
  }
  return ModelError(model, ": neither a run, nor a checkpoint, nor a bundle");
}

absl::StatusOr<proto::Experiment> ReadModelExperiment(FileSystem& fs, const std::string& directory) {
  if (!IsBundle(fs, directory)) return VerifyAndReadExperiment(fs, directory);
  TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs, directory));
  return ReadBundleExperiment(fs, directory);
}

absl::StatusOr<proto::Experiment> ReadBundleExperiment(FileSystem& fs, const std::string& bundle) {
  std::string text;
  TANDEM_ASSIGN_OR_RETURN(const Graph graph, OpenGraph(fs, bundle, &text));
  absl::StatusOr<proto::Experiment> experiment = ParseExperiment(text, bundle + kGraphFile);
  if (!experiment.ok()) return ModelError(experiment.status().message());
  ResolveDefaults(&*experiment);
  return experiment;
}

absl::Status ChooseTowers(TowerChoice towers, const std::string& directory, proto::Experiment* experiment) {
  const proto::Method method = experiment->model().method();
  if (towers == TowerChoice::kTeacher) {
    if (method == proto::STUDENT_ALONE)
      return ConfigError("--tower=teacher: ", directory, " has a student only");
    experiment->mutable_model()->set_method(proto::TEACHER_ALONE);
  } else if (towers == TowerChoice::kStudent) {
    if (method == proto::TEACHER_ALONE)
      return ConfigError("--tower=student: ", directory, " has a teacher only");
    experiment->mutable_model()->set_method(proto::STUDENT_ALONE);
  }
  return absl::OkStatus();
}

absl::StatusOr<LoadedModel> LoadModel(FileSystem& fs, const std::string& directory,
                                      const proto::Experiment& experiment, const Kernels& kernels) {
  if (IsBundle(fs, directory)) return LoadBundle(fs, directory, experiment, kernels);
  LoadedModel loaded;
  loaded.model = std::make_unique<DualModel>(experiment, kernels, /*trained=*/false);
  if (!loaded.model->has_teacher()) {
    TANDEM_RETURN_IF_ERROR(LoadCheckpointTowers(fs, directory, EmbeddingLoad::kServed, loaded.model.get()));
    TANDEM_RETURN_IF_ERROR(
        LoadTables(fs, StudentEmbeddingFile(fs, directory), /*model_id=*/"", Precision::kF32, &loaded));
    return loaded;
  }
  TANDEM_RETURN_IF_ERROR(
      LoadCheckpoint(fs, directory, EmbeddingLoad::kServed, loaded.model.get(), nullptr, nullptr));
  return loaded;
}

absl::StatusOr<std::optional<PrecisionReport>> ReadPrecisionReport(FileSystem& fs,
                                                                   const std::string& directory) {
  if (!IsBundle(fs, directory)) return std::optional<PrecisionReport>();
  std::string unused_text;
  TANDEM_ASSIGN_OR_RETURN(const Graph graph, OpenGraph(fs, directory, &unused_text));
  if (!graph.header.has_report()) return std::optional<PrecisionReport>();
  const proto::PrecisionReport& stored = graph.header.report();
  PrecisionReport report;
  report.f32 = FiguresFromProto(stored.f32(), stored.rows());
  report.served = FiguresFromProto(stored.served(), stored.rows());
  report.f32_kernels = stored.f32_kernels();
  report.served_kernels = stored.served_kernels();
  return std::optional<PrecisionReport>(report);
}

absl::StatusOr<std::optional<PrecisionReport>> ExportBundle(FileSystem& fs, const std::string& checkpoint,
                                                            const std::string& output,
                                                            const ExportOptions& options) {
  if (fs.Exists(output))
    return ConfigError("--output: ", output, " is there already; a bundle is never written over");
  if (IsBundle(fs, checkpoint)) return ConfigError("--model: ", checkpoint, " is a bundle already");
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, VerifyAndReadExperiment(fs, checkpoint));
  if (experiment.model().method() == proto::TEACHER_ALONE)
    return ConfigError("--model: ", checkpoint, " has a teacher only; a bundle serves the student");
  TANDEM_RETURN_IF_ERROR(ChooseTowers(TowerChoice::kStudent, checkpoint, &experiment));
  const Precision precision = options.precision;
  PredictorOptions predictor_options;
  predictor_options.towers = TowerChoice::kStudent;
  predictor_options.kernels = options.kernels;
  predictor_options.data_overrides = options.data_overrides;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> f32,
                          Predictor::Load(checkpoint, predictor_options));
  const DualModel& model = f32->model();
  const proto::Tower& student = experiment.model().student();
  const ParameterLayout& layout = model.student().layout();
  TANDEM_ASSIGN_OR_RETURN(const std::string model_id, ModelId(fs, checkpoint, precision));

  TANDEM_ASSIGN_OR_RETURN(proto::BundleHeader header, DescribeStudent(fs, checkpoint));
  header.set_model_id(model_id);
  std::optional<PrecisionReport> report;
  std::unique_ptr<Predictor> served;
  if (precision != Precision::kF32) {
    for (const ParameterBlock& block : layout.blocks()) {
      if (BlockPrecision(student, block, precision) == Precision::kInt8 && block.shape[0] > kMostInt8Inputs) {
        return ConfigError("--precision=int8: ", block.name, " has ", block.shape[0],
                           " inputs; int8 carries up to ", kMostInt8Inputs, ". Try bf16");
      }
    }
    served = f32->InPrecision(precision);
    TANDEM_ASSIGN_OR_RETURN(report, Measure(*f32, *served, options));
    header.set_precision(ToProto(precision));
    proto::PrecisionReport& stored = *header.mutable_report();
    stored.set_rows(report->f32.rows);
    FiguresToProto(report->f32, stored.mutable_f32());
    FiguresToProto(report->served, stored.mutable_served());
    stored.set_f32_kernels(report->f32_kernels);
    stored.set_served_kernels(report->served_kernels);
  }

  // The graph says what serving needs to know: neither the teacher nor how the student was trained.
  proto::Experiment served_experiment = experiment;
  served_experiment.clear_runtime();
  served_experiment.mutable_data()->clear_path();
  served_experiment.mutable_model()->clear_teacher();
  served_experiment.mutable_model()->clear_distill();
  std::string text;
  google::protobuf::TextFormat::PrintToString(served_experiment, &text);

  TANDEM_RETURN_IF_ERROR(WriteDirectory(fs, output, [&](const std::string& aside) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> graph,
                            RecordWriter::Create(fs, aside + kGraphFile));
    TANDEM_RETURN_IF_ERROR(graph->Append(header.SerializeAsString()));
    TANDEM_RETURN_IF_ERROR(graph->Append(text));
    if (precision == Precision::kF32) {
      TANDEM_RETURN_IF_ERROR(
          SaveParameters(layout, model.student_parameters(), /*slots=*/false, graph.get()));
      TANDEM_RETURN_IF_ERROR(graph->Close());
      return f32->tables()->Save(fs, aside + kEmbeddingFile, model_id);
    }
    TANDEM_RETURN_IF_ERROR(SaveServedParameters(student, precision, layout,
                                                model.student_parameters().values.data(), graph.get()));
    TANDEM_RETURN_IF_ERROR(graph->Close());
    return served->tables()->Save(fs, aside + kEmbeddingFile, model_id);
  }));
  return report;
}

}  // namespace tandem
