#include "tandem/checkpoint.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "src/config/methods.h"
#include "src/config/stored_experiment.h"
#include "src/nn/model_floats.h"
#include "src/train/checkpoint_state.h"
#include "src/train/day_progress.h"
#include "src/train/run_state.h"
#include "src/util/format_version.h"
#include "src/util/paths.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/records.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr char kCheckpoints[] = "checkpoints";
constexpr char kStepPrefix[] = "step-";
constexpr char kExperimentFile[] = "/experiment.pbtxt";
constexpr char kEmbeddingFile[] = "/embedding.bin";
constexpr char kOwnEmbeddingFile[] = "/student_embedding.bin";
// A checkpoint's files belong together by its MANIFEST; only a bundle's are ever apart.
constexpr char kNoModelId[] = "";

std::string CheckpointsDirectory(const std::string& run_dir) {
  return absl::StrCat(run_dir, "/", kCheckpoints);
}

// Steps of the whole checkpoints, ascending, with their directories' names.
absl::StatusOr<std::vector<std::pair<int64_t, std::string>>> ListCheckpoints(FileSystem& fs,
                                                                             const std::string& run_dir) {
  std::vector<std::pair<int64_t, std::string>> steps;
  if (!fs.Exists(CheckpointsDirectory(run_dir))) return steps;
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(CheckpointsDirectory(run_dir)));
  for (const std::string& name : names) {
    absl::string_view number = name;
    int64_t step = 0;
    if (absl::ConsumePrefix(&number, kStepPrefix) && absl::SimpleAtoi(number, &step))
      steps.emplace_back(step, name);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

absl::Status WriteRecords(FileSystem& fs, const std::string& path, const ParameterLayout& layout,
                          const DenseParameters& parameters) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> writer, RecordWriter::Create(fs, path));
  TANDEM_RETURN_IF_ERROR(SaveParameters(layout, parameters, /*slots=*/true, writer.get()));
  return writer->Close();
}

absl::Status ReadRecords(FileSystem& fs, const std::string& path, const ParameterLayout& layout,
                         EmbeddingLoad how, DenseParameters* parameters) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordReader> reader, RecordReader::Open(fs, path));
  TANDEM_RETURN_IF_ERROR(LoadParameters(path, layout, how, reader.get(), parameters));
  return reader->ExpectEnd();
}

absl::Status WriteBytes(FileSystem& fs, const std::string& path, const std::string& bytes) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file, fs.Create(path));
  TANDEM_RETURN_IF_ERROR(file->Append(bytes));
  return file->Close();
}

// What a checkpoint says of its configuration: neither where the log lay nor how the machine was used.
std::string PortableExperimentText(proto::Experiment experiment) {
  experiment.clear_runtime();
  experiment.mutable_data()->clear_path();
  std::string text;
  google::protobuf::TextFormat::PrintToString(experiment, &text);
  return text;
}

// Before a model is built: what a configuration asks for must be there to be read.
absl::Status CheckWeights(FileSystem& fs, const std::string& path, const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  const auto check = [&](const char* name, double weights) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(const int64_t bytes, fs.Size(path + name));
    return CheckHoldsWeights(path + name, bytes, weights, sizeof(float));
  };
  if (HasTeacher(model)) TANDEM_RETURN_IF_ERROR(check("/teacher.bin", TeacherFloats(experiment).weights));
  if (HasStudent(model)) TANDEM_RETURN_IF_ERROR(check("/student.bin", StudentFloats(experiment).weights));
  return check("/adapters.bin", AdapterWeights(experiment));
}

}  // namespace

std::string StepDirectory(const std::string& run_dir, int64_t step) {
  return absl::StrFormat("%s/%s%06d", CheckpointsDirectory(run_dir), kStepPrefix, step);
}

absl::StatusOr<std::string> NewestCheckpoint(FileSystem& fs, const std::string& run_dir) {
  // A listing may miss both of what a run adds and what it removes meanwhile.
  constexpr int kMostListings = 5;
  for (int listing = 0; listing < kMostListings; ++listing) {
    TANDEM_ASSIGN_OR_RETURN(const auto steps, ListCheckpoints(fs, run_dir));
    if (!steps.empty()) return absl::StrCat(CheckpointsDirectory(run_dir), "/", steps.back().second);
  }
  return std::string();
}

absl::Status RemoveOldCheckpoints(FileSystem& fs, const std::string& run_dir, int keep,
                                  absl::Span<const int64_t> and_steps) {
  TANDEM_ASSIGN_OR_RETURN(auto steps, ListCheckpoints(fs, run_dir));
  for (int old = 0; old + keep < static_cast<int>(steps.size()); ++old) {
    if (std::find(and_steps.begin(), and_steps.end(), steps[old].first) != and_steps.end()) continue;
    const std::string directory = absl::StrCat(CheckpointsDirectory(run_dir), "/", steps[old].second);
    const absl::StatusOr<std::unique_ptr<FileLock>> lock = fs.TryLock(directory);
    const bool is_read = lock.ok() && *lock == nullptr;
    if (!is_read) TANDEM_RETURN_IF_ERROR(RemoveDirectory(fs, directory));
  }
  return absl::OkStatus();
}

absl::Status SaveCheckpoint(FileSystem& fs, const std::string& path, const DualModel& model,
                            const proto::RunState& state, const DayProgress& progress,
                            const std::function<absl::Status(const std::string& aside)>& more) {
  return WriteDirectory(fs, path, [&](const std::string& aside) -> absl::Status {
    TANDEM_RETURN_IF_ERROR(
        WriteBytes(fs, aside + kExperimentFile, PortableExperimentText(model.experiment())));
    std::string state_text;
    google::protobuf::TextFormat::PrintToString(state, &state_text);
    TANDEM_RETURN_IF_ERROR(WriteBytes(fs, aside + "/state.pbtxt", state_text));
    if (more != nullptr) TANDEM_RETURN_IF_ERROR(more(aside));
    TANDEM_RETURN_IF_ERROR(model.embedding().Save(fs, aside + kEmbeddingFile, kNoModelId));
    if (model.has_own_embedding()) {
      TANDEM_RETURN_IF_ERROR(model.student_embedding().Save(fs, aside + kOwnEmbeddingFile, kNoModelId));
    }
    if (model.has_teacher()) {
      TANDEM_RETURN_IF_ERROR(
          WriteRecords(fs, aside + "/teacher.bin", model.teacher().layout(), model.teacher_parameters()));
      TANDEM_RETURN_IF_ERROR(WriteBytes(fs, aside + kTeacherProgressFile, progress.teacher.Serialize()));
    }
    if (model.has_student()) {
      TANDEM_RETURN_IF_ERROR(
          WriteRecords(fs, aside + "/student.bin", model.student().layout(), model.student_parameters()));
      TANDEM_RETURN_IF_ERROR(WriteBytes(fs, aside + kStudentProgressFile, progress.student.Serialize()));
    }
    return WriteRecords(fs, aside + "/adapters.bin", model.loss().layout(), model.adapter_parameters());
  });
}

absl::Status VerifyCheckpoint(FileSystem& fs, const std::string& path) {
  TANDEM_RETURN_IF_ERROR(CheckDirectoryFormat(fs, path));
  absl::Status damage = VerifyDirectory(fs, path);
  if (damage.ok() || !fs.IsDirectory(path)) return damage;
  const std::string checkpoints = ParentPath(path);
  if (checkpoints.substr(checkpoints.rfind('/') + 1) != kCheckpoints) return damage;
  const auto steps = ListCheckpoints(fs, ParentPath(checkpoints));
  if (!steps.ok()) return damage;
  bool is_older = false;
  for (auto step = steps->rbegin(); step != steps->rend(); ++step) {
    const std::string other = absl::StrCat(checkpoints, "/", step->second);
    if (is_older && VerifyDirectory(fs, other).ok()) {
      return absl::Status(damage.code(),
                          absl::StrCat(damage.message(), absl::EndsWith(damage.message(), ".") ? " " : ". ",
                                       other, " is whole: move the damaged one away to go on from it."));
    }
    is_older = is_older || path.substr(path.rfind('/') + 1) == step->second;
  }
  return damage;
}

absl::StatusOr<proto::Experiment> VerifyAndReadExperiment(FileSystem& fs, const std::string& path) {
  TANDEM_RETURN_IF_ERROR(VerifyCheckpoint(fs, path));
  return ReadCheckpointExperiment(fs, path);
}

absl::StatusOr<proto::Experiment> ReadCheckpointExperiment(FileSystem& fs, const std::string& path) {
  const std::string file = path + kExperimentFile;
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(file));
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment,
                          ParseStoredExperiment(text, file, ModelKind::kCheckpoint));
  TANDEM_RETURN_IF_ERROR(CheckWeights(fs, path, experiment));
  return experiment;
}

absl::StatusOr<proto::RunState> ReadRunState(FileSystem& fs, const std::string& path) {
  const std::string file = path + "/state.pbtxt";
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(file));
  TANDEM_ASSIGN_OR_RETURN(proto::RunState state, ParseRunState(text, file));
  // Written before there were student phases.
  if (!state.has_joint_steps()) {
    state.set_joint_steps(state.step());
    state.set_student_optimizer_steps(state.optimizer_steps());
  }
  return state;
}

std::string LastDayOf(const proto::RunState& state) {
  if (state.day_size() == 0) return "";
  // An online student's days are its base's.
  if (state.pass() > 0 || state.has_base_id()) return state.day(state.day_size() - 1 - state.held_out_days());
  const int begun = state.day_index() + (state.block() > 0 || state.batch() > 0 ? 1 : 0);
  return begun == 0 ? "" : state.day(begun - 1);
}

std::string StudentEmbeddingFile(FileSystem& fs, const std::string& path) {
  return path + (fs.Exists(path + kOwnEmbeddingFile) ? kOwnEmbeddingFile : kEmbeddingFile);
}

absl::Status LoadCheckpointEmbedding(FileSystem& fs, const std::string& path, EmbeddingLoad how,
                                     DualModel* model) {
  const std::string file = model->has_teacher() ? path + kEmbeddingFile : StudentEmbeddingFile(fs, path);
  TANDEM_RETURN_IF_ERROR(model->embedding().Load(fs, file, kNoModelId, how));
  if (!model->has_own_embedding()) return absl::OkStatus();
  return model->student_embedding().Load(fs, path + kOwnEmbeddingFile, kNoModelId, how);
}

absl::Status LoadCheckpointTowers(FileSystem& fs, const std::string& path, EmbeddingLoad how,
                                  DualModel* model) {
  model->Initialize();
  if (model->has_teacher()) {
    TANDEM_RETURN_IF_ERROR(
        ReadRecords(fs, path + "/teacher.bin", model->teacher().layout(), how, &model->teacher_parameters()));
  }
  if (model->has_student()) {
    TANDEM_RETURN_IF_ERROR(
        ReadRecords(fs, path + "/student.bin", model->student().layout(), how, &model->student_parameters()));
  }
  if (model->has_teacher() && model->has_student()) {
    TANDEM_RETURN_IF_ERROR(
        ReadRecords(fs, path + "/adapters.bin", model->loss().layout(), how, &model->adapter_parameters()));
  }
  model->Prepare();
  return absl::OkStatus();
}

absl::Status LoadCheckpoint(FileSystem& fs, const std::string& path, EmbeddingLoad how, DualModel* model) {
  TANDEM_RETURN_IF_ERROR(LoadCheckpointTowers(fs, path, how, model));
  return LoadCheckpointEmbedding(fs, path, how, model);
}

absl::Status LoadCheckpoint(FileSystem& fs, const std::string& path, EmbeddingLoad how, DualModel* model,
                            proto::RunState* state, DayProgress* progress) {
  TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs, path, how, model));
  if (state != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(*state, ReadRunState(fs, path));
  }
  if (progress != nullptr) {
    if (model->has_teacher()) {
      TANDEM_ASSIGN_OR_RETURN(progress->teacher, ReadProgress(fs, path + kTeacherProgressFile));
    }
    if (model->has_student()) {
      TANDEM_ASSIGN_OR_RETURN(progress->student, ReadProgress(fs, path + kStudentProgressFile));
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
