// What the snippets of the public headers take as given: names that a reader understands and that they don't
// declare. Those of `given` are every snippet's; those that only x.h has are in x_h. For
// tests/package/snippets_test.py; nothing here is ever linked.
#ifndef TANDEM_TESTS_PACKAGE_SNIPPETS_GIVEN_H_
#define TANDEM_TESTS_PACKAGE_SNIPPETS_GIVEN_H_

#include <glog/logging.h>

#include <array>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/experiment.pb.h"

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
extern const proto::Experiment experiment;
extern const proto::Data data;
extern const Schema schema;
extern const Kernels& kernels;
extern DualModel model;
extern Workers workers;
extern Batch batch;
extern Trainer trainer;
extern std::string run_dir, path, date, bytes, checkpoint, end_date, detail;
extern std::vector<Day> days;
extern std::vector<std::string> files, missing;
extern uint64_t seed;
extern int64_t step;
extern Scores scores;
extern std::unique_ptr<Predictor> predictor;
extern absl::Status status;

namespace batch_h {
extern int field, row;
const float* Row(uint64_t key);
void Add(float coefficient, const float* row);
}  // namespace batch_h

namespace cell_decoder_h {
extern SampleFormat& format;
}  // namespace cell_decoder_h

namespace cell_reader_h {
extern SampleFormat& format;
extern ListColumns lists;
extern std::unique_ptr<SampleFile> file;
extern RawRows rows;
void Count(const std::string& column, const std::vector<absl::string_view>& values);
}  // namespace cell_reader_h

namespace clock_h {
extern Clock& clock;
bool ready();
}  // namespace clock_h

namespace daily_h {
extern DailyOptions options;
}  // namespace daily_h

namespace day_reader_h {
extern std::unique_ptr<SampleFormat> format;
extern Quarantine quarantine;
extern Batch block;
}  // namespace day_reader_h

namespace day_watch_h {
// One of the reader's own.
struct Watch : DayWatch {
  absl::Status Begin(const Day& day) override;
  absl::Status End(const Day& day) override;
};
extern Watch watch;
}  // namespace day_watch_h

namespace gradient_sum_h {
struct Layer {
  void Backward(ConstMatrix x, const GradientSum& gradients);
};
extern Layer layer;
extern float *own, *total;
extern const std::vector<const float*> before;
extern ConstMatrix x, d_y;
extern int64_t weight_offset, bias_offset;
void SumRows(ConstMatrix d_y, float* sums);
}  // namespace gradient_sum_h

namespace embedding_h {
extern int first_row;
extern Matrix x;
extern LinearSums linear;
extern EmbeddingGradients gradients;
}  // namespace embedding_h

namespace feature_change_h {
extern DualModel before, after;
}  // namespace feature_change_h

namespace format_look_h {
extern std::string text;
extern proto::Data data;
}  // namespace format_look_h

namespace interaction_h {
extern proto::Interaction config;
extern ConstMatrix fields, d_output;
extern Matrix out, d_fields;
extern float *workspace, *parameters, *gradients;
}  // namespace interaction_h

namespace kernels_h {
extern int rows, k, n;
extern float *x, *y, *w, *bias;
}  // namespace kernels_h

namespace loss_h {
extern proto::Distill config;
extern std::vector<int> teacher_widths, student_widths;
extern LossShard shard;
extern LossWorkspace workspace;
extern LossGradients gradients;
extern LossTerms sums;
extern int64_t batch_rows;
extern float* parameters;
}  // namespace loss_h

namespace calibration_h {
extern ScoreLog log;
}  // namespace calibration_h

namespace evaluation_h {
extern ScoreLog log;
}  // namespace evaluation_h

namespace score_log_h {
extern float probability, label, weight;
extern uint64_t group;
}  // namespace score_log_h

namespace metrics_h {
extern float probability, label, weight;
extern uint64_t group;
}  // namespace metrics_h

namespace mlp_h {
extern proto::Mlp config;
extern Axis input;
extern int input_width;
extern ParameterLayout layout;
extern ConstMatrix x;
extern TrainingPass* training;
extern Matrix* d_x;
extern float *parameters, *gradients;
}  // namespace mlp_h

namespace optimizer_h {
extern proto::Optimizer config;
constexpr int64_t n = 8;
extern float *w, *g;
}  // namespace optimizer_h

namespace parameters_h {
extern int i, j;
}  // namespace parameters_h

namespace predict_files_h {
absl::Status Write(absl::string_view text);
}  // namespace predict_files_h

namespace random_h {
extern int layer, row, width, unit;
constexpr int kTeacher = 0;
}  // namespace random_h

namespace raw_rows_h {
extern std::unique_ptr<SampleFile> file;
}  // namespace raw_rows_h

namespace row_choice_h {
extern std::unique_ptr<SampleFormat> format;
extern Quarantine quarantine;
}  // namespace row_choice_h

namespace row_decoder_h {
extern SampleFormat& format;
extern std::unique_ptr<SampleFile> file;
extern RawRows rows;
extern std::vector<BadRow> bad_rows;
}  // namespace row_decoder_h

namespace row_fault_h {
extern std::unique_ptr<RowDecoder> decoder;
extern std::array<int64_t, kRowFaults> by_fault;
extern absl::string_view row;
}  // namespace row_fault_h

namespace row_framing_h {
extern SampleFormat& format;
extern absl::string_view bytes, row;
}  // namespace row_framing_h

namespace row_block_h {
extern RowStore &store, &other;
}  // namespace row_block_h

namespace row_reader_h {
extern const RowReader& reader;
extern uint64_t key;
}  // namespace row_reader_h

namespace row_shape_h {
extern const RowReader& reader;
extern const float* row;
}  // namespace row_shape_h

namespace row_store_h {
extern std::unique_ptr<RowStore> store;
}  // namespace row_store_h

namespace row_store_factory_h {
// One of the reader's own.
std::unique_ptr<RowStore> NewMyRowStore(const RowStoreRequest& request);
}  // namespace row_store_factory_h

namespace row_training_h {
extern RowStore& store;
extern RowDemand& demand;
extern const RowGradients& gradients;
extern const std::vector<TableRows> tables;
}  // namespace row_training_h

namespace run_observer_h {
extern RunOptions options;
}  // namespace run_observer_h

namespace sample_file_h {
extern SampleFormat& format;
}  // namespace sample_file_h

namespace committee_h {
extern proto::Experiment experiment;
extern ConstMatrix x;
extern float *linear, *logits, *d_logits, *gradients;
extern TrainingPass training;
extern Matrix d_x;
}  // namespace committee_h

namespace table_rows_h {
extern const RowReader& reader;
extern uint64_t key;
}  // namespace table_rows_h

namespace threads_h {
extern int shards;
extern std::vector<float> scratch;
}  // namespace threads_h

namespace tower_h {
extern proto::Tower config;
extern ConstMatrix x;
extern float *linear, *logits, *d_logits, *gradients;
extern TrainingPass* training;
extern Matrix d_x;
}  // namespace tower_h

namespace heads_h {
extern proto::Tower config;
extern ParameterLayout layout;
extern float *parameters, *d_logits, *gradients;
extern ConstMatrix x;
extern TrainingPass* training;
extern Matrix* d_x;
}  // namespace heads_h

}  // namespace given
}  // namespace tandem

#endif  // TANDEM_TESTS_PACKAGE_SNIPPETS_GIVEN_H_
