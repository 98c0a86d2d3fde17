// Checkpoints: all that a run needs to go on bit for bit, in one directory that is either whole or not there.
//
//   TANDEM_ASSIGN_OR_RETURN(std::string newest, NewestCheckpoint(fs, run_dir));   // "" without one
//   TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, VerifyAndReadExperiment(fs, newest));
//   DualModel model(experiment, kernels, /*trained=*/false);
//   TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs, newest, EmbeddingLoad::kServed, &model));
//
// Files: MANIFEST, experiment.pbtxt (without data.path and runtime), state.pbtxt, embedding.bin, teacher.bin,
// student.bin, adapters.bin, student_embedding.bin (of a student that has tables of its own), replay.bin (of
// one that takes several steps a batch), and progress-teacher.bin, progress-student.bin: the scores of the
// day in progress. docs/file_formats.md describes them. Written aside, synced, renamed. Errors of loading are
// ModelErrors that name the file; nothing is loaded by halves: the caller drops the model.
//
// One writer a run directory at a time; loading is safe beside it, in any number of threads and processes.
// A model is one caller's while it is saved or loaded.
#ifndef TANDEM_CHECKPOINT_H_
#define TANDEM_CHECKPOINT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/dual_model.h"
#include "tandem/file_system.h"
#include "tandem/records.h"

namespace tandem {

// run_dir/checkpoints/step-000400
std::string StepDirectory(const std::string& run_dir, int64_t step);
// The checkpoint with the largest step, "" when there is none.
absl::StatusOr<std::string> NewestCheckpoint(FileSystem& fs, const std::string& run_dir);
// Removes all but the newest `keep`, those of the steps named and those that somebody reads at the moment
// (WithNewest of tandem/model_directory.h), which go with a later call. What interrupted writes left behind
// goes when a run is resumed.
absl::Status RemoveOldCheckpoints(FileSystem& fs, const std::string& run_dir, int keep,
                                  absl::Span<const int64_t> and_steps = {});

// VerifyDirectory; where the checkpoint is damaged and an older one beside it is whole, the error names that.
absl::Status VerifyCheckpoint(FileSystem& fs, const std::string& path);
// The configuration that a checkpoint (or bundle) carries. Verifies the whole directory first.
absl::StatusOr<proto::Experiment> VerifyAndReadExperiment(FileSystem& fs, const std::string& path);
// The same of a checkpoint whose directory the caller verifies. In either case it is checked as one that a
// user gives is, and against the sizes of the files that hold its weights.
absl::StatusOr<proto::Experiment> ReadCheckpointExperiment(FileSystem& fs, const std::string& path);

// Into a model built from the same configuration (or one whose towers are fewer).
absl::Status LoadCheckpoint(FileSystem& fs, const std::string& path, EmbeddingLoad how, DualModel* model);

// All of it but the embedding.
absl::Status LoadCheckpointTowers(FileSystem& fs, const std::string& path, EmbeddingLoad how,
                                  DualModel* model);

// The file of a checkpoint that holds the tables its student reads.
std::string StudentEmbeddingFile(FileSystem& fs, const std::string& path);
// The embedding alone, into a model of its own features: tables are matched by name.
absl::Status LoadCheckpointEmbedding(FileSystem& fs, const std::string& path, EmbeddingLoad how,
                                     DualModel* model);

// One tower's dense parameters, block by block.
absl::Status SaveParameters(const ParameterLayout& layout, const DenseParameters& parameters, bool slots,
                            RecordWriter* writer);
// Blocks must match in name and shape. Slots are read where `how` goes on with them; else what Initialize
// made stays. kServed: the values are the averages, where the file has them.
absl::Status LoadParameters(const std::string& path, const ParameterLayout& layout, EmbeddingLoad how,
                            RecordReader* reader, DenseParameters* parameters);

}  // namespace tandem

#endif  // TANDEM_CHECKPOINT_H_
