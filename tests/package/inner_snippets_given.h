// What the snippets of the headers in src/ take as given, as snippets_given.h has it of the public ones; for
// tests/package/snippets_test.py.
#ifndef TANDEM_TESTS_PACKAGE_INNER_SNIPPETS_GIVEN_H_
#define TANDEM_TESTS_PACKAGE_INNER_SNIPPETS_GIVEN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
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
extern double loss, limit;

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
