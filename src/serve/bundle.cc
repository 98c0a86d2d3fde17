#include "tandem/bundle.h"

#include <google/protobuf/text_format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_format.h"
#include "config/experiment.pb.h"
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

absl::StatusOr<std::unique_ptr<DualModel>> LoadBundle(FileSystem& fs, const std::string& directory,
                                                      const proto::Experiment& experiment,
                                                      const Kernels& kernels) {
  std::string unused_text;
  TANDEM_ASSIGN_OR_RETURN(const Graph graph, OpenGraph(fs, directory, &unused_text));
  auto model = std::make_unique<DualModel>(experiment, kernels, /*trained=*/false);
  model->Initialize();
  TANDEM_RETURN_IF_ERROR(LoadParameters(directory + kGraphFile, model->student().layout(),
                                        ParametersLoad::kReset, graph.reader.get(),
                                        &model->student_parameters()));
  TANDEM_RETURN_IF_ERROR(graph.reader->ExpectEnd());
  TANDEM_RETURN_IF_ERROR(model->embedding().Load(fs, directory + kEmbeddingFile, graph.header.model_id(),
                                                 EmbeddingLoad::kReset));
  model->Prepare();
  return model;
}

// The student's model id: what the checkpoint's MANIFEST says of every byte in it.
absl::StatusOr<std::string> ModelId(FileSystem& fs, const std::string& checkpoint) {
  TANDEM_ASSIGN_OR_RETURN(const std::string manifest, fs.ReadFile(checkpoint + "/MANIFEST"));
  const XXH128_hash_t hash = XXH3_128bits(manifest.data(), manifest.size());
  return absl::StrFormat("%016x%016x", hash.high64, hash.low64);
}

}  // namespace

bool IsBundle(FileSystem& fs, const std::string& directory) { return fs.Exists(directory + kGraphFile); }

absl::StatusOr<std::string> ResolveModel(FileSystem& fs, const std::string& model) {
  if (!fs.Exists(model)) return ModelError(model, ": no such model");
  if (!fs.IsDirectory(model)) {
    return ModelError(
        model,
        ": a file, where a model is a directory: a run, a checkpoint (RUN/checkpoints/step-N) or a bundle");
  }
  if (IsBundle(fs, model) || fs.Exists(model + kStateFile)) return model;
  if (fs.Exists(model + "/config.pbtxt") || fs.Exists(model + "/checkpoints")) {
    TANDEM_ASSIGN_OR_RETURN(const std::string newest, NewestCheckpoint(fs, model));
    if (newest.empty()) return ModelError(model, ": a run that has no checkpoint yet");
    return newest;
  }
  return ModelError(model, ": neither a run, nor a checkpoint, nor a bundle");
}

absl::StatusOr<proto::Experiment> ReadModelExperiment(FileSystem& fs, const std::string& directory) {
  if (!IsBundle(fs, directory)) return VerifyAndReadExperiment(fs, directory);
  TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs, directory));
  std::string text;
  TANDEM_ASSIGN_OR_RETURN(const Graph graph, OpenGraph(fs, directory, &text));
  absl::StatusOr<proto::Experiment> experiment = ParseExperiment(text, directory + kGraphFile);
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

absl::StatusOr<std::unique_ptr<DualModel>> LoadModel(FileSystem& fs, const std::string& directory,
                                                     const proto::Experiment& experiment,
                                                     const Kernels& kernels) {
  if (IsBundle(fs, directory)) return LoadBundle(fs, directory, experiment, kernels);
  auto model = std::make_unique<DualModel>(experiment, kernels, /*trained=*/false);
  TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs, directory, EmbeddingLoad::kReset, model.get(), nullptr, nullptr));
  return model;
}

absl::Status ExportBundle(FileSystem& fs, const std::string& checkpoint, const Kernels& kernels,
                          const std::string& output) {
  if (fs.Exists(output))
    return ConfigError("--output: ", output, " is there already; a bundle is never written over");
  if (IsBundle(fs, checkpoint)) return ConfigError("--model: ", checkpoint, " is a bundle already");
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, VerifyAndReadExperiment(fs, checkpoint));
  TANDEM_RETURN_IF_ERROR(ChooseTowers(TowerChoice::kStudent, checkpoint, &experiment));
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<DualModel> model,
                          LoadModel(fs, checkpoint, experiment, kernels));
  TANDEM_ASSIGN_OR_RETURN(const std::string model_id, ModelId(fs, checkpoint));

  // The graph says what serving needs to know: neither the teacher nor how the student was trained.
  proto::Experiment served = experiment;
  served.clear_runtime();
  served.mutable_data()->clear_path();
  served.mutable_model()->clear_teacher();
  served.mutable_model()->clear_distill();
  std::string text;
  google::protobuf::TextFormat::PrintToString(served, &text);

  return WriteDirectory(fs, output, [&](const std::string& aside) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> graph,
                            RecordWriter::Create(fs, aside + kGraphFile));
    proto::BundleHeader header;
    header.set_model_id(model_id);
    TANDEM_RETURN_IF_ERROR(graph->Append(header.SerializeAsString()));
    TANDEM_RETURN_IF_ERROR(graph->Append(text));
    TANDEM_RETURN_IF_ERROR(
        SaveParameters(model->student().layout(), model->student_parameters(), /*slots=*/false, graph.get()));
    TANDEM_RETURN_IF_ERROR(graph->Close());
    return model->embedding().Save(fs, aside + kEmbeddingFile, model_id, /*slots=*/false);
  });
}

}  // namespace tandem
