#include "src/train/first_look.h"

#include <glog/logging.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/config/knots.h"
#include "src/data/number_sample.h"
#include "src/train/run_config.h"
#include "src/train/run_files.h"
#include "src/train/validation.h"
#include "src/util/progress.h"
#include "tandem/checkpoint.h"
#include "tandem/day_reader.h"
#include "tandem/experiment.pb.h"
#include "tandem/sample_format.h"
#include "tandem/schema.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

constexpr size_t kMostNumbers = 1 << 18;
constexpr int kBlockRows = 16384;

// The rows that the run will learn from.
absl::StatusOr<HeldOutLog> LearnedLog(const proto::Experiment& experiment, const RunOptions& options) {
  if (!experiment.train().has_validation()) return HeldOutLog{options.days, {}};
  TANDEM_ASSIGN_OR_RETURN(const Validation validation,
                          Validation::Create(experiment, options.parts, options.days, options.held_out_part));
  return validation.learned();
}

// Samples by the fields' names; `rows` counts the good ones.
absl::StatusOr<std::map<std::string, NumberSample>> SampleNumbers(const proto::Experiment& experiment,
                                                                  const RunOptions& options, int64_t* rows) {
  const Schema schema(experiment);
  std::map<std::string, NumberSample> samples;
  std::vector<std::pair<int, NumberSample*>> by_field;
  for (int f = 0; f < static_cast<int>(schema.fields().size()); ++f) {
    const Field& field = schema.fields()[f];
    if (field.kind != FieldKind::kPiecewise || !field.knots.empty()) continue;
    by_field.emplace_back(f, &samples.emplace(field.name, kMostNumbers).first->second);
  }
  if (samples.empty()) return samples;
  TANDEM_ASSIGN_OR_RETURN(const HeldOutLog log, LearnedLog(experiment, options));
  const auto format = MakeSampleFormat(experiment.data());
  Workers workers(experiment.runtime().threads());
  std::vector<std::string> files;
  for (const Day& day : log.days) files.insert(files.end(), day.files.begin(), day.files.end());
  // What is malformed is the run's to judge.
  DayReader reader(*options.file_system, *format, schema, RowUse::kTrain, files, nullptr, &workers,
                   log.choice);
  Batch block(static_cast<int>(schema.fields().size()));
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const bool more, reader.ReadBlock(kBlockRows, &block));
    if (!more) return samples;
    for (const auto& [f, sample] : by_field) {
      const FieldBags& numbers = block.fields[f];
      for (int row = 0; row < block.rows(); ++row) {
        if (numbers.offsets[row] == numbers.offsets[row + 1]) continue;  // missing
        double number;
        std::memcpy(&number, &numbers.keys[numbers.offsets[row]], sizeof(number));
        sample->Add(*rows + row, number);
      }
    }
    *rows += block.rows();
  }
}

}  // namespace

absl::Status FindKnots(const RunOptions& options, proto::Experiment* experiment) {
  FileSystem& fs = *options.file_system;
  if (options.resume && fs.Exists(RunConfigPath(options.run_dir))) {
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, ReadRunConfig(fs, options.run_dir));
    TakeKnots(before, experiment);
  }
  if (NeedsKnots(*experiment) && !options.init_from.empty()) {
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment model, VerifyAndReadExperiment(fs, options.init_from));
    TakeKnots(model, experiment);
  }
  int64_t rows = 0;
  TANDEM_ASSIGN_OR_RETURN(const auto samples, SampleNumbers(*experiment, options, &rows));
  // Of an empty log the run itself says what is wrong.
  if (samples.empty() || rows == 0) return absl::OkStatus();
  for (proto::Feature& feature : *experiment->mutable_feature()) {
    const auto sample = samples.find(feature.name());
    if (sample == samples.end()) continue;
    proto::Piecewise& piecewise = *feature.mutable_dense()->mutable_piecewise();
    for (const double knot : ChooseKnots(sample->second.Sorted(), piecewise.max_knots()))
      piecewise.add_knots(knot);
    if (piecewise.knots().empty()) {
      return DataError("feature[", feature.name(), "].dense.piecewise.knots: not set, and column '",
                       feature.column().empty() ? feature.name() : feature.column(),
                       "' holds no number in the ", FormatCount(rows), " rows of the log, to take them from");
    }
  }
  LOG(INFO) << "knots of " << samples.size() << " feature" << (samples.size() == 1 ? "" : "s")
            << " from a first look at " << FormatCount(rows) << " rows";
  return absl::OkStatus();
}

// A log of any size has some in its first rows: it is read on only while there is none.
absl::Status CheckHeldOut(FileSystem& fs, const proto::Experiment& experiment, const Schema& schema,
                          const HeldOutLog& learned) {
  if (learned.choice.rows != RowChoice::kLearned) return absl::OkStatus();
  const auto format = MakeSampleFormat(experiment.data());
  std::vector<std::string> files;
  for (const Day& day : learned.days) files.insert(files.end(), day.files.begin(), day.files.end());
  DayReader reader(fs, *format, schema, RowUse::kTrain, files, nullptr, nullptr, learned.choice);
  Batch block(static_cast<int>(schema.fields().size()));
  int64_t rows = 0;
  for (;;) {
    const absl::StatusOr<bool> more = reader.ReadBlock(DayReader::kPieceRows, &block);
    // What can't be read is the run's to say, and so is an empty log.
    if (!more.ok() || reader.held_out() > 0) return absl::OkStatus();
    if (!*more) break;
    rows += block.rows();
  }
  if (rows == 0) return absl::OkStatus();
  return DataError(
      "train.validation.share: ", learned.choice.share, " holds out not one of the ", FormatCount(rows),
      rows == 1 ? " row" : " rows", " (whole keys or groups are held out where data names some)",
      "; a larger share, or more rows, would give some, and clear=train.validation trains without");
}

}  // namespace tandem
