// A run in its directory: resumed, refused, on any number of threads.
#include "tandem/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/train/checkpoint_state.h"
#include "src/train/run_directory.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/export.h"
#include "tandem/feature_change.h"
#include "tandem/model_directory.h"
#include "tandem/random.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/sanitized.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

namespace stdfs = std::filesystem;
using testing::HasSubstr;

constexpr char kModel[] =
    "teacher { linear: true interaction { cin { layers: 4 } } mlp { hidden: 8 } }"
    " student { mlp { hidden: 8 dropout: 0.1 } } distill { hint {} }";

// A fresh directory with four daily files of random rows.
class RunTest : public testing::Test {
 protected:
  RunTest() {
    stdfs::create_directories(root_ / "logs");
    const Random random(3, RandomPurpose::kSynthetic, {});
    uint64_t counter = 0;
    const auto draw = [&](int below) { return static_cast<int>(random.UniformDouble(counter++) * below); };
    for (int day = 1; day <= 4; ++day) {
      std::ofstream file(root_ / "logs" / absl::StrCat("2026-01-0", day, ".tsv"));
      std::ofstream scored = Log("scored", day), labelled = Log("labelled", day);
      file << "label\tuser\titem\ttags\tquery\tage\n";
      scored << "score\tlabel\tuser\titem\ttags\tquery\tage\n";
      labelled << "label\tuser\titem\ttags\tquery\tage\n";
      for (int row = 0; row < 500; ++row) {
        const int user = draw(40);
        const int item = draw(20);
        const int label = draw(3) + user % 2 + item % 2 > 2 ? 1 : 0;
        std::string cells = absl::StrCat("\tu", user, "\ti", item, "\t", draw(9));
        absl::StrAppend(&cells, "|", draw(9));
        absl::StrAppend(&cells, "\t", draw(9));
        absl::StrAppend(&cells, "\t", draw(60), "\n");
        file << label << cells;
        const bool hidden = row % 5 > day, without_score = row % 5 == 0;
        if (without_score) {
          scored << "\t" << label << cells;
        } else {
          scored << (1 + user % 2 + item % 2) / 4.0 << "\t" << (hidden ? "" : absl::StrCat(label)) << cells;
        }
        if (without_score || !hidden) labelled << label << cells;
      }
    }
  }

  proto::Experiment Experiment(const std::string& more = "") const {
    proto::Experiment experiment = SmallExperiment(kModel, more);
    experiment.mutable_data()->set_path((root_ / "logs/{date}.tsv").string());
    return experiment;
  }

  RunOptions Options(const std::string& name) const {
    RunOptions options;
    options.run_dir = (root_ / name).string();
    std::vector<std::string> missing;
    options.days = FindDays(FileSystem::Default(), (root_ / "logs/{date}.tsv").string(), "2026-01-01",
                            "2026-01-04", &missing)
                       .value();
    options.kernels = FindKernels("auto").value();
    return options;
  }

  // Days of another folder: "scored" has a teacher's probabilities, but not for all rows, and hides labels;
  // "labelled" lacks the rows whose label that hides.
  std::vector<Day> DaysOf(const std::string& folder) const {
    std::vector<std::string> missing;
    return FindDays(FileSystem::Default(), (root_ / folder / "{date}.tsv").string(), "2026-01-01",
                    "2026-01-04", &missing)
        .value();
  }
  std::ofstream Log(const std::string& folder, int day) const {
    stdfs::create_directories(root_ / folder);
    return std::ofstream(root_ / folder / absl::StrCat("2026-01-0", day, ".tsv"));
  }

  static std::string Bytes(const stdfs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const ScratchDirectory scratch_;
  const stdfs::path root_ = scratch_.path();
};

// For towers that have no hidden layer to hint at.
proto::Experiment WithoutHints(proto::Experiment experiment) {
  experiment.mutable_model()->mutable_distill()->clear_hint();
  return experiment;
}

constexpr int kFewStarts = 12;

class ResumedRunTest : public RunTest, public testing::WithParamInterface<const char*> {};

TEST_P(ResumedRunTest, EndsWithTheBytesOfTheUninterruptedOne) {
  const std::string more = GetParam();
  RunOptions whole_options = Options("whole");
  const bool scored = more.find("unlabelled") != std::string::npos;
  if (scored) whole_options.days = DaysOf("scored");
  const absl::StatusOr<RunSummary> whole = TrainRun(Experiment(more), whole_options);
  ASSERT_TRUE(whole.ok()) << whole.status();
  // Stopped after every single step, from the first on; with a sanitizer after some.
  const std::atomic<int> stop(SIGTERM);
  RunOptions options = Options("stopped");
  options.stop = &stop;
  options.resume = true;
  options.days = whole_options.days;
  RunSummary summary;
  int starts = 0;
  do {
    const absl::StatusOr<RunSummary> part = TrainRun(Experiment(more), options);
    ASSERT_TRUE(part.ok()) << part.status();
    summary = *part;
    ASSERT_LT(++starts, 1000);
    if (kSanitized && starts == kFewStarts) options.stop = nullptr;
  } while (summary.stopped_by != 0);
  EXPECT_GT(starts, kSanitized ? kFewStarts : 30) << "the run was hardly ever interrupted";
  EXPECT_EQ(summary.steps, whole->steps);
  const stdfs::path a = whole->checkpoint;
  const stdfs::path b = summary.checkpoint;
  ASSERT_EQ(a.filename(), b.filename());
  for (const auto& entry : stdfs::directory_iterator(a)) {
    EXPECT_EQ(Bytes(entry.path()), Bytes(b / entry.path().filename())) << entry.path().filename();
  }
  EXPECT_EQ(
      std::count_if(std::istreambuf_iterator<char>(std::ifstream(root_ / "whole/metrics.jsonl").rdbuf()), {},
                    [](char c) { return c == '\n'; }),
      std::count_if(std::istreambuf_iterator<char>(std::ifstream(root_ / "stopped/metrics.jsonl").rdbuf()),
                    {}, [](char c) { return c == '\n'; }));
}

INSTANTIATE_TEST_SUITE_P(
    Levers, ResumedRunTest,
    testing::Values(
        "train { epochs: 2 } embedding { id_dropout: 0.1 min_count: 2 weight_decay: 0.001 }",
        "train { epochs: 2 batch_size: 100 shuffle_rows: 300 batches_cross_days: true } embedding { "
        "min_count: 2 }",
        "train { shuffle_rows: 100 batches_cross_days: true } model { distill { phase { fraction: 0.6 } } } "
        "data { "
        "unlabelled: USE_TEACHER }",
        "train { average_decay: 0.9 } model { distill { replay { steps: 3 batches: 5 } phase { fraction: 0.6 "
        "} } } embedding { id_dropout: 0.1 min_count: 2 slow_copy { decay: 0.9 towers: STUDENT } }",
        "train { average_decay: 0.9 l2: 0.01 weight_decay: 0.1 optimizer { muon {} } } "
        "model { student { optimizer { muon { lr: 0.004 adam { lr: 0.002 } } } } "
        "distill { replay { steps: 2 batches: 5 } phase { fraction: 0.6 steps_per_row: 2 "
        "recombined_batches: 2 recombined_share: 0.3 recombined_unknown: 0.1 } } } embedding { slow_copy { "
        "towers: STUDENT } }",
        "model { method: TWO_STAGE_KD student { linear: true } } train { average_decay: 0.9 }",
        "model { method: TWO_STAGE_FULL distill { replay { steps: 2 } } student { optimizer { sgd {} } } } "
        "embedding { slow_copy {} }",
        "model { method: ROCKET_LAUNCHING } feature { name: 'user' sparse {} } "
        "feature { name: 'age' dense { transform: LOG1P } towers: TEACHER } feature { name: 'item' sparse {} "
        "}",
        "feature { name: 'user' sparse {} } feature { name: 'tag' column: 'query' sparse { table: 'tag' } } "
        "feature { name: 'tags' sparse { sequence { max_length: 3 } table: 'tag' } } "
        "model { teacher { interaction { transformer { sequence: 'tags' target: 'tag' hidden: 6 } } } }",
        "data { unlabelled: USE_TEACHER } model { distill { stored_logits { column: 'score' } "
        "replay { steps: 2 batches: 5 } phase { fraction: 0.7 steps_per_row: 2 } } } "
        "embedding { slow_copy { towers: STUDENT } }",
        "data { unlabelled: USE_TEACHER } model { method: TWO_STAGE_FULL } train { shuffle_rows: 70 epochs: "
        "2 }",
        "data { unlabelled: USE_TEACHER } model { method: STUDENT_ALONE student { linear: true } "
        "distill { stored_logits { column: 'score' } switches { hint: false } } }",
        // Stopped early, and put back.
        "train { epochs: 8 average_decay: 0.9 optimizer { adam { lr: 0.05 } } validation { share: 0.2 "
        "patience: 1 } } "
        "embedding { id_dropout: 0.1 min_count: 2 weight_decay: 0.001 optimizer { adagrad { lr: 0.5 } } } "
        "model { distill { replay { steps: 2 batches: 5 } } }",
        "train { epochs: 4 optimizer { adam { lr: 0.03 } } validation { share: 0.2 patience: 1 then_learn: "
        "true } } "
        "model { distill { replay { steps: 2 batches: 5 } phase { fraction: 0.6 recombined_batches: 1 } } } "
        "embedding { optimizer { adam { lr: 0.1 } } slow_copy { decay: 0.9 } }",
        "model { method: TWO_STAGE_KD } train { epochs: 5 average_decay: 0.9 optimizer { adam { lr: 0.05 } } "
        "validation { days: 1 patience: 1 then_learn: true } }",
        "model { method: STUDENT_ALONE } train { epochs: 3 validation { days: 2 patience: 1 } } "
        "feature { name: 'user' sparse {} } feature { name: 'age' dense { piecewise {} } }",
        // A committee beside the teacher, a student on rows of its own.
        "train { average_decay: 0.9 } embedding { id_dropout: 0.1 min_count: 2 slow_copy { decay: 0.9 } } "
        "model { committee { member { copies: 2 tower { linear: true mlp { hidden: 4 normalize_input: true } "
        "} } } "
        "student { linear: true } distill { switches { own_embedding: true } own_embedding { dim: 3 l2: "
        "0.001 } "
        "phase { fraction: 0.6 recombined_batches: 2 recombined_unknown: 0.3 recombined_group { feature: "
        "['user', 'item'] } } } }",
        // Heads of both kinds, of a member and of the student.
        "train { average_decay: 0.9 optimizer { muon {} } } embedding { id_dropout: 0.1 slow_copy {} } "
        "model { committee { member { copies: 2 tower { linear: true heads: 2 mlp { hidden: 4 dropout: 0.1 "
        "normalize_input: true } } } } "
        "student { linear: true heads: 3 head_weights: RANK_ONE mlp { normalize_input: true } } "
        "distill { switches { own_embedding: true } phase { fraction: 0.6 recombined_batches: 1 } } }",
        "train { epochs: 4 optimizer { adam { lr: 0.03 } } validation { share: 0.2 patience: 1 then_learn: "
        "true } } embedding { slow_copy { decay: 0.9 } } "
        "model { committee { weights: LEARNED member { copies: 2 tower { mlp { hidden: 4 } } } } "
        "distill { switches { own_embedding: true } phase { fraction: 0.6 recombined_batches: 1 } } }",
        "train { epochs: 4 optimizer { adam { lr: 0.03 } } validation { share: 0.2 patience: 1 then_learn: "
        "true } } "
        "model { committee { rows: SHARED member { copies: 3 tower { mlp { hidden: 4 } } } } "
        "distill { replay { steps: 2 batches: 5 } phase { fraction: 0.6 recombined_batches: 1 } } }",
        "data { unlabelled: USE_TEACHER } train { epochs: 3 optimizer { adam { lr: 0.05 } } validation { "
        "share: 0.3 patience: 1 "
        "then_learn: true } } model { distill { phase { fraction: 0.5 } } }",
        // Products of rounded factors.
        "train { precision: BF16 epochs: 3 average_decay: 0.9 optimizer { adam { lr: 0.05 } } validation { "
        "share: 0.3 patience: 1 } } model { distill { replay { steps: 2 batches: 5 } phase { fraction: 0.5 } "
        "} }"));

// Stopped in the middle of its second day, then resumed on what `change` makes of the log.
class ChangedLogTest : public RunTest {
 protected:
  ChangedLogTest() {
    whole_ = TrainRun(Experiment(kPasses), Options("whole")).value();
    const std::atomic<int> stop(SIGTERM);
    RunOptions options = Options("stopped");
    options.stop = &stop;
    options.resume = true;
    const int64_t until = whole_.steps / 2 / 4 * 3 / 2;  // of 2 passes of 4 days: day 2 of the first
    for (RunSummary part; part.steps < until; part = TrainRun(Experiment(kPasses), options).value()) {
    }
  }
  absl::StatusOr<RunSummary> Resume() {
    RunOptions options = Options("stopped");
    options.resume = true;
    return TrainRun(Experiment(kPasses), options);
  }
  std::string Refusal() {
    const absl::StatusOr<RunSummary> resumed = Resume();
    if (resumed.ok()) return "";
    EXPECT_EQ(ExitCode(resumed.status()), kExitData);
    return std::string(resumed.status().message());
  }
  std::string Text(int day) const { return Bytes(root_ / "logs" / absl::StrCat("2026-01-0", day, ".tsv")); }
  void Write(int day, const std::string& text) const {
    std::ofstream(root_ / "logs" / absl::StrCat("2026-01-0", day, ".tsv")) << text;
  }

  static constexpr char kPasses[] = "train { epochs: 2 } runtime { keep_checkpoints: 1000 }";
  RunSummary whole_;
};

TEST_F(ChangedLogTest, TheDayAtHandIsRefusedByNameAndPutBackGoesOnBitForBit) {
  const std::string before = Text(2);
  const size_t header = before.find('\n') + 1;
  Write(2, before + before.substr(header));
  EXPECT_NE(Refusal().find("2026-01-02.tsv: has changed"), std::string::npos) << Refusal();
  Write(2, before.substr(0, before.size() / 2));
  EXPECT_NE(Refusal().find("2026-01-02.tsv: has changed"), std::string::npos) << Refusal();
  // Another label in its last row: as many bytes, all of them of rows that are still to come.
  std::string other = before;
  char& label = other[other.rfind('\n', other.size() - 2) + 1];
  label = label == '0' ? '1' : '0';
  Write(2, other);
  EXPECT_NE(Refusal().find("as many bytes"), std::string::npos) << Refusal();
  Write(2, before);
  const absl::StatusOr<RunSummary> resumed = Resume();
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  for (const char* file : {"student.bin", "teacher.bin", "embedding.bin", "state.pbtxt"}) {
    EXPECT_EQ(Bytes(stdfs::path(whole_.checkpoint) / file), Bytes(stdfs::path(resumed->checkpoint) / file))
        << file;
  }
}

TEST_F(ChangedLogTest, ADayThatIsDoneIsRefusedAndOneToComeIsNot) {
  const std::string first = Text(1), last = Text(4);
  Write(1, first + first.substr(first.find('\n') + 1));
  EXPECT_NE(Refusal().find("2026-01-01.tsv: has changed"), std::string::npos) << Refusal();
  Write(1, first);
  Write(4, last + last.substr(last.find('\n') + 1));
  EXPECT_EQ(Refusal(), "");
}

// Where the teacher comes to rest: a run that is killed in the student phase goes back no further.
TEST_F(RunTest, TheStudentPhaseBeginsWithACheckpoint) {
  const proto::Experiment experiment = Experiment(
      "model { distill { phase { fraction: 0.5 } } student { linear: false } } "
      "runtime { keep_checkpoints: 1000 }");
  const absl::StatusOr<RunSummary> run = TrainRun(experiment, Options("run"));
  ASSERT_TRUE(run.ok()) << run.status();
  const proto::RunState state = ReadRunState(FileSystem::Default(), run->checkpoint).value();
  ASSERT_LT(state.joint_steps(), state.step());
  const std::string at_rest = StepDirectory((root_ / "run").string(), state.joint_steps());
  ASSERT_TRUE(stdfs::exists(at_rest)) << at_rest;
  // From there the run ends as it did.
  for (const auto& entry : stdfs::directory_iterator(root_ / "run/checkpoints")) {
    if (entry.path() != stdfs::path(at_rest)) stdfs::rename(entry.path(), root_ / entry.path().filename());
  }
  stdfs::remove(root_ / "run/complete");
  RunOptions options = Options("run");
  options.resume = true;
  const absl::StatusOr<RunSummary> again = TrainRun(experiment, options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->checkpoint, run->checkpoint);
  EXPECT_EQ(Bytes(stdfs::path(again->checkpoint) / "MANIFEST"),
            Bytes(root_ / stdfs::path(run->checkpoint).filename() / "MANIFEST"));
}

TEST_F(RunTest, TheTeacherOfALogWithHiddenLabelsIsThatOfTheRowsThatHaveOne) {
  std::vector<std::string> teachers, embeddings;
  const auto train = [&](const std::string& name, const std::string& folder, const std::string& more) {
    RunOptions options = Options(name);
    options.days = DaysOf(folder);
    const absl::StatusOr<RunSummary> run =
        TrainRun(Experiment(absl::StrCat("train { shuffle_rows: 150 epochs: 2 } ", more)), options);
    ASSERT_TRUE(run.ok()) << run.status();
    teachers.push_back(Bytes(stdfs::path(run->checkpoint) / "teacher.bin"));
    embeddings.push_back(Bytes(stdfs::path(run->checkpoint) / "embedding.bin"));
  };
  train("labelled-run", "labelled", "");
  train("dropped-run", "scored", "data { unlabelled: DROP }");
  train("distilled-run", "scored", "data { unlabelled: USE_TEACHER }");
  train("stored-run", "scored",
        "data { unlabelled: USE_TEACHER } model { distill { stored_logits { column: 'score' } } }");
  ASSERT_EQ(teachers.size(), 4u);
  EXPECT_FALSE(teachers[0].empty());
  EXPECT_FALSE(embeddings[0].empty());
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(teachers[0], teachers[i]) << i;
    EXPECT_EQ(embeddings[0], embeddings[i]) << i;
  }
}

TEST_F(RunTest, AWindowWithoutALabelIsRefusedWhereSomethingNeedsOne) {
  {
    std::ofstream log = Log("hidden", 1);
    log << "score\tlabel\tuser\titem\ttags\tquery\tage\n";
    for (int row = 0; row < 200; ++row) log << "0.3\t\tu" << row % 9 << "\ti1\t1|2\t3\t30\n";
  }
  const auto train = [&](const std::string& name, const std::string& more) {
    RunOptions options = Options(name);
    options.days = DaysOf("hidden");
    return TrainRun(Experiment(more), options).status();
  };
  const absl::Status co_train = train("a", "data { unlabelled: USE_TEACHER }");
  EXPECT_EQ(ExitCode(co_train), kExitData) << co_train;
  EXPECT_NE(co_train.message().find("none of the 200 rows of the window has a label, in column 'label'; a "
                                    "teacher needs some"),
            std::string::npos)
      << co_train;
  const absl::Status dropped = train(
      "b", "data { unlabelled: DROP } model { method: STUDENT_ALONE distill { switches { hint: false } } }");
  EXPECT_EQ(ExitCode(dropped), kExitData) << dropped;
  const absl::Status stored =
      train("c",
            "data { unlabelled: USE_TEACHER } model { method: STUDENT_ALONE "
            "distill { stored_logits { column: 'score' } switches { hint: false } } }");
  EXPECT_TRUE(stored.ok()) << stored;
}

TEST_F(RunTest, TheNumberOfThreadsChangesNoByteOfCheckpointAndBundle) {
  std::vector<std::string> manifests, bundles;
  for (const int threads : {1, 2, 4}) {
    const std::string name = absl::StrCat("threads", threads);
    const absl::StatusOr<RunSummary> run =
        TrainRun(Experiment(absl::StrCat("runtime { threads: ", threads, " }")), Options(name));
    ASSERT_TRUE(run.ok()) << run.status();
    manifests.push_back(Bytes(stdfs::path(run->checkpoint) / "MANIFEST"));
    const std::string bundle = (root_ / (name + "-bundle")).string();
    const absl::Status exported =
        ExportBundle(FileSystem::Default(), run->checkpoint, bundle, ExportOptions()).status();
    ASSERT_TRUE(exported.ok()) << exported;
    bundles.push_back(Bytes(stdfs::path(bundle) / "MANIFEST"));
  }
  EXPECT_EQ(manifests[0], manifests[1]);
  EXPECT_EQ(manifests[0], manifests[2]);
  EXPECT_EQ(bundles[0], bundles[1]);
  EXPECT_EQ(bundles[0], bundles[2]);
}

TEST_F(RunTest, InBf16TheNumberOfThreadsChangesNoByteAndTheRunSaysWhatItIs) {
  const auto train = [&](const std::string& name, const std::string& more) {
    const absl::StatusOr<RunSummary> run = TrainRun(Experiment(more), Options(name));
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? stdfs::path(run->checkpoint) : stdfs::path();
  };
  const stdfs::path one = train("one", "train { precision: BF16 } runtime { threads: 1 }");
  const stdfs::path two = train("two", "train { precision: BF16 } runtime { threads: 2 }");
  const stdfs::path floats = train("floats", "");
  EXPECT_EQ(Bytes(one / "MANIFEST"), Bytes(two / "MANIFEST"));
  for (const char* weights : {"teacher.bin", "student.bin", "embedding.bin"}) {
    EXPECT_EQ(Bytes(one / weights).size(), Bytes(floats / weights).size()) << weights;
    EXPECT_NE(Bytes(one / weights), Bytes(floats / weights)) << weights;
  }
  EXPECT_NE(Bytes(root_ / "one/config.pbtxt").find("precision: BF16"), std::string::npos);
  const std::string kernels = FindKernels("auto").value()->name();
  EXPECT_NE(Bytes(one / "state.pbtxt").find(absl::StrCat("kernels: \"", kernels, "+")), std::string::npos);
  EXPECT_NE(Bytes(floats / "state.pbtxt").find(absl::StrCat("kernels: \"", kernels, "\"")),
            std::string::npos);
  EXPECT_EQ(Bytes(root_ / "floats/config.pbtxt").find("BF16"), std::string::npos);
}

TEST_F(RunTest, ARunKeepsItsPrecisionAndARunFromItsCheckpointMayHaveEither) {
  const std::string bf16 = "train { precision: BF16 }";
  for (const std::string& before : {std::string(), bf16}) {
    const std::string name = before.empty() ? "floats" : "bf16", after = before.empty() ? bf16 : "";
    const absl::StatusOr<RunSummary> first = TrainRun(Experiment(before), Options(name));
    ASSERT_TRUE(first.ok()) << first.status();
    RunOptions resumed = Options(name);
    resumed.resume = true;
    const absl::Status refused = TrainRun(Experiment(after), resumed).status();
    EXPECT_EQ(ExitCode(refused), kExitUsage);
    EXPECT_NE(std::string(refused.message()).find("train.precision"), std::string::npos) << refused;
    RunOptions second = Options(name + "-tuned");
    second.init_from = first->checkpoint;
    const absl::Status tuned = TrainRun(Experiment(after), second).status();
    EXPECT_TRUE(tuned.ok()) << tuned;
  }
}

TEST_F(RunTest, AProfileIsKeptInTheRunAndChangesNoByteOfIt) {
  RunOptions plain = Options("plain"), profiled = Options("profiled");
  plain.days.resize(1);
  profiled.days.resize(1);
  profiled.profile = true;
  const auto without = TrainRun(Experiment(), plain), with = TrainRun(Experiment(), profiled);
  ASSERT_TRUE(without.ok() && with.ok()) << with.status();
  EXPECT_EQ(without->profile, "");
  EXPECT_NE(with->profile.find("teacher backward"), std::string::npos) << with->profile;
  EXPECT_FALSE(stdfs::exists(root_ / "plain/profile.json"));
  const std::string json = Bytes(root_ / "profiled/profile.json");
  EXPECT_NE(json.find("\"command\":\"train\""), std::string::npos) << json;
  EXPECT_EQ(Bytes(without->checkpoint + "/teacher.bin"), Bytes(with->checkpoint + "/teacher.bin"));
  // Of a run that is done there is nothing to tell.
  profiled.resume = true;
  EXPECT_EQ(TrainRun(Experiment(), profiled).value().profile, "");
  EXPECT_EQ(Bytes(root_ / "profiled/profile.json"), json);
}

TEST_F(RunTest, ADirectoryThatIsNotEmptyIsNeverWrittenInto) {
  stdfs::create_directories(root_ / "taken");
  std::ofstream(root_ / "taken/notes.txt") << "mine";
  for (const bool resume : {false, true}) {
    RunOptions options = Options("taken");
    options.resume = resume;
    const absl::StatusOr<RunSummary> run = TrainRun(Experiment(), options);
    EXPECT_EQ(ExitCode(run.status()), kExitUsage) << run.status();
  }
  EXPECT_EQ(std::distance(stdfs::directory_iterator(root_ / "taken"), {}), 1);
}

TEST_F(RunTest, ADirectoryHasOneProcessAtATime) {
  ASSERT_TRUE(TrainRun(Experiment(), Options("run")).ok());
  RunOptions options = Options("run");
  options.resume = true;
  {
    absl::StatusOr<RunDirectory> other =
        RunDirectory::Open(FileSystem::Default(), options.run_dir, /*resume=*/true);
    ASSERT_TRUE(other.ok()) << other.status();
    const absl::StatusOr<RunSummary> refused = TrainRun(Experiment(), options);
    EXPECT_EQ(ExitCode(refused.status()), kExitUsage) << refused.status();
    EXPECT_NE(refused.status().message().find("in use by another process"), std::string::npos)
        << refused.status();
  }
  EXPECT_TRUE(TrainRun(Experiment(), options).ok());
  // Both saw that there was nothing yet.
  FileSystem& fs = FileSystem::Default();
  const std::string path = (root_ / "both").string();
  absl::StatusOr<RunDirectory> first = RunDirectory::Open(fs, path, false),
                               second = RunDirectory::Open(fs, path, false);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(first->Claim(fs).ok());
  EXPECT_EQ(ExitCode(second->Claim(fs)), kExitUsage);
}

// What a program hears is what the run's log holds.
class Ears : public RunObserver {
 public:
  absl::Status OnStep(const StepReport& step) override {
    steps.push_back(step.step);
    EXPECT_GT(step.losses.total, 0);
    return step.step == fail_at ? absl::CancelledError("enough") : absl::OkStatus();
  }
  absl::Status OnDay(const DayReport& day) override {
    days.push_back(day.day);
    EXPECT_EQ(day.rows, 500);
    EXPECT_TRUE(day.teacher.has_value() && day.student.has_value());
    EXPECT_GT(day.teacher->auc.value_or(0), 0.4);
    return absl::OkStatus();
  }
  absl::Status OnCheckpoint(const CheckpointReport& checkpoint) override {
    EXPECT_TRUE(VerifyDirectory(FileSystem::Default(), checkpoint.path).ok());
    checkpoints.push_back(checkpoint.step);
    return absl::OkStatus();
  }

  int64_t fail_at = -1;
  std::vector<int64_t> steps, checkpoints;
  std::vector<std::string> days;
};

TEST_F(RunTest, AnObserverHearsOfStepsDaysAndCheckpoints) {
  Ears ears;
  RunOptions options = Options("run");
  options.observer = &ears;
  options.quiet = true;
  options.kernels = nullptr;
  const absl::StatusOr<RunSummary> run = TrainRun(Experiment("runtime { log_every_steps: 4 }"), options);
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_EQ(run->steps, 32) << "eight batches a day";
  EXPECT_EQ(ears.steps, (std::vector<int64_t>{4, 8, 12, 16, 20, 24, 28, 32}));
  EXPECT_EQ(ears.days, (std::vector<std::string>{"2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"}));
  EXPECT_EQ(ears.checkpoints, (std::vector<int64_t>{8, 16, 24, 32}));
  // Another one changes no bit, and its error ends the run where it can be resumed.
  Ears weary;
  weary.fail_at = 20;
  options = Options("weary");
  options.observer = &weary;
  EXPECT_EQ(TrainRun(Experiment("runtime { log_every_steps: 4 }"), options).status().message(), "enough");
  options.observer = nullptr;
  options.resume = true;
  const absl::StatusOr<RunSummary> resumed = TrainRun(Experiment("runtime { log_every_steps: 4 }"), options);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(Bytes(stdfs::path(resumed->checkpoint) / "MANIFEST"),
            Bytes(stdfs::path(run->checkpoint) / "MANIFEST"));
}

// Whatever fails, at whatever moment: the run goes on from what is there, to the bits of the run in which
// nothing failed.
TEST_F(RunTest, AFailureOfTheDiskLosesNothing) {
  const std::string more = "model { distill { phase { fraction: 0.5 } } }";
  const absl::StatusOr<RunSummary> whole = TrainRun(Experiment(more), Options("whole"));
  ASSERT_TRUE(whole.ok()) << whole.status();
  FaultyFileSystem fs(FileSystem::Default());
  int met = 0;
  for (int64_t operation = 0;; operation += 97) {
    RunOptions options = Options(absl::StrCat("run", operation));
    options.resume = true;
    options.quiet = true;
    options.file_system = &fs;
    fs.FailAt(operation, FaultyFileSystem::Fault::kCrash);
    const absl::Status status = TrainRun(Experiment(more), options).status();
    const bool reached = fs.failed();
    fs.Restart();
    if (!reached) break;
    ++met;
    const absl::StatusOr<RunSummary> rest = TrainRun(Experiment(more), options);
    ASSERT_TRUE(rest.ok()) << "after a crash at operation " << operation << " (" << status
                           << "): " << rest.status();
    EXPECT_EQ(Bytes(stdfs::path(rest->checkpoint) / "MANIFEST"),
              Bytes(stdfs::path(whole->checkpoint) / "MANIFEST"))
        << operation;
  }
  EXPECT_GE(met, 4);
}

// A program's own file system has all of a run: nothing goes past it.
TEST_F(RunTest, ALogAndARunThatAreInMemoryGiveTheSameModel) {
  const absl::StatusOr<RunSummary> there = TrainRun(Experiment(), Options("run"));
  ASSERT_TRUE(there.ok()) << there.status();
  MemoryFileSystem fs;
  const auto path = [](const std::string& name) { return absl::StrCat("box:/", name); };
  proto::Experiment experiment = Experiment();
  experiment.mutable_data()->set_path(path("logs/{date}.tsv"));
  RunOptions options = Options("run");
  options.run_dir = path("run");
  options.file_system = &fs;
  options.resume = true;
  for (Day& day : options.days) {
    const std::string name = path(absl::StrCat("logs/", day.date, ".tsv"));
    fs.Put(name, Bytes(day.files[0]));
    day.files = {name};
  }
  // Stopped after its first step.
  const std::atomic<int> stop(SIGTERM);
  options.stop = &stop;
  const absl::StatusOr<RunSummary> begun = TrainRun(experiment, options);
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->stopped_by, SIGTERM);
  options.stop = nullptr;
  const absl::StatusOr<RunSummary> run = TrainRun(experiment, options);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->rows_trained, there->rows_trained);
  for (const char* file : {"teacher.bin", "student.bin", "embedding.bin"}) {
    EXPECT_TRUE(fs.ReadFile(absl::StrCat(run->checkpoint, "/", file)).value() ==
                Bytes(stdfs::path(there->checkpoint) / file))
        << file;
  }
}

TEST_F(RunTest, AResumedRunKeepsItsConfig) {
  ASSERT_TRUE(TrainRun(Experiment(), Options("run")).ok());
  RunOptions options = Options("run");
  options.resume = true;
  const absl::StatusOr<RunSummary> other = TrainRun(Experiment("train { seed: 2 }"), options);
  EXPECT_EQ(ExitCode(other.status()), kExitUsage);
  EXPECT_NE(std::string(other.status().message()).find("train.seed 1, this call 2"), std::string::npos)
      << other.status();
  const absl::StatusOr<RunSummary> same = TrainRun(Experiment("runtime { threads: 1 }"), options);
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_TRUE(same->already_complete);
}

TEST_F(RunTest, ALogThatChangesIsNoticed) {
  const proto::Experiment experiment = Experiment("train { epochs: 2 }");
  const std::atomic<int> stop(SIGTERM);
  const stdfs::path file = root_ / "logs/2026-01-04.tsv";
  const std::string whole = Bytes(file);
  // Stopped in the last day of the first pass, and in the second.
  for (const bool second_pass : {false, true}) {
    RunOptions options = Options(absl::StrCat("run", second_pass));
    options.stop = &stop;
    options.resume = true;
    proto::RunState state;
    while (second_pass ? state.pass() == 0 : state.day_index() < 3 || state.block() + state.batch() < 2) {
      const absl::StatusOr<RunSummary> part = TrainRun(experiment, options);
      ASSERT_TRUE(part.ok()) << part.status();
      state = ReadRunState(FileSystem::Default(), part->checkpoint).value();
    }
    std::ofstream(file) << (second_pass ? whole + whole.substr(whole.find('\n') + 1) : whole.substr(0, 60));
    options.stop = nullptr;
    const absl::StatusOr<RunSummary> rest = TrainRun(experiment, options);
    EXPECT_EQ(ExitCode(rest.status()), kExitData) << rest.status();
    EXPECT_NE(rest.status().message().find(file.string()), std::string::npos) << rest.status();
    std::ofstream(file) << whole;
    EXPECT_TRUE(TrainRun(experiment, options).ok());
  }
}

TEST_F(RunTest, ADamagedCheckpointIsRefusedAndLeftAlone) {
  const absl::StatusOr<RunSummary> run = TrainRun(Experiment(), Options("run"));
  ASSERT_TRUE(run.ok());
  stdfs::remove(root_ / "run/complete");
  const stdfs::path file = stdfs::path(run->checkpoint) / "student.bin";
  std::string bytes = Bytes(file);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(file, std::ios::binary) << bytes;
  RunOptions options = Options("run");
  options.resume = true;
  const absl::StatusOr<RunSummary> resumed = TrainRun(Experiment(), options);
  EXPECT_EQ(ExitCode(resumed.status()), kExitModel) << resumed.status();
  EXPECT_NE(std::string(resumed.status().message()).find("student.bin"), std::string::npos)
      << resumed.status();
  EXPECT_EQ(Bytes(file), bytes);
}

TEST_F(RunTest, FineTuningNothingKeepsTheCeiling) {
  // The teacher after co-training and fine-tuning equals the teacher alone after the same, through
  // checkpoints.
  std::vector<std::string> teachers, embeddings;
  for (const char* method : {"CO_TRAIN", "TEACHER_ALONE"}) {
    const std::string more = absl::StrCat("model { method: ", method, " }");
    RunOptions first = Options(absl::StrCat("first-", method));
    first.days.pop_back();
    const absl::StatusOr<RunSummary> trained = TrainRun(Experiment(more), first);
    ASSERT_TRUE(trained.ok()) << trained.status();
    RunOptions second = Options(absl::StrCat("second-", method));
    second.days.erase(second.days.begin(), second.days.begin() + 3);
    second.init_from = trained->checkpoint;
    const absl::StatusOr<RunSummary> tuned = TrainRun(Experiment(more), second);
    ASSERT_TRUE(tuned.ok()) << tuned.status();
    teachers.push_back(Bytes(stdfs::path(tuned->checkpoint) / "teacher.bin"));
    embeddings.push_back(Bytes(stdfs::path(tuned->checkpoint) / "embedding.bin"));
    EXPECT_GT(teachers.back().size(), 1000u);
  }
  EXPECT_EQ(teachers[0], teachers[1]);
  EXPECT_EQ(embeddings[0], embeddings[1]);
}

TEST_F(RunTest, AChangedFeatureIsNamedAndItsFieldsAloneStartAnew) {
  for (const char* teacher :
       {"interaction { cin { layers: 4 layers: 3 } } interaction { cross { layers: 2 } } mlp { hidden: 8 }",
        "interaction { cross { layers: 2 version: V1 } } mlp { hidden: 8 normalize_input: true } "
        "combine: PARALLEL",
        "interaction { cross { layers: 1 rank: 2 } } interaction { fm {} }"}) {
    const std::string model = absl::StrCat("clear: 'model.teacher' model { teacher { ", teacher, " } }");
    const std::string name = absl::StrCat("run", std::hash<std::string>()(teacher));
    const absl::StatusOr<RunSummary> trained = TrainRun(WithoutHints(Experiment(model)), Options(name));
    ASSERT_TRUE(trained.ok()) << trained.status();

    RunOptions options = Options(name + "-tuned");
    options.init_from = trained->checkpoint;
    const proto::Experiment dropped = WithoutHints(Experiment(model + " drop_feature: 'item'"));
    const absl::StatusOr<RunSummary> refused = TrainRun(dropped, options);
    EXPECT_EQ(ExitCode(refused.status()), kExitUsage);
    EXPECT_NE(std::string(refused.status().message()).find("removed: item"), std::string::npos)
        << refused.status();
    stdfs::remove_all(options.run_dir);
    options.allow_feature_change = true;
    const absl::StatusOr<RunSummary> narrower = TrainRun(dropped, options);
    ASSERT_TRUE(narrower.ok()) << narrower.status();

    // Without a step, a field that went and came back leaves the others' coordinates where they were.
    const proto::Experiment before = ReadModelExperiment(FileSystem::Default(), trained->checkpoint).value();
    const Kernels& kernels = *FindKernels("auto").value();
    DualModel original(before, kernels, true);
    ASSERT_TRUE(
        LoadCheckpoint(FileSystem::Default(), trained->checkpoint, EmbeddingLoad::kContinue, &original).ok());
    proto::Experiment without = before;
    without.add_drop_feature("item");
    DualModel less(without, kernels, true), again(before, kernels, true);
    less.Initialize();
    again.Initialize();
    const AlignedFloats fresh = again.teacher_parameters().values;
    ASSERT_TRUE(CopySharedParameters(original, &less).ok());
    ASSERT_TRUE(CopySharedParameters(less, &again).ok());
    const AlignedFloats& back = again.teacher_parameters().values;
    const AlignedFloats& first = original.teacher_parameters().values;
    int64_t kept = 0;
    for (size_t i = 0; i < back.size(); ++i) {
      ASSERT_TRUE(back[i] == first[i] || back[i] == fresh[i]) << i;
      if (back[i] == first[i] && first[i] != fresh[i]) ++kept;
    }
    EXPECT_GT(kept, static_cast<int64_t>(back.size()) / 3) << teacher;
  }
}

// What a program gives, as what a user writes: refused with a word on it, and no directory is left.
TEST_F(RunTest, WhatAProgramGivesIsCheckedLikeAFile) {
  const auto refused = [&](const proto::Experiment& experiment, const RunOptions& options) {
    const absl::StatusOr<RunSummary> run = TrainRun(experiment, options);
    EXPECT_EQ(ExitCode(run.status()), kExitUsage) << run.status();
    EXPECT_FALSE(stdfs::exists(root_ / "refused"));
    return std::string(run.status().message());
  };
  const RunOptions options = Options("refused");
  proto::Experiment faulty = Experiment();
  faulty.mutable_train()->set_batch_size(-3);
  EXPECT_THAT(refused(faulty, options), HasSubstr("train.batch_size"));
  faulty = Experiment();
  *faulty.add_feature() = faulty.feature(0);
  EXPECT_THAT(refused(faulty, options), HasSubstr(faulty.feature(0).name()));
  refused({}, options);

  RunOptions wrong = options;
  wrong.days.clear();
  EXPECT_THAT(refused(Experiment(), wrong), HasSubstr("RunOptions::days is empty"));
  wrong = options;
  std::swap(wrong.days[0], wrong.days[1]);
  EXPECT_THAT(refused(Experiment(), wrong), HasSubstr("'2026-01-01' comes after '2026-01-02'"));
  wrong = options;
  wrong.days[1] = wrong.days[0];
  EXPECT_THAT(refused(Experiment(), wrong), HasSubstr("each once"));
  wrong = options;
  wrong.held_out_part = 99;
  EXPECT_THAT(refused(Experiment("train { validation { share: 0.25 } }"), wrong), HasSubstr("parts 0 to 3"));
  wrong = options;
  wrong.run_dir = "";
  EXPECT_THAT(refused(Experiment(), wrong), HasSubstr("run_dir is empty"));
}

TEST_F(RunTest, ARunIsItsNewestCheckpointToWhoBeginsFromItAndToWhoExportsIt) {
  const absl::StatusOr<RunSummary> base = TrainRun(Experiment(), Options("base"));
  ASSERT_TRUE(base.ok()) << base.status();
  RunOptions from_run = Options("from_run"), from_checkpoint = Options("from_checkpoint");
  from_run.init_from = (root_ / "base").string();
  from_checkpoint.init_from = base->checkpoint;
  const auto a = TrainRun(Experiment(), from_run), b = TrainRun(Experiment(), from_checkpoint);
  ASSERT_TRUE(a.ok()) << a.status();
  EXPECT_EQ(Bytes(stdfs::path(a->checkpoint) / "student.bin"),
            Bytes(stdfs::path(b->checkpoint) / "student.bin"));
  ExportOptions any;
  any.accept_poor_model = true;
  const auto exported =
      ExportBundle(FileSystem::Default(), (root_ / "base").string(), (root_ / "bundle").string(), any);
  ASSERT_TRUE(exported.ok()) << exported.status();
}

TEST_F(RunTest, DefaultsAreFilledIn) {
  proto::Experiment bare = Experiment();
  bare.mutable_embedding()->clear_optimizer();
  const absl::StatusOr<RunSummary> run = TrainRun(bare, Options("bare"));
  ASSERT_TRUE(run.ok()) << run.status();
  ResolveDefaults(&bare);
  const absl::StatusOr<RunSummary> resolved = TrainRun(bare, Options("resolved"));
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(Bytes(stdfs::path(run->checkpoint) / "student.bin"),
            Bytes(stdfs::path(resolved->checkpoint) / "student.bin"));
}

}  // namespace
}  // namespace tandem
