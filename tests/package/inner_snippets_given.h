// What the snippets of the headers in src/ take as given, as snippets_given.h has it of the public ones; for
// tests/package/snippets_test.py.
#ifndef TANDEM_TESTS_PACKAGE_INNER_SNIPPETS_GIVEN_H_
#define TANDEM_TESTS_PACKAGE_INNER_SNIPPETS_GIVEN_H_

#include <glog/logging.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/poor_model.h"
#include "tandem/status.h"

namespace tandem {

// A snippet may return whatever its function would.
struct Returned {
  Returned() = default;
  template <typename T>
  Returned(const T&) {}
};

// The value of `= ...`.
struct Elided {
  template <typename T>
  operator T() const;
};

namespace given {
extern FileSystem& fs;
extern proto::Experiment experiment;
extern std::string run_dir, path, text, model_id;
extern uint64_t seed, key;
extern std::vector<Day> days;
extern const Kernels& kernels;
extern absl::Status status;
extern const Schema schema;
extern Workers workers;
extern DualModel model;
extern proto::RunState state;
extern RunOptions options;
extern Batch batch;
extern const Day day;
extern int64_t step;
extern std::string checkpoint;
extern double loss, limit;

namespace checkpoint_state_h {
extern DayProgress progress;
extern std::string newest;
}  // namespace checkpoint_state_h

namespace committee_mean_h {
extern const Committee committee;
}  // namespace committee_mean_h

namespace day_account_h {
extern DayProgress progress;
extern const LogEvent event;
extern const StepResult result;
}  // namespace day_account_h

namespace dense_update_h {
struct OneTower {
  void Backward(Elided of_it, const GradientSum& gradients);
};
extern OneTower tower;
extern DenseParameters parameters;
extern ParameterLayout layout;
extern const proto::Optimizer optimizer;
extern const std::array<double, DenseUpdater::kGroups> rates;
extern int shards, shard, worker;
}  // namespace dense_update_h

namespace divergence_h {
extern const StepResult* result;
}  // namespace divergence_h

namespace expiry_h {
extern Trainer trainer;
}  // namespace expiry_h

namespace first_logit_h {
extern const LogEvent event;
extern bool in_phase;
}  // namespace first_logit_h

namespace first_look_h {
extern const Validation validation;
}  // namespace first_look_h

namespace held_out_scorer_h {
extern std::unique_ptr<DualModel> model;
}  // namespace held_out_scorer_h

namespace live_scorer_h {
extern std::vector<float> logits;
}  // namespace live_scorer_h

namespace log_files_h {
// The program's own: its first arguments are any.
struct BatchSource {
  BatchSource(Elided rest, DayWatch* watch);
};
}  // namespace log_files_h

namespace model_verdict_h {
extern const ScoreLog scores;
extern int batch_rows, first_row;
}  // namespace model_verdict_h

namespace recombine_h {
extern const BatchRows rows;
extern uint64_t step;
}  // namespace recombine_h

namespace replay_h {
extern const BatchRows rows;
extern const std::vector<int> fields;
extern const std::vector<float> teacher_logits;
extern const EmbeddingLayer embedding;
extern int k;
}  // namespace replay_h

namespace run_checkpoints_h {
extern Clock& clock;
extern std::unique_ptr<DualModel> model;
extern Trainer trainer;
extern const DayProgress day;
extern bool in_phase;
}  // namespace run_checkpoints_h

namespace run_log_h {
extern int days;
extern const StepReport report;
}  // namespace run_log_h

namespace run_position_h {
// The program's own: what isn't said is any.
struct BatchSource {
  BatchSource(Elided before, const LogPosition& start, Elided after);
};
extern DualModel* model;
extern TrainedParts parts;
extern const std::unique_ptr<LogEvent> event;
}  // namespace run_position_h

namespace run_progress_h {
extern int passes;
extern bool terminal, quiet, trains_unlabelled, learned_held_out;
extern const StepReport report;
}  // namespace run_progress_h

namespace run_reports_h {
extern Clock& clock;
extern double passes;
extern std::string date;
extern const StepResult result;
}  // namespace run_reports_h

namespace shard_runner_h {
extern const DenseParts parts;
extern bool student_moves_embedding;
extern DenseUpdater dense;
extern const StepPlan plan;
extern const Pass pass;
}  // namespace shard_runner_h

namespace shard_sums_h {
struct OneTower {
  void Backward(Elided of_it, const GradientSum& gradients);
};
extern OneTower tower;
extern ParameterLayout layout;
extern int workers, shards, shard, worker;
extern int64_t offset, n;
}  // namespace shard_sums_h

namespace stages_h {
extern absl::StatusOr<Validation> validation;
extern std::unique_ptr<DualModel> model_of_the_run;
extern bool last;
}  // namespace stages_h

namespace step_plan_h {
extern const TrainerClock clock;
}  // namespace step_plan_h

namespace student_phase_h {
// The program's own: its first arguments are any.
struct BatchSource {
  BatchSource(Elided rest, const LogPosition& start);
};
extern BatchSource source;
}  // namespace student_phase_h

namespace training_memory_h {
extern const StoreState state;
}  // namespace training_memory_h

namespace validation_h {
extern TrainedParts parts;
extern double student_loss;
extern proto::ValidationState state;
void Keep(int64_t best_step);
}  // namespace validation_h

namespace available_memory_h {
extern int64_t needed;
}  // namespace available_memory_h

namespace chart_h {
extern HtmlPage page;
}  // namespace chart_h

namespace comparison_h {
extern const CompareRow row;
}  // namespace comparison_h

namespace embedding_file_h {
extern float* weights;
}  // namespace embedding_file_h

namespace format_version_h {
extern int version;
}  // namespace format_version_h

namespace html_page_h {
extern const TextTable table;
}  // namespace html_page_h

namespace initialize_h {
extern int64_t in, out, offset;
extern float* parameters;
}  // namespace initialize_h

namespace json_text_h {
extern std::unique_ptr<WritableFile> file;
extern nlohmann::ordered_json line;
}  // namespace json_text_h

namespace key_places_h {
extern std::vector<uint32_t> scratch;
extern std::vector<uint64_t> distinct;
extern size_t keys_at_most;
}  // namespace key_places_h

namespace knots_h {
extern const proto::Experiment of_the_model;
}  // namespace knots_h

namespace ledger_h {
extern std::string data, kernels;
extern Settings settings;
}  // namespace ledger_h

namespace local_row_store_h {
extern const float* values;
extern int dim, table;
}  // namespace local_row_store_h

namespace machine_peak_h {
extern double flops, seconds;
extern int threads;
}  // namespace machine_peak_h

namespace message_text_h {
extern std::string why;
}  // namespace message_text_h

namespace muon_h {
extern const proto::Muon config;
extern int inputs, outputs;
extern float *g, *w, *slots;
extern int64_t slot_stride;
}  // namespace muon_h

namespace nearest_name_h {
extern std::string name;
extern std::vector<std::string> names;
}  // namespace nearest_name_h

namespace paired_error_h {
extern const ScoreLog candidate, in_place;
}  // namespace paired_error_h

namespace pipeline_h {
struct Piece {};
extern int threads;
}  // namespace pipeline_h

namespace plan_h {
extern const CompareOptions options;
}  // namespace plan_h

namespace profile_h {
extern int threads;
extern const MachinePeak peak;
extern int64_t rows;
}  // namespace profile_h

namespace progress_h {
extern int64_t rows;
extern double left;
}  // namespace progress_h

namespace proposer_h {
extern const SearchSpace space;
bool IsValid(const Settings& settings);
extern std::vector<Settings> before;
extern std::vector<FinishedTrial> finished;
}  // namespace proposer_h

namespace rank_one_h {
extern int heads, k;
extern ParameterLayout layout_of_one_network, layout;
extern float *parameters, *of_network, *d_of_network, *gradients;
}  // namespace rank_one_h

namespace row_losses_h {
extern const Kernels* kernels;
extern RowLosses base2, other, other2;
}  // namespace row_losses_h

namespace row_spec_h {
extern EmbeddingTable::Layout table;
}  // namespace row_spec_h

namespace seal_h {
extern std::string output;
}  // namespace seal_h

namespace stored_experiment_h {
extern int64_t bytes;
extern TowerFloats floats;
}  // namespace stored_experiment_h

namespace svg_h {
extern std::vector<double> xs, ys;
}  // namespace svg_h

namespace teachers_h {
void Build(const proto::Tower& tower, uint64_t seed);
}  // namespace teachers_h

namespace trial_run_h {
extern TuneOptions options;
extern TrialWatch::OnPoint on_point;
extern TrialWatch::OnLook on_look;
}  // namespace trial_run_h

namespace tune_state_h {
extern TuneOptions options;
extern Ledger ledger;
}  // namespace tune_state_h

namespace zeroed_memory_h {
extern size_t bytes;
}  // namespace zeroed_memory_h
}  // namespace given
}  // namespace tandem

#endif  // TANDEM_TESTS_PACKAGE_INNER_SNIPPETS_GIVEN_H_
