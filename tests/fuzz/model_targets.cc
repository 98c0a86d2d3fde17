// Models and the states of streams behind their checksums: a record is changed, and all checksums are made
// anew.
#include <glog/logging.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/export.h"
#include "tandem/online.h"
#include "tandem/predictor.h"
#include "tandem/run_observer.h"
#include "tests/fuzz/targets.h"
#include "tests/support/experiments.h"
#include "tests/support/hand_made.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

// Bytes as numbers, till there are none.
class Choices {
 public:
  explicit Choices(absl::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  size_t Number(size_t below) {
    size_t number = 0;
    for (int i = 0; i < 2 && !bytes_.empty(); ++i) {
      number = number << 8 | static_cast<uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
    }
    return below == 0 ? 0 : number % below;
  }
  absl::string_view Bytes(size_t most) {
    const absl::string_view taken = bytes_.substr(0, most);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

 private:
  absl::string_view bytes_;
};

// File, record, then changes: at a place so many bytes are others, are taken away, are put in; or the record
// is what is left of the input.
void Change(absl::string_view bytes, HandMadeFiles* files) {
  Choices choices(bytes);
  if (choices.empty()) return;
  auto file = files->begin();
  std::advance(file, choices.Number(files->size()));
  std::vector<std::string>& records = file->second.content;
  if (records.empty()) return;
  std::string& record = records[choices.Number(records.size())];
  while (!choices.empty()) {
    const size_t kind = choices.Number(4);
    if (kind == 0) {
      record = std::string(choices.Bytes(bytes.size()));
      return;
    }
    const size_t place = choices.Number(record.size() + 1), size = choices.Number(64);
    if (kind == 1) {
      const absl::string_view others = choices.Bytes(std::min(size, record.size() - place));
      std::copy(others.begin(), others.end(), record.begin() + static_cast<int64_t>(place));
    } else if (kind == 2) {
      record.erase(place, size);
    } else {
      const absl::string_view more = choices.Bytes(size);
      record.insert(place, more.data(), more.size());
    }
  }
}

constexpr char kModel[] =
    "teacher { linear: true interaction { fm {} } mlp { hidden: 4 } } student { mlp { hidden: 4 } }"
    "distill { hint {} }";

struct GoodModels {
  GoodModels() {
    const ScratchDirectory scratch;
    FileSystem& disk = FileSystem::Default();
    WriteTrainedCheckpoint(SmallExperiment(kModel, "embedding { min_count: 2 slow_copy { decay: 0.9 } }"), 3,
                           scratch / "checkpoint");
    CHECK(ExportBundle(disk, scratch / "checkpoint", scratch / "bundle", ExportOptions()).ok());
    checkpoint = ReadModelFiles(scratch / "checkpoint");
    bundle = ReadModelFiles(scratch / "bundle");
  }
  static const GoodModels& Get() {
    static const auto* const kModels = new GoodModels();
    return *kModels;
  }
  HandMadeFiles checkpoint, bundle;
};

bool LoadsAndScores(const HandMadeFiles& good, absl::string_view bytes) {
  HandMadeFiles files = good;
  Change(bytes, &files);
  MemoryFileSystem fs;
  WriteModelFiles(files, "model", fs);
  PredictorOptions options;
  options.file_system = &fs;
  const absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Load("model", options);
  if (!predictor.ok()) {
    CHECK(!predictor.status().message().empty());
    return false;
  }
  Scores scores;
  const Batch batch = RandomBatch((*predictor)->schema(), 5, 1);
  CHECK((*predictor)->Score(batch, &scores).ok());
  for (const auto& tower : {scores.teacher, scores.student}) {
    for (const float score : tower) CHECK(score >= 0 && score <= 1) << score;
  }
  return true;
}

}  // namespace

bool FuzzCheckpoint(absl::string_view bytes) { return LoadsAndScores(GoodModels::Get().checkpoint, bytes); }
bool FuzzBundle(absl::string_view bytes) { return LoadsAndScores(GoodModels::Get().bundle, bytes); }

namespace {

constexpr char kStudent[] = "method: STUDENT_ALONE student { mlp { hidden: 4 } }";

class StopAtStep : public RunObserver {
 public:
  absl::Status OnStep(const StepReport& step) override {
    if (step.step >= 3) stop = SIGTERM;
    return absl::OkStatus();
  }
  std::atomic<int> stop{0};
};

std::string Clicks(int rows) {
  std::string text = "label\ttime\tuser\titem\ttags\tquery\tage\n";
  for (int row = 0; row < rows; ++row) {
    absl::StrAppend(&text, row % 3 == 0 ? 1 : 0, "\t", 1700000000 + 900 * row, "\tu", row % 7, "\ti", row % 5,
                    "\ta|b", row % 4, "\tq", row % 6, "\t", row % 50, "\n");
  }
  return text;
}

// An online run that was stopped with rows at hand and rows that wait, in memory.
struct GoodStream {
  GoodStream()
      : experiment(OnlineExperiment(SmallExperiment(
            kStudent,
            "online { batch_rows: 8 window_rows: 20 checkpoint_rows: 16 guard_limit: 0.5 time_column: 'time' "
            "label_delay: 2000 max_rows: 60 } embedding { min_count: 2 } "
            "runtime { threads: 1 log_every_steps: 1 }"))) {
    const ScratchDirectory scratch;
    FileSystem& disk = FileSystem::Default();
    WriteTrainedCheckpoint(SmallExperiment(kStudent, "embedding { min_count: 2 }"), 3, scratch / "base");
    WriteModelFiles(ReadModelFiles(scratch / "base"), "base", fs);
    fs.Put("clicks.tsv", Clicks(60));
    StopAtStep stop;
    OnlineOptions options = Options(fs);
    options.observer = &stop;
    options.stop = &stop.stop;
    const absl::StatusOr<OnlineSummary> summary = LearnOnline(experiment, options);
    CHECK(summary.ok()) << summary.status();
    fs.Put("clicks.tsv", Clicks(70));
    checkpoint = NewestCheckpoint(fs, "run").value();
    // Read from a disk, as ReadModelFiles wants it.
    CHECK(disk.CreateDirectories(scratch / "state").ok());
    const std::vector<std::string> names = fs.List(checkpoint).value();
    for (const std::string& name : names)
      CHECK(
          WriteFileAtomically(disk, scratch / ("state/" + name), *fs.ReadFile(checkpoint + "/" + name)).ok());
    files = ReadModelFiles(scratch / "state");
  }
  static OnlineOptions Options(FileSystem& fs) {
    OnlineOptions options;
    options.run_dir = "run";
    options.init_from = "base";
    options.input = "clicks.tsv";
    options.file_system = &fs;
    return options;
  }

  const proto::Experiment experiment;
  MemoryFileSystem fs;
  std::string checkpoint;
  HandMadeFiles files;
};

}  // namespace

bool FuzzStream(absl::string_view bytes) {
  static const auto* const kGood = new GoodStream();
  HandMadeFiles files = kGood->files, state;
  // The model itself is the target above.
  for (const char* name : {"state.pbtxt", "stream.bin"}) {
    CHECK(files.count(name) > 0) << name;
    state[name] = files[name];
  }
  Change(bytes, &state);
  for (auto& [name, file] : state) files[name] = std::move(file);
  MemoryFileSystem fs = kGood->fs;
  WriteModelFiles(files, kGood->checkpoint, fs);
  OnlineOptions options = GoodStream::Options(fs);
  options.resume = true;
  return LearnOnline(kGood->experiment, options).ok();
}

}  // namespace tandem
