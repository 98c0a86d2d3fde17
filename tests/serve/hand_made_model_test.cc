// Models that somebody made by hand, whose checksums are right: refused with a Status, or loaded and used, in
// bounded time and memory.
//
//   TANDEM_MODELS=all build/tests_together --only=hand_made_model_test      # every one; a part of them otherwise
#include <glog/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/config/config_file.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/export.h"
#include "tandem/predictor.h"
#include "tandem/run.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/hand_made.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/small_log.h"

namespace tandem {
namespace {

struct ModelCase {
  const char* name;
  const char* model;
  const char* more;
  int steps;  // before the checkpoint
};

constexpr char kSequence[] =
    "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} } "
    "feature { name: 'history' column: 'tags' sparse { sequence { max_length: 3 } table: 'item' } } "
    "feature { name: 'age' dense { piecewise { knots: [20, 40, 60] } } } "
    "feature { name: 'years' column: 'age' dense { bucketize { boundaries: [30, 50] } } towers: TEACHER } ";

const ModelCase kModels[] = {
    {"EveryInteraction",
     "teacher { linear: true interaction { cin { layers: [4, 4] split_half: true } } interaction { fm {} }"
     "  interaction { cross { layers: 2 rank: 2 } }"
     "  interaction { transformer { sequence: 'history' target: 'item' hidden: 4 } }"
     "  mlp { hidden: [8, 4] normalize_input: true } }"
     "student { mlp { hidden: [8, 4] dropout: 0.1 } }"
     "distill { hint { teacher_layer: 0 student_layer: 1 } hint_normalize: true replay { steps: 2 batches: 4 "
     "} }",
     "embedding { min_count: 2 weight_decay: 0.1 optimizer { adam {} } } train { average_decay: 0.9 }", 5},
    {"InItsStudentPhase",
     "teacher { interaction { fm {} } interaction { transformer { sequence: 'history' target: 'item' } }"
     "  mlp { hidden: 8 } } student { mlp { hidden: 8 } }"
     "distill { phase { fraction: 1 steps_per_row: 2 recombined_batches: 1 } }",
     "embedding { slow_copy { decay: 0.9 } } train { validation { share: 0.2 } epochs: 2 }", 14},
    {"AnEmbeddingOfItsOwn",
     "method: TWO_STAGE_KD teacher { interaction { transformer { sequence: 'history' target: 'item' } }"
     "  mlp { hidden: 8 } } student { linear: true mlp { hidden: 8 } }",
     "embedding { optimizer { ftrl {} } } train { optimizer { muon {} } }", 8},
    {"ACommittee",
     "teacher { linear: true interaction { transformer { sequence: 'history' target: 'item' } } mlp { "
     "hidden: 4 } }"
     "committee { member { copies: 2 tower { linear: true mlp { hidden: 4 } } } } student { mlp { hidden: 8 "
     "} }"
     "distill { switches { own_embedding: true } own_embedding { dim: 3 } "
     "phase { fraction: 1 recombined_batches: 1 recombined_group { feature: ['user', 'age'] } } }",
     "embedding { slow_copy { decay: 0.9 } } train { average_decay: 0.9 }", 12},
    {"HeadsInBfloat16",
     "teacher { linear: true heads: 3 head_weights: RANK_ONE interaction { fm {} }"
     "  interaction { transformer { sequence: 'history' target: 'item' } } mlp { hidden: [6, 4] } }"
     "student { linear: true heads: 2 mlp { hidden: [6, 4] } } distill { hint {} }",
     "embedding { expire_days: 2 weight_decay: 0.01 } train { precision: BF16 }", 5},
    {"ACommitteeThatLearnsItsWeights",
     "teacher { interaction { transformer { sequence: 'history' target: 'item' } } mlp { hidden: 4 } }"
     "student { mlp { hidden: 8 } } distill { replay { steps: 2 batches: 3 } }"
     "committee { rows: SHARED member { tower { seed: 9 interaction { fm {} } mlp { hidden: 4 } } }"
     "  member { tower { linear: true heads: 2 mlp { hidden: 4 } } } }",
     "embedding { expire_days: 1 min_count: 2 } train { validation { share: 0.2 } epochs: 2 }"
     "model { committee { weights: LEARNED } }",
     8},
};

constexpr size_t kCases = kSanitized ? 60 : 150;

bool AllAsked() {
  const char* const asked = std::getenv("TANDEM_MODELS");
  return asked != nullptr && std::string(asked) == "all";
}

class StopAt : public RunObserver {
 public:
  explicit StopAt(int64_t step) : step_(step) {}
  absl::Status OnStep(const StepReport& step) override {
    if (step.step >= step_) stop = SIGTERM;
    return absl::OkStatus();
  }
  std::atomic<int> stop{0};

 private:
  const int64_t step_;
};

class HandMadeModelTest : public testing::TestWithParam<ModelCase> {
 protected:
  HandMadeModelTest() {
    experiment_ = ExperimentOf(absl::StrCat(
        "data { path: 'unused' group_column: 'user' key_columns: 'user' delimited {} }", kSequence,
        "embedding { dim: 4 } train { batch_size: 64 shard_rows: 32 shuffle_rows: 128 }",
        "runtime { threads: 1 log_every_steps: 1 } model { ", GetParam().model, "}"));
    CHECK(MergeOver(ParseExperiment(GetParam().more, "more").value(), &experiment_).ok());
    ResolveDefaults(&experiment_);
    CHECK(ValidateExperiment(experiment_).ok()) << ValidateExperiment(experiment_);
    const std::string log = scratch_ / "{date}.tsv";
    CHECK(WriteFileAtomically(FileSystem::Default(), scratch_ / "2026-01-01.tsv", SmallLog(400, 1)).ok());
    experiment_.mutable_data()->set_path(log);
    options_.run_dir = scratch_ / "run";
    options_.quiet = true;
    std::vector<std::string> missing;
    options_.days = FindDays(FileSystem::Default(), log, "2026-01-01", "2026-01-01", &missing).value();
    StopAt stop(GetParam().steps);
    options_.stop = &stop.stop;
    options_.observer = &stop;
    const absl::StatusOr<RunSummary> summary = TrainRun(experiment_, options_);
    CHECK(summary.ok()) << summary.status();
    checkpoint_ = summary->checkpoint;
    options_.stop = nullptr;
    options_.observer = nullptr;
  }

  // A run directory with the checkpoint, and a config.pbtxt that agrees with it.
  void WriteRun(const HandMade& made) const {
    const std::string run = scratch_ / "made";
    std::filesystem::remove_all(run);
    WriteModelFiles(made.files(), StepDirectory(run, GetParam().steps));
    if (made.files().count("experiment.pbtxt") == 0) return;
    absl::StatusOr<proto::Experiment> evil =
        ParseExperiment(made.files().at("experiment.pbtxt").content[0], "evil");
    if (!evil.ok()) return;
    evil->mutable_data()->set_path(experiment_.data().path());
    *evil->mutable_runtime() = experiment_.runtime();
    CHECK(WriteFileAtomically(FileSystem::Default(), run + "/config.pbtxt", ConfigFileText(*evil)).ok());
  }

  // As `train --resume` does, for a step.
  absl::Status Resume() const {
    const std::string run = scratch_ / "made";
    std::vector<std::string> files = {run + "/config.pbtxt"};
    absl::StatusOr<proto::Experiment> experiment = LoadExperiment(files, {}, FileSystem::Default());
    // What the library is called with may not have been checked.
    if (!experiment.ok()) experiment = experiment_;
    ResolveDefaults(&*experiment);
    TANDEM_RETURN_IF_ERROR(ValidateExperiment(*experiment));
    RunOptions options = options_;
    options.run_dir = run;
    options.resume = true;
    StopAt stop(0);
    options.stop = &stop.stop;
    options.observer = &stop;
    return TrainRun(*experiment, options).status();
  }

  absl::Status Continue(const std::string& checkpoint) const {
    std::filesystem::remove_all(scratch_ / "tuned");
    RunOptions options = options_;
    options.run_dir = scratch_ / "tuned";
    options.init_from = checkpoint;
    StopAt stop(0);
    options.stop = &stop.stop;
    options.observer = &stop;
    return TrainRun(experiment_, options).status();
  }

  static absl::Status Score(const std::string& model, TowerChoice towers) {
    PredictorOptions options;
    options.towers = towers;
    const absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Load(model, options);
    if (!predictor.ok()) return predictor.status();
    for (const Field& field : (*predictor)->schema().fields()) {
      if (field.kind == FieldKind::kPiecewise && field.knots.size() < 2) return absl::OkStatus();
    }
    Scores scores;
    return (*predictor)->Score(RandomBatch((*predictor)->schema(), 40, 1), &scores);
  }

  static std::vector<HandMade> AllOf(const std::string& model) {
    const HandMadeFiles good = ReadModelFiles(model);
    std::vector<HandMade> all = HandMadeModels(good);
    for (HandMade& other : RearrangedModels(good)) all.push_back(std::move(other));
    return all;
  }

  // The first of the models is changed in every way; of the others' configurations, which hold much the same,
  // a part is enough.
  static std::vector<HandMade> Chosen(std::vector<HandMade> all) {
    const bool first = AllAsked() || GetParam().name == std::string(kModels[0].name);
    std::vector<HandMade> chosen;
    for (size_t i = 0; i < all.size(); ++i) {
      if (first || !absl::StrContains(all[i].name, "Experiment.") || i % 7 == 0)
        chosen.push_back(std::move(all[i]));
    }
    const size_t few = AllAsked() ? chosen.size() : std::min(kCases, chosen.size());
    std::vector<HandMade> some;
    for (size_t i = 0; i < few; ++i) some.push_back(std::move(chosen[i * chosen.size() / few]));
    return some;
  }

  void ExpectNoneDies(const std::vector<HandMade>& made,
                      const std::function<absl::Status(const HandMade&)>& use) {
    const Outcomes outcomes = TryEach(
        static_cast<int>(made.size()), [&](int i) { return made[i].name; },
        [&](int i) { return use(made[i]); });
    EXPECT_TRUE(outcomes.died.empty()) << outcomes.died.size() << " died:\n"
                                       << absl::StrJoin(outcomes.died, "\n");
    EXPECT_GE(outcomes.tried, 50);
    EXPECT_GT(outcomes.refused, outcomes.tried / 2);
    std::printf("%d models: %d refused, %d used, %d died\n", outcomes.tried, outcomes.refused, outcomes.taken,
                static_cast<int>(outcomes.died.size()));
  }

  const ScratchDirectory scratch_;
  proto::Experiment experiment_;
  RunOptions options_;
  std::string checkpoint_;
};

TEST_P(HandMadeModelTest, TheGoodOneIsUsed) {
  const auto files = std::make_shared<const HandMadeFiles>(ReadModelFiles(checkpoint_));
  const HandMade good{"good", files, "", 0, ""};
  WriteRun(good);
  EXPECT_TRUE(Continue(checkpoint_).ok()) << Continue(checkpoint_);
  EXPECT_TRUE(Resume().ok()) << Resume();
  for (const TowerChoice towers : {TowerChoice::kBoth, TowerChoice::kStudent})
    EXPECT_TRUE(Score(checkpoint_, towers).ok()) << Score(checkpoint_, towers);
}

// Scored, resumed for a step, and begun from: by whoever takes it.
TEST_P(HandMadeModelTest, ACheckpointIsRefusedOrUsed) {
  ExpectNoneDies(Chosen(AllOf(checkpoint_)), [&](const HandMade& made) {
    WriteRun(made);
    const std::string path = StepDirectory(scratch_ / "made", GetParam().steps);
    absl::Status status = Score(path, TowerChoice::kBoth);
    status.Update(Score(path, TowerChoice::kStudent));
    if (made.file != "experiment.pbtxt") status.Update(Continue(path));
    status.Update(Resume());
    return status;
  });
}

TEST_P(HandMadeModelTest, ABundleIsRefusedOrScores) {
  FileSystem& fs = FileSystem::Default();
  for (const Precision precision : {Precision::kF32, Precision::kInt8}) {
    ExportOptions options;
    options.precision = precision;
    options.files = {scratch_ / "2026-01-01.tsv"};
    options.max_auc_loss = 1;
    const std::string bundle = scratch_ / absl::StrCat("bundle", static_cast<int>(precision));
    const auto exported = ExportBundle(fs, checkpoint_, bundle, options);
    ASSERT_TRUE(exported.ok()) << exported.status();
    ExpectNoneDies(Chosen(AllOf(bundle)), [&](const HandMade& made) {
      const std::string path = scratch_ / "scored";
      WriteModelFiles(made.files(), path);
      return Score(path, TowerChoice::kStudent);
    });
  }
}

// What earlier Tandems wrote, changed likewise.
TEST(HandMadeGoldenModelTest, IsRefusedOrScores) {
  const ScratchDirectory scratch;
  const std::string golden = TANDEM_SOURCE_DIR "/tests/testdata/golden/format-2/";
  for (const char* const name : {"bundle", "bundle-int8"}) {
    std::vector<HandMade> made = RearrangedModels(ReadModelFiles(golden + name));
    const std::vector<HandMade> changed = HandMadeModels(ReadModelFiles(golden + name));
    for (size_t i = 0; i < changed.size(); i += AllAsked() ? 1 : kSanitized ? 97 : 11)
      made.push_back(changed[i]);
    const Outcomes outcomes = TryEach(
        static_cast<int>(made.size()), [&](int i) { return made[i].name; },
        [&](int i) {
          const std::string path = scratch / "made";
          WriteModelFiles(made[i].files(), path);
          const absl::StatusOr<std::unique_ptr<Predictor>> predictor =
              Predictor::Load(path, PredictorOptions());
          if (!predictor.ok()) return predictor.status();
          Scores scores;
          return (*predictor)->Score(RandomBatch((*predictor)->schema(), 20, 1), &scores);
        });
    EXPECT_TRUE(outcomes.died.empty()) << outcomes.died.size() << " died:\n"
                                       << absl::StrJoin(outcomes.died, "\n");
    EXPECT_GT(outcomes.refused, 20);
    std::printf("%s: %d models: %d refused, %d used\n", name, outcomes.tried, outcomes.refused,
                outcomes.taken);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, HandMadeModelTest, testing::ValuesIn(kModels),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tandem
