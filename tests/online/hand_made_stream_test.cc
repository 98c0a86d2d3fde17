// A stream's state that somebody made by hand, whose checksums are right: refused, or resumed, and nothing
// dies.
#include <glog/logging.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/online.h"
#include "tandem/random.h"
#include "tandem/run_observer.h"
#include "tests/support/experiments.h"
#include "tests/support/hand_made.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kModel[] = "method: STUDENT_ALONE student { mlp { hidden: 8 } }";

class StopAtStep : public RunObserver {
 public:
  absl::Status OnStep(const StepReport& step) override {
    if (step.step >= 4) stop = SIGTERM;
    return absl::OkStatus();
  }
  std::atomic<int> stop{0};
};

// An online run that was stopped in the middle of its stream.
class HandMadeStreamTest : public testing::Test {
 protected:
  HandMadeStreamTest()
      : experiment_(
            OnlineExperiment(SmallExperiment(kModel,
                                             "online { batch_rows: 16 window_rows: 50 checkpoint_rows: 30 "
                                             "guard_limit: 0.5 time_column: 'time' "
                                             "label_delay: 2000 max_rows: 60 } embedding { min_count: 2 } "
                                             "runtime { threads: 1 log_every_steps: 1 }"))) {
    WriteTrainedCheckpoint(SmallExperiment(kModel, "embedding { min_count: 2 }"), 5, Path("base"));
    Write(Stream(120));
    OnlineOptions options = Options("run", /*resume=*/false);
    // What waits would be drained at the end: it is stopped before, with rows at hand and rows that wait.
    StopAtStep stop;
    options.observer = &stop;
    options.stop = &stop.stop;
    const absl::StatusOr<OnlineSummary> summary = LearnOnline(experiment_, options);
    CHECK(summary.ok()) << summary.status();
    CHECK(FileSystem::Default().RemoveAll(Path("run/published")).ok());
    Write(Stream(160));
  }

  std::string Path(const std::string& name) const { return scratch_ / name; }
  void Write(const std::string& stream) const {
    CHECK(WriteFileAtomically(FileSystem::Default(), Path("clicks.tsv"), stream).ok());
  }
  static std::string Stream(int rows) {
    const Random random(7, RandomPurpose::kSynthetic, {1});
    std::string text = "label\ttime\tuser\titem\ttags\tquery\tage\n";
    for (int row = 0; row < rows; ++row) {
      const auto draw = [&](int place, int below) {
        return static_cast<int>(random.UniformDouble(row * 8 + place) * below);
      };
      absl::StrAppend(&text, draw(0, 2), "\t", 1700000000 + 900 * row, "\tu", draw(1, 20), "\ti", draw(2, 20),
                      "\ta|b", draw(3, 9), "\tq", draw(4, 9), "\t", draw(5, 50), "\n");
    }
    return text;
  }

  OnlineOptions Options(const std::string& run, bool resume) const {
    OnlineOptions options;
    options.run_dir = Path(run);
    options.init_from = Path("base");
    options.input = Path("clicks.tsv");
    options.resume = resume;
    return options;
  }

  const ScratchDirectory scratch_;
  const proto::Experiment experiment_;
};

TEST_F(HandMadeStreamTest, IsRefusedOrResumed) {
  FileSystem& fs = FileSystem::Default();
  const std::string checkpoint = NewestCheckpoint(fs, Path("run")).value();
  std::vector<HandMade> made;
  for (HandMade& one : HandMadeModels(ReadModelFiles(checkpoint))) {
    if (one.file == "stream.bin" || one.file == "state.pbtxt") made.push_back(std::move(one));
  }
  const std::string run = Path("made");
  const std::string name = checkpoint.substr(checkpoint.rfind('/'));
  const Outcomes outcomes = TryEach(
      static_cast<int>(made.size()), [&](int i) { return made[i].name; },
      [&](int i) {
        std::filesystem::remove_all(run);
        std::filesystem::copy(Path("run"), run, std::filesystem::copy_options::recursive);
        WriteModelFiles(made[i].files(), run + "/checkpoints" + name);
        return LearnOnline(experiment_, Options("made", /*resume=*/true)).status();
      });
  EXPECT_TRUE(outcomes.died.empty()) << outcomes.died.size() << " died:\n"
                                     << absl::StrJoin(outcomes.died, "\n");
  EXPECT_GT(outcomes.tried, 200);
  EXPECT_GT(outcomes.refused, 100);
  EXPECT_GT(outcomes.taken, 20);
  std::printf("%d states: %d refused, %d resumed, %d died\n", outcomes.tried, outcomes.refused,
              outcomes.taken, static_cast<int>(outcomes.died.size()));
}

}  // namespace
}  // namespace tandem
