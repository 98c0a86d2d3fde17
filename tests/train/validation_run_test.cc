// A run with train.validation, and what it begins with: what it never learns from, when it stops, what it
// keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/data/id_hash.h"
#include "src/train/checkpoint_state.h"
#include "src/train/validation.h"
#include "tandem/checkpoint.h"
#include "tandem/day_reader.h"
#include "tandem/evaluate_model.h"
#include "tandem/experiment.h"
#include "tandem/predictor.h"
#include "tandem/random.h"
#include "tandem/run.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

namespace stdfs = std::filesystem;
using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kModel[] =
    "teacher { linear: true interaction { fm {} } mlp { hidden: 8 } } student { mlp { hidden: 6 } }";
// So high a rate that more passes soon do harm.
const std::vector<std::string>& Hasty() {
  static const std::vector<std::string> hasty = {"train.optimizer.adam.lr=0.05",
                                                 "embedding.optimizer.adagrad.lr=0.5"};
  return hasty;
}
constexpr int kDays = 4, kUsers = 40;

class ValidationRunTest : public testing::Test {
 protected:
  ValidationRunTest() {
    WriteLog("logs", [](int /*day*/, const std::string& /*user*/) { return false; });
  }

  // Four days of 400 rows; the label of a row is turned over where turned(day, user).
  template <typename Turned>
  void WriteLog(const std::string& folder, const Turned& turned) const {
    stdfs::create_directories(root_ / folder);
    const Random random(9, RandomPurpose::kSynthetic, {});
    uint64_t counter = 0;
    const auto draw = [&](int below) { return static_cast<int>(random.UniformDouble(counter++) * below); };
    for (int day = 1; day <= kDays; ++day) {
      std::ofstream file(root_ / folder / absl::StrCat("2026-01-0", day, ".tsv"));
      file << "label\tuser\titem\ttags\tquery\tage\n";
      for (int row = 0; row < 400; ++row) {
        const int user = draw(kUsers), item = draw(20), age = draw(60);
        const std::string name = absl::StrCat("u", user);
        bool label = draw(4) + user % 2 + item % 2 + (age > 30 ? 1 : 0) > 4;
        if (turned(day, name)) label = !label;
        file << (label ? 1 : 0) << "\t" << name << "\ti" << item << "\t" << draw(9) << "|" << draw(9) << "\t"
             << draw(9) << "\t" << age << "\n";
      }
    }
  }
  std::vector<Day> DaysOf(const std::string& folder) const {
    std::vector<std::string> missing;
    return FindDays(FileSystem::Default(), (root_ / folder / "{date}.tsv").string(), "2026-01-01",
                    "2026-01-04", &missing)
        .value();
  }
  proto::Experiment Experiment(const std::string& more,
                               const std::vector<std::string>& overrides = {}) const {
    proto::Experiment experiment = SmallExperiment(kModel, more);
    for (const std::string& override_text : overrides)
      EXPECT_TRUE(ApplyOverride(override_text, &experiment).ok());
    experiment.mutable_data()->set_path((root_ / "logs/{date}.tsv").string());
    experiment.mutable_runtime()->set_keep_checkpoints(1000);
    const absl::Status valid = ValidateExperiment(experiment);
    EXPECT_TRUE(valid.ok()) << valid;
    return experiment;
  }
  RunOptions Options(const std::string& name, const std::string& folder = "logs") const {
    RunOptions options;
    options.run_dir = (root_ / name).string();
    options.days = DaysOf(folder);
    options.kernels = FindKernels("generic").value();
    return options;
  }
  RunSummary Train(const proto::Experiment& experiment, const RunOptions& options) const {
    const absl::StatusOr<RunSummary> summary = TrainRun(experiment, options);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return summary.ok() ? *summary : RunSummary();
  }
  static std::string Bytes(const stdfs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<Json> Validations(const std::string& run) const {
    std::vector<Json> lines;
    for (const absl::string_view line :
         absl::StrSplit(Bytes(root_ / run / "metrics.jsonl"), '\n', absl::SkipEmpty())) {
      Json json = Json::parse(std::string(line));
      if (json.contains("validation")) lines.push_back(std::move(json));
    }
    return lines;
  }
  // Users of the rows that are held out.
  std::set<std::string> HeldOutUsers(const proto::Experiment& experiment, double share) const {
    const Schema schema(experiment);
    const auto format = MakeSampleFormat(experiment.data());
    std::vector<std::string> files;
    for (const Day& day : DaysOf("logs")) files.insert(files.end(), day.files.begin(), day.files.end());
    DayReader reader(FileSystem::Default(), *format, schema, RowUse::kTrain, files, nullptr, nullptr,
                     {RowChoice::kHeldOut, share});
    Batch rows;
    EXPECT_TRUE(reader.ReadBlock(1 << 20, &rows).value());
    const std::set<uint64_t> groups(rows.groups.begin(), rows.groups.end());
    std::set<std::string> users;
    for (int user = 0; user < kUsers; ++user) {
      const std::string name = absl::StrCat("u", user);
      if (groups.count(XXH3_64bits(name.data(), name.size())) > 0) users.insert(name);
    }
    EXPECT_EQ(users.size(), groups.size());
    return users;
  }
  // Weights alone, of a checkpoint: what the state says of losses may differ.
  static void ExpectSameWeights(const stdfs::path& a, const stdfs::path& b) {
    ExpectSameFiles(a, b, {"teacher.bin", "student.bin", "embedding.bin", "adapters.bin"});
  }
  static void ExpectSameFiles(const stdfs::path& a, const stdfs::path& b,
                              const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (!stdfs::exists(a / name) && !stdfs::exists(b / name)) continue;
      EXPECT_TRUE(Bytes(a / name) == Bytes(b / name)) << a / name << " and " << b / name << " differ";
    }
  }
  // Weights of all steps before the last of which both runs have a checkpoint: nearly all.
  void ExpectSameWeightsOfAllSteps(const std::string& a, const std::string& b, int64_t steps) const {
    int64_t compared = 0;
    for (int64_t step = 1; step < steps; ++step) {
      const stdfs::path first = StepDirectory((root_ / a).string(), step);
      const stdfs::path second = StepDirectory((root_ / b).string(), step);
      // A pass that is no better ends without one.
      if (!stdfs::exists(first) || !stdfs::exists(second)) continue;
      ExpectSameWeights(first, second);
      ++compared;
    }
    EXPECT_GE(compared, 5);
  }

  const ScratchDirectory scratch_;
  const stdfs::path root_ = scratch_.path();
};

// The gate of it all. Every step's weights until the passes are over: what is put back then may be another
// pass's.
TEST_F(ValidationRunTest, LabelsOfHeldOutRowsChangeNoWeight) {
  for (const char* validation : {"share: 0.25", "days: 1"}) {
    const bool by_days = std::string(validation) == "days: 1";
    const proto::Experiment experiment =
        Experiment(absl::StrCat("train { epochs: 3 validation { ", validation,
                                " patience: 100 } } model { distill { replay { steps: 2 batches: 4 } } } "
                                "runtime { checkpoint_every_steps: 4 }"));
    const std::set<std::string> held_out = by_days ? std::set<std::string>() : HeldOutUsers(experiment, 0.25);
    if (!by_days) {
      EXPECT_GT(held_out.size(), 3u);
      EXPECT_LT(held_out.size(), 20u);
    }
    const std::string folder = by_days ? "turned-days" : "turned-users";
    WriteLog(folder, [&](int day, const std::string& user) {
      return by_days ? day == kDays : held_out.count(user) > 0;
    });
    const RunSummary plain = Train(experiment, Options(folder + "-plain"));
    const RunSummary turned = Train(experiment, Options(folder + "-run", folder));
    EXPECT_EQ(plain.steps, turned.steps);
    EXPECT_NE(Validations(folder + "-plain")[0]["validation"], Validations(folder + "-run")[0]["validation"])
        << "no label was turned over: the test shows nothing";
    ExpectSameWeightsOfAllSteps(folder + "-plain", folder + "-run", plain.steps);
  }
}

TEST_F(ValidationRunTest, TheSameThroughPhaseAndRecombination) {
  const proto::Experiment experiment = Experiment(
      "train { validation { days: 1 } } model { distill { phase { fraction: 0.5 steps_per_row: 2 "
      "recombined_batches: 1 } } } runtime { checkpoint_every_steps: 2 }");
  WriteLog("turned", [](int day, const std::string& /*user*/) { return day == kDays; });
  const RunSummary plain = Train(experiment, Options("plain"));
  Train(experiment, Options("run", "turned"));
  ExpectSameWeightsOfAllSteps("plain", "run", plain.steps);
}

TEST_F(ValidationRunTest, TheBestPassIsWhatIsKept) {
  for (const char* method : {"CO_TRAIN", "STUDENT_ALONE", "ROCKET_LAUNCHING", "TEACHER_ALONE"}) {
    const std::string name = absl::StrCat("run-", method);
    const proto::Experiment experiment =
        Experiment(absl::StrCat("model { method: ", method,
                                " } train { epochs: 30 average_decay: 0.5 validation { share: 0.25 "
                                "patience: 2 } }"),
                   Hasty());
    const RunSummary summary = Train(experiment, Options(name));
    const bool of_student =
        std::string(method) == "STUDENT_ALONE" || std::string(method) == "ROCKET_LAUNCHING";
    const std::vector<Json> validations = Validations(name);
    ASSERT_GE(validations.size(), 3u) << method;
    ASSERT_LT(validations.size(), 30u) << method << ": it was never stopped";
    size_t best = 0;
    const auto loss = [&](size_t v) {
      return validations[v]["validation"][of_student ? "student" : "teacher"]["logloss"].get<double>();
    };
    for (size_t v = 1; v < validations.size(); ++v) {
      if (loss(v) < loss(best)) best = v;
    }
    EXPECT_EQ(validations.size(), best + 3) << "two passes of patience after the best";
    ExpectSameWeights(summary.checkpoint, StepDirectory((root_ / name).string(), validations[best]["step"]));
  }
}

// Scored in the run as by whoever evaluates its model.
TEST_F(ValidationRunTest, TheLastDayIsScoredAsItsModelIsEvaluated) {
  const RunSummary summary =
      Train(Experiment(
                "train { average_decay: 0.9 validation { days: 1 } } embedding { slow_copy { decay: 0.9 } }"),
            Options("run"));
  PredictorOptions options;
  options.kernels = FindKernels("generic").value();
  const auto predictor = Predictor::Load(summary.checkpoint, options).value();
  const ModelEvaluation evaluation = EvaluateModel(*predictor, DaysOf("logs").back().files).value();
  const Json line = Validations("run").at(0);
  EXPECT_EQ(line["rows"], 400);
  for (const char* tower : {"teacher", "student"}) {
    const Metrics& metrics = (std::string(tower) == "teacher" ? evaluation.teacher : evaluation.student)->all;
    EXPECT_NEAR(line["validation"][tower]["logloss"].get<double>(), *metrics.logloss, 1e-6) << tower;
    EXPECT_NEAR(line["validation"][tower]["auc"].get<double>(), *metrics.auc, 1e-6) << tower;
  }
}

// What the kinds of members count is kept with the best weights: who evaluates the model finds the same
// figures.
TEST_F(ValidationRunTest, ACommitteesMeanIsLearnedOnTheHeldOutRows) {
  const RunSummary summary =
      Train(Experiment("train { epochs: 3 average_decay: 0.9 validation { days: 1 } } model { committee { "
                       "weights: LEARNED member { copies: 2 tower { mlp { hidden: 4 } } } } "
                       "distill { switches { own_embedding: true } } }"),
            Options("run"));
  const auto predictor = Predictor::Load(summary.checkpoint, {}).value();
  const ModelEvaluation evaluation = EvaluateModel(*predictor, DaysOf("logs").back().files).value();
  Json best;
  for (const Json& line : Validations("run")) {
    ASSERT_EQ(line["mean"]["weights"].size(), 2u);
    if (line["best"].get<bool>()) best = line;
  }
  EXPECT_NE(best["mean"]["weights"][0].get<double>(), 1.0 / 3) << "what they begin as";
  EXPECT_NEAR(best["validation"]["teacher"]["logloss"].get<double>(), *evaluation.teacher->all.logloss, 1e-6);
}

TEST_F(ValidationRunTest, HeldOutAndLearnedRowsAreAllOfThem) {
  const RunSummary summary = Train(Experiment("train { validation { share: 0.25 } }"), Options("run"));
  const proto::RunState state = ReadRunState(FileSystem::Default(), summary.checkpoint).value();
  EXPECT_EQ(state.rows_good(), 1600);
  EXPECT_EQ(state.rows_trained() + state.rows_held_out(), 1600);
  EXPECT_EQ(Validations("run").at(0)["rows"], state.rows_held_out());
  EXPECT_GT(state.rows_held_out(), 150);
  EXPECT_LT(state.rows_held_out(), 700);
}

// Without keys: of a log of few columns there are many equal rows, and their labels differ.
TEST_F(ValidationRunTest, EqualRowsAreOnBothSidesAsTheyAreInTheLog) {
  proto::Experiment experiment = SmallExperiment(kModel, "");
  experiment.mutable_data()->clear_group_column();
  experiment.mutable_data()->clear_key_columns();
  std::ofstream file(root_ / "equal.tsv");
  file << "label\tuser\titem\ttags\tquery\tage\n";
  for (int row = 0; row < 4000; ++row) file << (row % 4 == 0 ? 1 : 0) << "\tu1\ti1\t1\t1\t30\n";
  file.close();
  const Schema schema(experiment);
  const auto format = MakeSampleFormat(experiment.data());
  DayReader reader(FileSystem::Default(), *format, schema, RowUse::kTrain, {(root_ / "equal.tsv").string()},
                   nullptr, nullptr, {RowChoice::kHeldOut, 0.25});
  Batch rows;
  ASSERT_TRUE(reader.ReadBlock(1 << 20, &rows).value());
  EXPECT_NEAR(rows.rows(), 1000, 120);
  EXPECT_NEAR(std::count(rows.labels.begin(), rows.labels.end(), 1.0f), 250, 60);
}

TEST_F(ValidationRunTest, AShareOfNothingIsToldBeforeTheFirstStep) {
  const absl::Status refused =
      TrainRun(Experiment("train { validation { share: 1e-6 } }"), Options("run")).status();
  EXPECT_EQ(ExitCode(refused), kExitData);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("holds out not one of the 1,600 rows"));
  EXPECT_FALSE(stdfs::exists(root_ / "run"));
}

TEST_F(ValidationRunTest, PartsHoldOutRowsThatNoOtherPartDoes) {
  const proto::Experiment experiment = Experiment("train { validation { share: 0.25 } }");
  EXPECT_EQ(Validation::Parts(experiment.train().validation()), 4);
  int64_t held_out = 0;
  for (int part = 0; part < 4; ++part) {
    RunOptions options = Options(absl::StrCat("part-", part));
    options.held_out_part = part;
    const proto::RunState state =
        ReadRunState(FileSystem::Default(), Train(experiment, options).checkpoint).value();
    EXPECT_EQ(state.rows_trained() + state.rows_held_out(), 1600);
    held_out += state.rows_held_out();
  }
  EXPECT_EQ(held_out, 1600);
}

TEST_F(ValidationRunTest, ThenTheHeldOutRowsAreLearned) {
  const std::string more = "train { epochs: 2 validation { days: 1 then_learn: ";
  const RunSummary without = Train(Experiment(more + "false } }"), Options("without"));
  const RunSummary with = Train(Experiment(more + "true } }"), Options("with"));
  EXPECT_EQ(with.rows_trained, without.rows_trained + 400);
  EXPECT_FALSE(Bytes(stdfs::path(with.checkpoint) / "teacher.bin") ==
               Bytes(stdfs::path(without.checkpoint) / "teacher.bin"));
  EXPECT_EQ(LastDayOf(ReadRunState(FileSystem::Default(), without.checkpoint).value()), "2026-01-03");
  EXPECT_EQ(LastDayOf(ReadRunState(FileSystem::Default(), with.checkpoint).value()), "2026-01-04");
}

// The promise of co-training holds: the teacher decides, and nothing of the student reaches it.
TEST_F(ValidationRunTest, TheTeacherIsThatOfARunWithoutAStudent) {
  std::vector<std::string> teachers, tables;
  for (const char* method : {"TEACHER_ALONE", "CO_TRAIN"}) {
    const RunSummary summary = Train(
        Experiment(
            absl::StrCat("model { method: ", method,
                         " distill { phase { fraction: 0.5 } } } train { epochs: 10 validation { share: 0.2 "
                         "then_learn: true } }"),
            Hasty()),
        Options(method));
    teachers.push_back(Bytes(stdfs::path(summary.checkpoint) / "teacher.bin"));
    tables.push_back(Bytes(stdfs::path(summary.checkpoint) / "embedding.bin"));
  }
  EXPECT_TRUE(teachers[0] == teachers[1]);
  EXPECT_TRUE(tables[0] == tables[1]);
}

TEST_F(ValidationRunTest, AStudentsPhaseIsValidatedInPortions) {
  Train(Experiment("train { validation { days: 1 } } model { distill { phase { fraction: 1 } } }"),
        Options("run"));
  int portions = 0;
  for (const Json& line : Validations("run")) {
    if (!line.contains("portion")) continue;
    ++portions;
    EXPECT_TRUE(line["validation"].contains("student"));
    EXPECT_FALSE(line["validation"].contains("teacher")) << "it stands still";
  }
  EXPECT_EQ(portions, 4);
}

TEST_F(ValidationRunTest, TheBestCheckpointOutlivesThePruning) {
  proto::Experiment experiment = Experiment(
      "train { epochs: 6 validation { share: 0.25 patience: 3 } } runtime { checkpoint_every_steps: 7 }",
      Hasty());
  experiment.mutable_runtime()->set_keep_checkpoints(1);
  const RunSummary summary = Train(experiment, Options("run"));
  EXPECT_EQ(std::distance(stdfs::directory_iterator(root_ / "run/checkpoints"), {}), 1)
      << "in the end it goes";
  proto::Experiment all = experiment;
  all.mutable_runtime()->set_keep_checkpoints(1000);
  const RunSummary kept = Train(all, Options("kept"));
  ExpectSameWeights(summary.checkpoint, kept.checkpoint);
}

TEST_F(ValidationRunTest, TheNumberOfThreadsChangesNoByte) {
  std::vector<stdfs::path> checkpoints;
  for (const int threads : {1, 3}) {
    const RunSummary summary = Train(
        Experiment(
            absl::StrCat(
                "train { epochs: 5 validation { share: 0.3 then_learn: true } } runtime { threads: ", threads,
                " } feature { name: 'user' sparse {} } feature { name: 'age' dense { piecewise {} } }"),
            Hasty()),
        Options(absl::StrCat("run-", threads)));
    checkpoints.emplace_back(summary.checkpoint);
  }
  for (const auto& entry : stdfs::directory_iterator(checkpoints[0]))
    EXPECT_TRUE(Bytes(entry.path()) == Bytes(checkpoints[1] / entry.path().filename())) << entry.path();
}

TEST_F(ValidationRunTest, MoreHeldOutDaysThanThereAreIsRefused) {
  RunOptions options = Options("run");
  options.days.resize(2);
  const absl::Status refused = TrainRun(Experiment("train { validation { days: 2 } }"), options).status();
  EXPECT_EQ(ExitCode(refused), kExitUsage);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("only 2 days have a log"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("clear=train.validation"));
  EXPECT_FALSE(stdfs::exists(root_ / "run"));
}

// ---- the first logit

float BiasOf(const std::string& checkpoint, bool of_teacher) {
  const proto::Experiment experiment = VerifyAndReadExperiment(FileSystem::Default(), checkpoint).value();
  DualModel model(experiment, *FindKernels("generic").value(), true);
  EXPECT_TRUE(LoadCheckpoint(FileSystem::Default(), checkpoint, EmbeddingLoad::kResume, &model).ok());
  return of_teacher ? model.teacher_parameters().values[model.teacher().member(0).bias_offset()]
                    : model.student_parameters().values[model.student().bias_offset()];
}

TEST_F(ValidationRunTest, TowersBeginAtTheBaseRateOfTheFirstRows) {
  // shuffle_rows: 256, of the first day.
  double positives = 0;
  std::ifstream file(root_ / "logs/2026-01-01.tsv");
  std::string line;
  std::getline(file, line);
  for (int row = 0; row < 256 && std::getline(file, line); ++row) positives += line[0] == '1' ? 1 : 0;
  const double expected = std::log((positives + 0.5) / (256 - positives + 0.5));
  EXPECT_LT(expected, -0.2) << "so that it can be told from 0";
  for (const char* optimizer :
       {"sgd { lr: 1e-9 }", "adam { lr: 1e-9 }", "ftrl { lr: 1e-9 }", "adagrad { lr: 1e-9 }"}) {
    for (const char* method : {"CO_TRAIN", "TWO_STAGE_KD", "STUDENT_ALONE"}) {
      const std::string name = absl::StrCat(method, "-", std::string(optimizer, 4));
      const std::string more = absl::StrCat("model { method: ", method,
                                            " } train { average_decay: 0.9 optimizer { ", optimizer, " } }");
      RunOptions options = Options(name);
      options.days.resize(1);
      const std::string first = Train(Experiment(more), options).checkpoint;
      if (std::string(method) != "STUDENT_ALONE") {
        EXPECT_NEAR(BiasOf(first, true), expected, 1e-5) << name;
      }
      EXPECT_NEAR(BiasOf(first, false), expected, 1e-5) << name;
      options.run_dir += "-zero";
      EXPECT_NEAR(BiasOf(Train(Experiment(more, {"train.first_logit=ZERO"}), options).checkpoint, false), 0,
                  1e-5)
          << name;
    }
  }
}

TEST_F(ValidationRunTest, FineTuningKeepsTheModelsLogit) {
  const RunSummary first =
      Train(Experiment("train { first_logit: ZERO optimizer { sgd { lr: 1e-9 } } }"), Options("first"));
  RunOptions options = Options("tuned");
  options.init_from = first.checkpoint;
  const RunSummary tuned = Train(Experiment("train { optimizer { sgd { lr: 1e-9 } } }"), options);
  EXPECT_NEAR(BiasOf(tuned.checkpoint, true), 0, 1e-5);
}

// ---- the first look

constexpr char kLooks[] =
    "feature { name: 'user' sparse {} } feature { name: 'age' dense { piecewise { max_knots: 4 } } } "
    "feature { name: 'flag' column: 'query' dense { piecewise {} } } ";

std::vector<double> KnotsOf(const proto::Experiment& experiment, int feature) {
  const auto& knots = experiment.feature(feature).dense().piecewise().knots();
  return {knots.begin(), knots.end()};
}

TEST_F(ValidationRunTest, KnotsThatAreLeftOutAreTakenFromTheLogAndKept) {
  const RunSummary summary = Train(Experiment(kLooks), Options("run"));
  const proto::Experiment model = VerifyAndReadExperiment(FileSystem::Default(), summary.checkpoint).value();
  EXPECT_EQ(KnotsOf(model, 1).size(), 4u);
  EXPECT_THAT(KnotsOf(model, 2), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8)) << "a knot a value";
  EXPECT_THAT(Bytes(root_ / "run/config.pbtxt"), HasSubstr("knots: [0, 1, 2, 3, 4, 5, 6, 7, 8]"));

  RunOptions again = Options("run");
  again.resume = true;
  EXPECT_TRUE(Train(Experiment(kLooks), again).already_complete) << "the configuration that it began with";

  // Fine-tuned on days of other numbers, with a configuration that leaves them out again.
  RunOptions tuned = Options("tuned");
  tuned.days.resize(1);
  tuned.init_from = summary.checkpoint;
  const RunSummary more = Train(Experiment(kLooks), tuned);
  const proto::Experiment after = VerifyAndReadExperiment(FileSystem::Default(), more.checkpoint).value();
  EXPECT_EQ(KnotsOf(after, 1), KnotsOf(model, 1));
}

TEST_F(ValidationRunTest, HeldOutRowsGiveNoKnot) {
  stdfs::copy(root_ / "logs", root_ / "older");
  {
    std::ofstream last(root_ / "older/2026-01-04.tsv");
    last << "label\tuser\titem\ttags\tquery\tage\n1\tu1\ti1\t1\t77\t99\n0\tu1\ti1\t1\t77\t99\n";
  }
  const RunSummary summary =
      Train(Experiment(absl::StrCat(kLooks, "train { validation { days: 1 } }")), Options("run", "older"));
  const proto::Experiment model = VerifyAndReadExperiment(FileSystem::Default(), summary.checkpoint).value();
  EXPECT_THAT(KnotsOf(model, 2), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST_F(ValidationRunTest, AColumnWithoutANumberIsAClearError) {
  const absl::Status refused =
      TrainRun(Experiment("data { missing_value: ['0','1','2','3','4','5','6','7','8'] } feature { name: "
                          "'user' sparse {} } "
                          "feature { name: 'flag' column: 'query' dense { piecewise {} } }"),
               Options("run"))
          .status();
  EXPECT_EQ(ExitCode(refused), kExitData);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("feature[flag].dense.piecewise.knots: not set, and "
                                                        "column 'query' holds no number in the 1,600 rows"));
  EXPECT_FALSE(stdfs::exists(root_ / "run"));
}

}  // namespace
}  // namespace tandem
