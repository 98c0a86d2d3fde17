// Scores samples with a trained model: the towers of a run or checkpoint, or the student of an exported
// bundle. It is one version of graph and rows, and never changes; a model that is served while newer ones are
// published is a ServedModel (tandem/served_model.h).
//
//   TANDEM_ASSIGN_OR_RETURN(auto predictor, Predictor::Load("bundle", {}));
//   TANDEM_ASSIGN_OR_RETURN(auto decoder,
//                           predictor->format().MakeCellDecoder(predictor->schema(), RowUse::kPredict,
//                                                               {"user", "movie"}, "request"));
//   Batch batch(predictor->fields());
//   std::string why;
//   if (decoder->Decode({"17", "4711"}, &batch, &why) != RowFault::kNone) return DataError(why);
//   Scores scores;
//   TANDEM_RETURN_IF_ERROR(predictor->Score(batch, &scores));
//   scores.student[0];  // the click probability
//
// examples/score_in_process is a whole program.
//
// A model is verified whole before anything of it is used. Thread-safe: any number of threads score at the
// same time, each with a batch and scores of its own. A row's score depends on nothing but the row and the
// model: not on its batch, nor the thread.
#ifndef TANDEM_PREDICTOR_H_
#define TANDEM_PREDICTOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/batch.h"
#include "tandem/file_system.h"
#include "tandem/precision.h"
#include "tandem/row_store_factory.h"
#include "tandem/sample_format.h"
#include "tandem/schema.h"

namespace tandem {

class DualModel;
class Kernels;
class ServingTables;
class StudentScorer;

namespace proto {
class Experiment;
}  // namespace proto

// Click probabilities, a row of the batch each; empty for a tower that isn't loaded.
struct Scores {
  std::vector<float> teacher, student;
  // Of each of several teachers, whose mean logit makes `teacher`; empty without PredictorOptions::members.
  std::vector<std::vector<float>> members;
};

enum class TowerChoice { kTeacher, kStudent, kBoth };

struct PredictorOptions {
  // kBoth loads what the model has.
  TowerChoice towers = TowerChoice::kBoth;
  // A committee's members are scored beside it.
  bool members = false;
  // `data.*` overrides of how samples are read ("data.delimited.delimiter=,").
  std::vector<std::string> data_overrides;
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  // kBf16: a model in float32 multiplies with factors of bfloat16, as train.precision trains it; kInt8 is
  // none. What a bundle was exported in is the bundle's own.
  Precision products = Precision::kF32;
  // Makes what the model's rows are put in and read from; null: this process's memory. In float32 alone.
  RowStoreFactory row_stores;
  // Where the model is read from, and the files that it scores; outlives the predictor.
  FileSystem* file_system = &FileSystem::Default();
};

class Predictor {
 public:
  // `model`: a run (its newest step), a checkpoint, or a bundle. ModelError where it is damaged or isn't one;
  // ConfigError when it lacks the tower asked for.
  static absl::StatusOr<std::unique_ptr<Predictor>> Load(const std::string& model,
                                                         const PredictorOptions& options);
  ~Predictor();
  // The same student as a bundle of that precision serves it: bit for bit what Load makes of one. This one
  // must hold a student alone, in float32 (CHECK).
  std::unique_ptr<Predictor> InPrecision(Precision precision) const;

  // What a sample must hold. Lives as long as the predictor.
  const Schema& schema() const;
  // How the log that it was trained on has its samples (data.*, with the overrides).
  const SampleFormat& format() const { return *format_; }
  int fields() const { return static_cast<int>(schema().fields().size()); }
  bool has_teacher() const;
  bool has_student() const;
  // The configuration, with the overrides.
  const proto::Experiment& experiment() const;
  // A student's embedding has no rows where `tables` has them.
  const DualModel& model() const { return *model_; }
  // The rows of a student alone, in this process; null where there is a teacher, or row_stores. For what the
  // library says of them: the type isn't installed.
  const ServingTables* tables() const { return tables_.get(); }
  // Of the student's kernels: "avx512", "avx512vnni", ...
  std::string student_kernels() const;
  // The directory that was loaded: the run's newest checkpoint, or what was named.
  const std::string& directory() const { return directory_; }
  FileSystem& file_system() const { return *file_system_; }
  // Which model it is (ReadModelId in tandem/model_directory.h): what a response of a server says.
  const std::string& model_id() const { return model_id_; }

  // Replaces `scores`. Where the log was down-sampled (data.negative_keep_rate of the model), the probability
  // is that of the full log. A ConfigError where the batch isn't one of the model's fields, a bag a row each;
  // what is in the bags is the caller's word. Fails where the rows can't be read; those of this process always
  // can. `unknown`
  // becomes, a field each, how many of the batch's keys the model has no row for (tandem/unknown_ids.h);
  // null: nobody asks.
  absl::Status Score(const Batch& batch, Scores* scores, std::vector<int64_t>* unknown = nullptr) const;

 private:
  struct Workspace;
  struct Pool;
  Predictor();
  // The rest of a loading, with the configuration that directory_ carries.
  absl::Status Build(proto::Experiment experiment, const PredictorOptions& options);
  void Prepare();
  std::unique_ptr<Workspace> MakeWorkspace() const;

  std::string directory_;
  FileSystem* file_system_ = nullptr;
  std::string model_id_;
  std::unique_ptr<DualModel> model_;
  std::unique_ptr<const SampleFormat> format_;
  std::unique_ptr<ServingTables> tables_;
  // Where the student is plain; else the tower itself scores.
  std::unique_ptr<StudentScorer> scorer_;
  bool members_ = false;
  double logit_offset_ = 0;
  int tile_rows_ = 0;
  std::unique_ptr<Pool> pool_;
};

}  // namespace tandem

#endif  // TANDEM_PREDICTOR_H_
