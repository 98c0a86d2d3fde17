// Commands whose n-th file operation fails, for every n: nothing that is whole is lost, nothing that isn't
// whole is taken for it, and the same command given again ends with the bytes of the undisturbed one, orphans
// included.
//
// Every command meets every fault: an operation that changes something fails (what is written is half
// written), the disk is full from there on, the power is cut, one that reads fails. In CI at a dozen places
// each; at every one with
//
//   TANDEM_FAULTS=all build/tests_together --only=every_operation_test
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/util/output_file.h"
#include "tandem/checkpoint.h"
#include "tandem/daily.h"
#include "tandem/day_files.h"
#include "tandem/durable_files.h"
#include "tandem/evaluate_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/export.h"
#include "tandem/online.h"
#include "tandem/predict_files.h"
#include "tandem/predictor.h"
#include "tandem/run.h"
#include "tandem/served_model.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/hand_made.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/small_log.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

namespace stdfs = std::filesystem;
using Fault = FaultyFileSystem::Fault;

constexpr char kModel[] = "teacher { mlp { hidden: 4 } } student { mlp { hidden: 4 } } distill { hint {} }";
constexpr char kStudent[] = "method: STUDENT_ALONE student { mlp { hidden: 4 } }";

std::string Bytes(const stdfs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Names of all that is in a directory, and the bytes of what says the same in every run: models, pages,
// quarantines.
std::string Result(const std::string& directory) {
  std::vector<std::string> lines;
  for (const auto& entry : stdfs::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().lexically_relative(directory).string();
    const bool told = absl::EndsWith(name, "MANIFEST") || absl::EndsWith(name, "days.md") ||
                      absl::EndsWith(name, "days.html") || absl::EndsWith(name, ".tsv");
    lines.push_back(absl::StrCat(name, told && entry.is_regular_file() ? "\n" + Bytes(entry.path()) : ""));
  }
  std::sort(lines.begin(), lines.end());
  return absl::StrJoin(lines, "\n");
}

// A command that writes into a directory of its own, given again where it was disturbed.
struct Command {
  const char* name;
  std::function<absl::Status(FileSystem& fs, const std::string& in, const std::string& directory)> run;
};

std::string Date(int day) { return absl::StrCat("2026-01-0", day); }

std::vector<Day> Days(const std::string& in, int first, int last) {
  std::vector<std::string> missing;
  return FindDays(FileSystem::Default(), in + "/{date}.tsv", Date(first), Date(last), &missing).value();
}

proto::Experiment Experiment(const std::string& in, const std::string& more) {
  proto::Experiment experiment = SmallExperiment(
      kModel, absl::StrCat("runtime { threads: 1 checkpoint_every_steps: 2 keep_checkpoints: 2 } ", more));
  experiment.mutable_data()->set_path(in + "/{date}.tsv");
  experiment.mutable_data()->set_max_bad_fraction(0.5);
  return experiment;
}

std::vector<std::string> Logs(const std::string& in) {
  return {in + "/" + Date(1) + ".tsv", in + "/" + Date(2) + ".tsv"};
}

absl::Status Train(FileSystem& fs, const std::string& in, const std::string& directory,
                   const std::string& more, const std::string& init_from = "") {
  RunOptions options;
  options.run_dir = directory + "/run";
  options.days = Days(in, 1, 2);
  options.resume = true;
  options.quiet = true;
  options.init_from = init_from;
  options.file_system = &fs;
  return TrainRun(Experiment(in, more), options).status();
}

const Command kCommands[] = {
    {"Train",
     [](FileSystem& fs, const std::string& in, const std::string& directory) {
       return Train(fs, in, directory, "embedding { expire_days: 1 min_count: 2 }");
     }},
    {"StudentPhase",
     [](FileSystem& fs, const std::string& in, const std::string& directory) {
       return Train(fs, in, directory,
                    "model { distill { replay { steps: 2 batches: 3 } phase { fraction: 0.5 } } }");
     }},
    {"FineTune", [](FileSystem& fs, const std::string& in,
                    const std::string& directory) { return Train(fs, in, directory, "", in + "/base"); }},
    {"Daily",
     [](FileSystem& fs, const std::string& in, const std::string& directory) {
       proto::Experiment experiment = Experiment(in, "daily { finetune: true } train { window_days: 1 }");
       DailyOptions options;
       options.run_dir = directory + "/daily";
       options.begin_date = Date(1);
       options.end_date = Date(2);
       options.resume = true;
       options.accept_poor_model = true;
       options.file_system = &fs;
       return RunDaily(experiment, options).status();
     }},
    {"Online",
     [](FileSystem& fs, const std::string& in, const std::string& directory) {
       const proto::Experiment experiment =
           OnlineExperiment(SmallExperiment(kStudent,
                                            "online { batch_rows: 16 window_rows: 20 checkpoint_rows: 40 "
                                            "checkpoint_seconds: 0 guard_limit: 0.5 } runtime { threads: 1 } "
                                            "data { max_bad_fraction: 0.5 }"));
       OnlineOptions options;
       options.run_dir = directory + "/online";
       options.init_from = in + "/student";
       options.input = in + "/" + Date(1) + ".tsv";
       options.resume = true;
       options.accept_poor_model = true;
       options.file_system = &fs;
       return LearnOnline(experiment, options).status();
     }},
    {"Export",
     [](FileSystem& fs, const std::string& in, const std::string& directory) {
       // What is there is whole, and stays.
       if (stdfs::exists(directory + "/bundle")) return VerifyDirectory(fs, directory + "/bundle");
       ExportOptions options;
       options.accept_poor_model = true;
       return ExportBundle(fs, in + "/base", directory + "/bundle", options).status();
     }},
    {"Predict",
     [](FileSystem& fs, const std::string& in, const std::string& directory) -> absl::Status {
       PredictorOptions options;
       options.file_system = &fs;
       options.data_overrides = {"data.max_bad_fraction=0.5"};
       TANDEM_ASSIGN_OR_RETURN(const auto model, ServedModel::Open(in + "/base", options));
       TANDEM_ASSIGN_OR_RETURN(OutputFile output, OutputFile::Open(fs, directory + "/scores.tsv"));
       const auto write = [&](absl::string_view text) { return output.Write(text); };
       TANDEM_RETURN_IF_ERROR(PredictFiles(model.get(), Logs(in), write).status());
       return output.Finish();
     }},
    {"Evaluate",
     [](FileSystem& fs, const std::string& in, const std::string& directory) -> absl::Status {
       PredictorOptions options;
       options.file_system = &fs;
       options.data_overrides = {"data.max_bad_fraction=0.5"};
       TANDEM_ASSIGN_OR_RETURN(const auto predictor, Predictor::Load(in + "/base", options));
       TANDEM_ASSIGN_OR_RETURN(const ModelEvaluation evaluation, EvaluateModel(*predictor, Logs(in)));
       TANDEM_ASSIGN_OR_RETURN(OutputFile output, OutputFile::Open(fs, directory + "/metrics.tsv"));
       TANDEM_RETURN_IF_ERROR(output.Write(ModelEvaluationToJson(evaluation)));
       return output.Finish();
     }},
};

class EveryOperationTest : public testing::TestWithParam<std::tuple<Command, Fault>> {
 protected:
  EveryOperationTest() {
    for (int day = 1; day <= 3; ++day) {
      std::ofstream file(scratch_ / (Date(day) + ".tsv"));
      file << SmallLog(90, day) << "neither a label\n";
    }
    WriteTrainedCheckpoint(SmallExperiment(kModel), 2, scratch_ / "base");
    WriteTrainedCheckpoint(SmallExperiment(kStudent), 2, scratch_ / "student");
  }

  std::string Fresh() const {
    std::string directory = scratch_ / "out";
    stdfs::remove_all(directory);
    stdfs::create_directories(directory);
    return directory;
  }

  const ScratchDirectory scratch_;
};

TEST_P(EveryOperationTest, MayFailAndTheSameCommandEndsWithTheSameBytes) {
  const auto& [command, fault] = GetParam();
  FaultyFileSystem fs(FileSystem::Default());
  std::string directory = Fresh();
  const absl::Status undisturbed = command.run(fs, scratch_.path(), directory);
  ASSERT_TRUE(undisturbed.ok()) << undisturbed;
  const std::string whole = Result(directory);
  const int64_t operations = fault == Fault::kReadFails ? fs.reads() : fs.operations();
  ASSERT_GT(operations, 3);
  const char* const asked = std::getenv("TANDEM_FAULTS");
  const bool all = asked != nullptr && std::string(asked) == "all";
  const int64_t few = kSanitized ? 2 : 12;
  int met = 0;
  for (int64_t i = 0; i < (all ? operations : few); ++i) {
    // A few lie in equal parts of the whole, not always at the same place.
    const int64_t operation = all ? i : (2 * i + 1) * operations / (2 * few) + i % 3;
    directory = Fresh();
    fs.FailAt(operation, fault);
    const absl::Status status = command.run(fs, scratch_.path(), directory);
    met += fs.failed() ? 1 : 0;
    EXPECT_FALSE(absl::StrContains(status.message(), "the numbers of"))
        << "a disk's fault, not the numbers': " << status;
    // What ended well is well, whatever was met on the way.
    if (status.ok() && fault != Fault::kCrash) {
      EXPECT_EQ(Result(directory), whole) << operation;
    }
    // A crash is a power cut: what wasn't synced is gone.
    fault == Fault::kCrash ? fs.Restart() : fs.FailAt(0, Fault::kNone);
    const absl::Status again = command.run(fs, scratch_.path(), directory);
    ASSERT_TRUE(again.ok()) << "after operation " << operation << " (" << status << "): " << again;
    ASSERT_EQ(Result(directory), whole) << "after operation " << operation << ": " << status;
  }
  EXPECT_GT(met, 0);
  std::printf("%s: %d faults at %d operations\n", command.name, met, static_cast<int>(operations));
}

std::string NameOf(Fault fault) {
  switch (fault) {
    case Fault::kFail:
      return "Fails";
    case Fault::kDiskFull:
      return "DiskFull";
    case Fault::kCrash:
      return "Crashes";
    case Fault::kReadFails:
      return "ReadFails";
    case Fault::kNone:
      break;
  }
  return "None";
}

INSTANTIATE_TEST_SUITE_P(
    Commands, EveryOperationTest,
    testing::Combine(testing::ValuesIn(kCommands),
                     testing::Values(Fault::kFail, Fault::kDiskFull, Fault::kCrash, Fault::kReadFails)),
    [](const auto& info) { return std::get<0>(info.param).name + NameOf(std::get<1>(info.param)); });

}  // namespace
}  // namespace tandem
