// LearnOnline as a program calls it: the whole run over its parts.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>

#include "absl/strings/str_cat.h"
#include "src/util/links.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_directory.h"
#include "tandem/online.h"
#include "tandem/random.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/manual_clock.h"
#include "tests/support/sample_files.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

// A base in "base", and a stream of 200 rows.
class OnlineRunTest : public SampleFilesTest {
 protected:
  OnlineRunTest()
      : experiment_(
            OnlineExperiment(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }",
                                             "online { batch_rows: 16 window_rows: 50 checkpoint_rows: 60 "
                                             "checkpoint_seconds: 0 guard_limit: 0.5 }"))) {
    WriteTrainedCheckpoint(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }"), 5,
                           Path("base"));
    Write("clicks.tsv", Stream(0, 200));
  }
  // Lines of a stream, with the header before the first.
  static std::string Stream(int begin, int end) {
    const Random random(7, RandomPurpose::kSynthetic, {1});
    std::string text = begin == 0 ? "label\tuser\titem\ttags\tquery\tage\n" : "";
    for (int row = begin; row < end; ++row) {
      const auto draw = [&](int place, int below) {
        return static_cast<int>(random.UniformDouble(row * 8 + place) * below);
      };
      absl::StrAppend(&text, draw(0, 2), "\tu", draw(1, 20), "\ti", draw(2, 20), "\ta|b", draw(3, 9), "\tq",
                      draw(4, 9), "\t", draw(5, 50), "\n");
    }
    return text;
  }
  OnlineOptions Options(const std::string& run, bool resume = false) const {
    OnlineOptions options;
    options.run_dir = Path(run);
    options.init_from = Path("base");
    options.input = Path("clicks.tsv");
    options.resume = resume;
    return options;
  }
  OnlineSummary Learn(const OnlineOptions& options) const {
    absl::StatusOr<OnlineSummary> summary = LearnOnline(experiment_, options);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return summary.value_or(OnlineSummary());
  }
  std::string Student(const OnlineSummary& summary) const {
    return FileBytes(summary.checkpoint + "/student.bin") + FileBytes(summary.checkpoint + "/embedding.bin");
  }

  const proto::Experiment experiment_;
};

TEST_F(OnlineRunTest, AStreamIsLearnedToItsEndAndTheStudentPublished) {
  const OnlineSummary summary = Learn(Options("run"));
  EXPECT_EQ(summary.rows_trained, 200);
  EXPECT_EQ(summary.rows_waiting, 0);
  EXPECT_EQ(summary.steps, 13);
  EXPECT_EQ(summary.stopped_by, 0);
  EXPECT_EQ(summary.window.rows, 50);
  EXPECT_EQ(LinkTarget(FileSystem::Default(), Path("run/published")), "bundles/step-000013");
  EXPECT_TRUE(VerifyDirectory(FileSystem::Default(), Path("run/published")).ok());
}

TEST_F(OnlineRunTest, AStreamThatGrewIsReadOnAndEndsInTheSameBits) {
  Write("clicks.tsv", Stream(0, 96));
  EXPECT_EQ(Learn(Options("grown")).rows_trained, 96);
  Write("clicks.tsv", Stream(0, 96) + Stream(96, 200));
  const OnlineSummary grown = Learn(Options("grown", /*resume=*/true));
  EXPECT_EQ(grown.rows_trained, 200);
  EXPECT_EQ(Student(grown), Student(Learn(Options("whole"))));
}

TEST_F(OnlineRunTest, TheBestKernelsAreThoseOfTheMachine) {
  OnlineOptions named = Options("named");
  named.kernels = AvailableKernels().front();
  EXPECT_EQ(Student(Learn(named)), Student(Learn(Options("none"))));
}

TEST_F(OnlineRunTest, AnObserverHearsOfStepsAndCheckpoints) {
  class Ears : public RunObserver {
   public:
    absl::Status OnStep(const StepReport& step) override {
      EXPECT_GT(step.losses.student_label, 0);
      rows.push_back(step.rows);
      return absl::OkStatus();
    }
    absl::Status OnCheckpoint(const CheckpointReport& checkpoint) override {
      checkpoints.push_back(checkpoint.step);
      return VerifyDirectory(FileSystem::Default(), checkpoint.path);
    }
    std::vector<int64_t> rows, checkpoints;
  };
  Ears ears;
  OnlineOptions options = Options("run");
  options.observer = &ears;
  Learn(options);
  EXPECT_EQ(ears.rows, (std::vector<int64_t>{64, 128, 192})) << "where a checkpoint is due";
  EXPECT_EQ(ears.checkpoints, (std::vector<int64_t>{0, 4, 8, 12, 13}));
}

TEST_F(OnlineRunTest, RowsThatHaveWaitedAreTrainedAndPublishedAsTheyAre) {
  // Ten rows make no micro-batch. Nothing waits: the clock goes when it is slept by.
  Write("clicks.tsv", Stream(0, 10));
  proto::Experiment experiment = experiment_;
  experiment.mutable_online()->set_max_delay_seconds(60);
  experiment.mutable_online()->set_checkpoint_seconds(3600);
  std::atomic<int> stop{0};
  class Stopper : public RunObserver {
   public:
    explicit Stopper(std::atomic<int>* stop) : stop_(*stop) {}
    absl::Status OnCheckpoint(const CheckpointReport& checkpoint) override {
      if (checkpoint.step > 0) stop_ = SIGTERM;
      return absl::OkStatus();
    }

   private:
    std::atomic<int>& stop_;
  } stopper(&stop);
  ManualClock clock;
  const double begun = clock.Now();
  OnlineOptions options = Options("run");
  options.follow = true;
  options.stop = &stop;
  options.observer = &stopper;
  options.clock = &clock;
  const absl::StatusOr<OnlineSummary> summary = LearnOnline(experiment, options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->stopped_by, SIGTERM);
  EXPECT_EQ(summary->rows_trained, 10);
  EXPECT_EQ(LinkTarget(FileSystem::Default(), Path("run/published")), "bundles/step-000001");
  EXPECT_NEAR(clock.Now() - begun, 60, 1) << "what is learned first is published soon";
}

// Whatever fails, at whatever moment: the run goes on from what is there, to the bits of the run in which
// nothing failed, and what is published is whole all the time.
TEST_F(OnlineRunTest, AFailureOfTheDiskLosesNothing) {
  const std::string whole = Student(Learn(Options("whole")));
  FaultyFileSystem fs(FileSystem::Default());
  int met = 0;
  for (int64_t operation = 0;; operation += 89) {
    OnlineOptions options = Options(absl::StrCat("run", operation), /*resume=*/true);
    options.file_system = &fs;
    fs.FailAt(operation, FaultyFileSystem::Fault::kCrash);
    const absl::Status status = LearnOnline(experiment_, options).status();
    const bool reached = fs.failed();
    fs.Restart();
    if (!reached) break;
    ++met;
    const std::string published = options.run_dir + "/published";
    EXPECT_TRUE(!fs.Exists(published) || VerifyDirectory(fs, published).ok()) << operation;
    EXPECT_EQ(Student(Learn(options)), whole) << "after a crash at operation " << operation << ": " << status;
  }
  EXPECT_GE(met, 4);
}

TEST_F(OnlineRunTest, OnlyAFreshDirectoryIsBegunInAndOnlyTheSameExperimentGoneOnWith) {
  Learn(Options("run"));
  EXPECT_EQ(ExitCode(LearnOnline(experiment_, Options("run")).status()), kExitUsage);
  proto::Experiment other = experiment_;
  other.mutable_online()->set_batch_rows(32);
  EXPECT_EQ(ExitCode(LearnOnline(other, Options("run", /*resume=*/true)).status()), kExitUsage);
}

}  // namespace
}  // namespace tandem
