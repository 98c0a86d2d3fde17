#include "tandem/predictor.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

#include "src/config/ranges.h"
#include "src/config/validate.h"
#include "src/kernels/mixed_precision.h"
#include "src/serve/bundle_files.h"
#include "src/serve/loaded_model.h"
#include "src/serve/probe.h"
#include "src/serve/quantize.h"
#include "src/serve/serving_tables.h"
#include "src/serve/student_scorer.h"
#include "src/util/profile.h"
#include "tandem/dual_model.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/loss.h"
#include "tandem/model_directory.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Rows that go through the towers at a time: their activations stay in the cache.
constexpr int kTileRows = 128;
// Keys of a table that a model is asked about before it serves.
constexpr int kProbeKeys = 63;
// The same for a plain student, whose tile stays there from the look-up to the logit.
constexpr int kStudentTileRows = 32;

// What may be said of the files to score: as it is checked before training.
absl::Status CheckData(proto::Experiment experiment) {
  experiment.mutable_data()->set_path("a model knows none");
  TANDEM_RETURN_IF_ERROR(CheckRanges(experiment.data(), "data"));
  std::vector<const proto::Feature*> features;
  TANDEM_RETURN_IF_ERROR(ValidateFeatures(experiment, &features));
  return ValidateData(experiment, features);
}

// `own`: of the student's own tables, which hold none of what its teachers alone read; null: it has none.
void CountUnknown(const Schema& schema, const Batch& batch, const BatchRows& shared, const BatchRows* own,
                  std::vector<int64_t>* unknown) {
  for (size_t f = 0; f < batch.fields.size(); ++f) {
    const int field = static_cast<int>(f), table = schema.fields()[f].table;
    const BatchRows& rows = own == nullptr || schema.fields()[f].teacher_only ? shared : *own;
    for (size_t i = 0; i < batch.fields[f].keys.size(); ++i)
      (*unknown)[f] += rows.has_row(field, table, i) ? 0 : 1;
  }
}

// A batch that somebody else made: each field has the bag of each row.
absl::Status CheckBatch(const Batch& batch, const Schema& schema) {
  if (batch.fields.size() != schema.fields().size()) {
    return ConfigError("a batch of ", batch.fields.size(), " fields for a model of ", schema.fields().size());
  }
  const size_t rows = batch.labels.size();
  for (size_t f = 0; f < batch.fields.size(); ++f) {
    const FieldBags& bags = batch.fields[f];
    if (bags.offsets.size() == rows + 1 && bags.offsets.back() == bags.keys.size() &&
        bags.keys.size() == bags.coefficients.size())
      continue;
    return ConfigError("a batch of ", rows, " rows whose field '", schema.fields()[f].name, "' has ",
                       bags.offsets.size(), " offsets (one more than rows are wanted), ", bags.keys.size(),
                       " keys and ", bags.coefficients.size(), " coefficients");
  }
  return absl::OkStatus();
}

}  // namespace

struct Predictor::Workspace {
  BatchRows rows, own_rows;
  GatherScratch gather;
  AlignedFloats x;
  std::vector<uint16_t> rounded;  // in place of x, where the student's first layer reads bfloat16
  std::vector<float> teacher_linear, student_linear;
  CommitteeWorkspace teacher;
  TowerWorkspace student;
  AlignedFloats scorer;
  std::vector<float> logits;
};

// Workspaces that no thread is using. A thread finds the one that it used last without waiting for others.
struct Predictor::Pool {
  ~Pool() {
    for (Place& place : places) delete place.workspace.load();
  }

  // Null when there is none.
  std::unique_ptr<Workspace> Take() {
    const int own = OwnPlace();
    for (int i = 0; i < kPlaces; ++i) {
      std::atomic<Workspace*>& workspace = places[(own + i) % kPlaces].workspace;
      if (workspace.load(std::memory_order_relaxed) == nullptr) continue;
      Workspace* const taken = workspace.exchange(nullptr, std::memory_order_acquire);
      if (taken != nullptr) return std::unique_ptr<Workspace>(taken);
    }
    return nullptr;
  }

  void Return(std::unique_ptr<Workspace> w) {
    const int own = OwnPlace();
    for (int i = 0; i < kPlaces; ++i) {
      Workspace* empty = nullptr;
      if (places[(own + i) % kPlaces].workspace.compare_exchange_strong(
              empty, w.get(), std::memory_order_release, std::memory_order_relaxed)) {
        static_cast<void>(w.release());  // the place has it
        return;
      }
    }
  }

 private:
  static constexpr int kPlaces = 64;
  struct alignas(64) Place {
    std::atomic<Workspace*> workspace{nullptr};
  };

  static int OwnPlace() {
    static std::atomic<unsigned> threads{0};
    thread_local const unsigned thread = threads.fetch_add(1, std::memory_order_relaxed);
    return static_cast<int>(thread % kPlaces);
  }

  std::array<Place, kPlaces> places;
};

Predictor::Predictor() : pool_(std::make_unique<Pool>()) {}
Predictor::~Predictor() = default;

absl::StatusOr<std::unique_ptr<Predictor>> Predictor::Load(const std::string& model,
                                                           const PredictorOptions& options) {
  FileSystem& fs = *options.file_system;
  std::unique_ptr<Predictor> predictor;
  const auto load = [&](const std::string& directory) -> absl::Status {
    predictor.reset(new Predictor());
    predictor->directory_ = directory;
    predictor->file_system_ = &fs;
    if (!IsBundle(fs, directory)) {
      TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment, ReadModelExperiment(fs, directory));
      return predictor->Build(experiment, options);
    }
    // Verified while it is loaded: reading a damaged one ends in an error too, but a less telling one.
    absl::Status verified;
    std::thread verifier([&] { verified = VerifyDirectory(fs, directory); });
    const absl::StatusOr<proto::Experiment> experiment = ReadBundleExperiment(fs, directory);
    const absl::Status built = experiment.ok() ? predictor->Build(*experiment, options) : experiment.status();
    verifier.join();
    return verified.ok() ? built : verified;
  };
  TANDEM_RETURN_IF_ERROR(WithNewest(fs, model, load));
  return predictor;
}

absl::Status Predictor::Build(proto::Experiment experiment, const PredictorOptions& options) {
  CHECK(options.products != Precision::kInt8);
  FileSystem& fs = *options.file_system;
  TANDEM_RETURN_IF_ERROR(ChooseTowers(options.towers, directory_, &experiment));
  members_ = options.members;
  // The correction belongs to the log that the model learned from, whatever the file to score is.
  logit_offset_ = std::log(experiment.data().negative_keep_rate());
  for (const std::string& override_text : options.data_overrides) {
    TANDEM_RETURN_IF_ERROR(ApplyOverride(override_text, &experiment));
  }
  if (!options.data_overrides.empty()) TANDEM_RETURN_IF_ERROR(CheckData(experiment));
  TANDEM_ASSIGN_OR_RETURN(model_id_, ReadModelId(fs, directory_));
  const Kernels& floats = KernelsOrBest(options.kernels);
  const Kernels& kernels = options.products == Precision::kBf16 ? WithBf16Factors(floats) : floats;
  TANDEM_ASSIGN_OR_RETURN(LoadedModel loaded,
                          LoadModel(fs, directory_, experiment, kernels, options.row_stores));
  model_ = std::move(loaded.model);
  tables_ = std::move(loaded.tables);
  if (options.products != Precision::kF32 && tables_ != nullptr && tables_->precision() != Precision::kF32)
    return ConfigError("precision bf16: ", directory_, " was exported in ",
                       PrecisionName(tables_->precision()), ", and multiplies so");
  Prepare();
  // Finite weights may still be so large that no score is.
  std::vector<std::vector<uint64_t>> keys(schema().tables().size());
  for (int t = 0; t < static_cast<int>(keys.size()); ++t) {
    if (tables_ != nullptr) {
      const absl::Span<const uint64_t> first = tables_->keys(t).subspan(0, kProbeKeys);
      keys[t].assign(first.begin(), first.end());
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(keys[t], model_->embedding().store().Keys(t, kProbeKeys));
  }
  return ProveByScoring(*this, ProbeRows(schema(), keys));
}

std::unique_ptr<Predictor> Predictor::InPrecision(Precision precision) const {
  CHECK(tables_ != nullptr && tables_->precision() == Precision::kF32);
  const Kernels& kernels = model_->kernels();
  std::unique_ptr<Predictor> low(new Predictor());
  low->directory_ = directory_;
  low->file_system_ = file_system_;
  low->model_id_ = model_id_;
  low->logit_offset_ = logit_offset_;
  low->model_ = std::make_unique<DualModel>(experiment(), kernels, /*trained=*/false);
  float* values = low->model_->student_parameters().values.data();
  const AlignedFloats& from = model_->student_parameters().values;
  std::copy(from.begin(), from.end(), values);
  for (const ParameterBlock& block : model_->student().layout().blocks()) {
    const Precision stored = BlockPrecision(low->model_->student(), block, precision);
    DecodeWeights(EncodeWeights(block, stored, from.data() + block.offset), block, stored,
                  values + block.offset);
  }
  low->model_->Prepare();
  low->tables_ = std::make_unique<ServingTables>(
      ServingTables::From(*tables_, low->model_->schema(), precision, kernels));
  low->Prepare();
  return low;
}

void Predictor::Prepare() {
  format_ = MakeSampleFormat(experiment().data());
  tile_rows_ = has_teacher() ? kTileRows : kStudentTileRows;
  if (!has_student()) return;
  const std::vector<PlainStudent> heads =
      PlainStudentsOf(model_->student(), model_->student_parameters().values.data());
  if (!heads.empty())
    scorer_ = MakeStudentScorer(heads, tables_ != nullptr ? tables_->precision() : Precision::kF32,
                                model_->kernels());
}

const Schema& Predictor::schema() const { return model_->schema(); }
bool Predictor::has_teacher() const { return model_->has_teacher(); }
bool Predictor::has_student() const { return model_->has_student(); }
std::string Predictor::student_kernels() const {
  return scorer_ != nullptr ? scorer_->variant() : model_->kernels().name();
}
const proto::Experiment& Predictor::experiment() const { return model_->experiment(); }

std::unique_ptr<Predictor::Workspace> Predictor::MakeWorkspace() const {
  auto w = std::make_unique<Workspace>();
  const int dim = std::max(model_->embedding().dim(), model_->student_embedding().dim());
  w->x.resize(static_cast<size_t>(tile_rows_) * model_->embedding().fields() * dim);
  if (has_teacher()) w->teacher = model_->teacher().MakeWorkspace(tile_rows_);
  if (has_student() && scorer_ == nullptr) w->student = model_->student().MakeWorkspace(tile_rows_);
  if (scorer_ != nullptr) w->scorer.resize(scorer_->workspace_floats(tile_rows_));
  if (scorer_ != nullptr && tables_ != nullptr && tables_->precision() == Precision::kBf16)
    w->rounded.resize(tile_rows_ * scorer_->rounded_stride());
  if (has_teacher()) w->teacher_linear.resize(static_cast<size_t>(tile_rows_) * model_->teacher().linear());
  if (has_student() && model_->student().linear()) w->student_linear.resize(tile_rows_);
  w->logits.resize(tile_rows_);
  return w;
}

absl::Status Predictor::Score(const Batch& batch, Scores* scores, std::vector<int64_t>* unknown) const {
  TANDEM_RETURN_IF_ERROR(CheckBatch(batch, schema()));
  std::unique_ptr<Workspace> w = pool_->Take();
  if (w == nullptr) w = MakeWorkspace();
  scores->teacher.resize(has_teacher() ? batch.rows() : 0);
  scores->student.resize(has_student() ? batch.rows() : 0);
  float* teacher_linear = w->teacher_linear.empty() ? nullptr : w->teacher_linear.data();
  float* student_linear = w->student_linear.empty() ? nullptr : w->student_linear.data();
  uint16_t* const rounded = w->rounded.empty() ? nullptr : w->rounded.data();
  const EmbeddingView& of_teacher = model_->served_teacher_input();
  const EmbeddingView& of_student = model_->served_student_input();
  const bool shares = has_teacher() && has_student() && model_->SharesInput(of_teacher, of_student);
  const int members =
      members_ && has_teacher() && model_->teacher().size() > 1 ? model_->teacher().size() : 0;
  scores->members.resize(members);
  for (std::vector<float>& member : scores->members) member.resize(batch.rows());
  if (unknown != nullptr) unknown->assign(fields(), 0);
  w->gather.unknown = unknown;
  if (tables_ == nullptr) {
    StageTimer timer(Stage::kLookup, batch.rows());
    TANDEM_RETURN_IF_ERROR(model_->embedding().Lookup(batch, &w->rows));
    if (model_->has_own_embedding())
      TANDEM_RETURN_IF_ERROR(model_->student_embedding().Lookup(batch, &w->own_rows));
    if (unknown != nullptr)
      CountUnknown(schema(), batch, w->rows, model_->has_own_embedding() ? &w->own_rows : nullptr, unknown);
  }
  for (int first = 0; first < batch.rows(); first += tile_rows_) {
    const int rows = std::min(tile_rows_, batch.rows() - first);
    const auto input = [&](const EmbeddingView& view, const EmbeddingLayer& embedding) {
      const int floats = static_cast<int>(view.fields.size()) * embedding.dim();
      return Matrix{w->x.data(), rows, floats, floats};
    };
    const auto probabilities = [&](const float* logits, float* out) {
      for (int row = 0; row < rows; ++row)
        out[row] = static_cast<float>(Sigmoid(logits[row] + logit_offset_));
    };
    if (has_teacher()) {
      const Matrix x = input(of_teacher, model_->embedding());
      {
        StageTimer timer(Stage::kGather, rows);
        model_->embedding().Gather(batch, w->rows, first, of_teacher, x,
                                   {teacher_linear, shares ? student_linear : nullptr});
      }
      StageTimer timer(Stage::kTeacherForward, rows);
      model_->teacher().Forward(x, teacher_linear, nullptr, &w->teacher, w->logits.data());
      probabilities(w->logits.data(), scores->teacher.data() + first);
      for (int k = 0; k < members; ++k)
        probabilities(w->teacher.logits(k), scores->members[k].data() + first);
    }
    if (has_student()) {
      const Matrix x = input(of_student, model_->student_embedding());
      if (!shares) {
        StageTimer timer(Stage::kGather, rows);
        if (rounded != nullptr) {
          tables_->GatherRounded(batch, first, rows, rounded, scorer_->rounded_stride(), student_linear,
                                 &w->gather);
        } else if (tables_ != nullptr) {
          tables_->Gather(batch, first, x, student_linear, &w->gather);  // look-up included
        } else {
          model_->student_embedding().Gather(batch, model_->has_own_embedding() ? w->own_rows : w->rows,
                                             first, of_student, x, {nullptr, student_linear});
        }
      }
      StageTimer timer(Stage::kStudentForward, rows);
      if (rounded != nullptr) {
        scorer_->ScoreRounded(rounded, rows, student_linear, w->scorer.data(), w->logits.data());
      } else if (scorer_ != nullptr) {
        scorer_->Score(x, student_linear, w->scorer.data(), w->logits.data());  // the last one to read x
      } else {
        model_->student().Forward(x, student_linear, nullptr, &w->student, w->logits.data());
      }
      probabilities(w->logits.data(), scores->student.data() + first);
    }
  }
  pool_->Return(std::move(w));
  return absl::OkStatus();
}

}  // namespace tandem
