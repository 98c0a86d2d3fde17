#include "src/util/profile.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/util/format_version.h"

namespace tandem {
namespace {

// Whose time a stage is.
enum class Lane { kStep, kWorkers, kBeside };

struct StageInfo {
  const char* key;
  const char* label;
  Lane lane;
};

// In the order of Stage. `predict` parses in its workers.
constexpr StageInfo kStageInfo[kStages] = {
    {"read", "read, decompress", Lane::kBeside},
    {"parse", "parse, hash", Lane::kBeside},
    {"assemble", "shuffle, cut into batches", Lane::kBeside},
    {"wait_for_input", "wait for input", Lane::kStep},
    {"resolve", "find and merge ids", Lane::kStep},
    {"shards", "join of the workers", Lane::kStep},
    {"embedding_update", "embedding update", Lane::kStep},
    {"dense_update", "reduce and update", Lane::kStep},
    {"prepare", "prepare weights", Lane::kStep},
    {"progress", "progressive metrics, log", Lane::kStep},
    {"checkpoint", "checkpoint", Lane::kStep},
    {"write", "write", Lane::kStep},
    {"lookup", "find ids", Lane::kWorkers},
    {"gather", "gather embedding", Lane::kWorkers},
    {"teacher_forward", "teacher forward", Lane::kWorkers},
    {"student_forward", "student forward", Lane::kWorkers},
    {"loss", "loss", Lane::kWorkers},
    {"student_backward", "student backward", Lane::kWorkers},
    {"teacher_backward", "teacher backward", Lane::kWorkers},
    {"format", "format", Lane::kWorkers},
};

// What a batch goes through, top to bottom; the stages beside it come after.
constexpr Stage kOrder[kStages] = {
    Stage::kWaitForInput,    Stage::kResolve,         Stage::kParse,          Stage::kLookup,
    Stage::kGather,          Stage::kTeacherForward,  Stage::kStudentForward, Stage::kLoss,
    Stage::kStudentBackward, Stage::kTeacherBackward, Stage::kFormat,         Stage::kShards,
    Stage::kEmbeddingUpdate, Stage::kDenseUpdate,     Stage::kPrepare,        Stage::kWrite,
    Stage::kProgress,        Stage::kCheckpoint,      Stage::kRead,           Stage::kAssemble,
};

std::atomic<int64_t> profiles{0};

double PerSecond(double work, double seconds) { return seconds > 0 ? work / seconds : 0; }

std::string Percent(double share) { return absl::StrFormat("%.1f %%", 100 * share); }

}  // namespace

struct Profile::Line {
  std::string label;
  bool beside;
  double seconds;  // of wall time: a worker's stages count 1 / threads each
  int64_t calls;
  double flops, bytes;
};

std::atomic<Profile*> Profile::current_{nullptr};

Profile::Profile(ProfiledCommand command, int threads, const MachinePeak& peak, Clock& clock)
    : command_(command),
      threads_(threads),
      peak_(peak),
      serial_(++profiles),
      clock_(clock),
      begin_(clock.Now()) {
  Profile* none = nullptr;
  CHECK(current_.compare_exchange_strong(none, this)) << "one profile at a time";
}

Profile::~Profile() { current_ = nullptr; }

struct Profile::ThreadState {
  Record* record = nullptr;
  int64_t serial = 0;
  double within = 0;  // seconds of the stages within the one that is timed now
};

Profile::ThreadState* Profile::OfThread() {
  thread_local ThreadState state;
  return &state;
}

Profile::Record* Profile::ThreadRecord() {
  ThreadState& state = *OfThread();
  if (state.serial != serial_) {
    const std::lock_guard<std::mutex> lock(mutex_);
    state.record = records_.emplace_back(std::make_unique<Record>()).get();
    state.serial = serial_;
  }
  return state.record;
}

void StageTimer::Start() {
  double& within = Profile::OfThread()->within;
  within_before_ = within;
  within = 0;
  begin_ = profile_->clock_.Now();
}

void StageTimer::Stop() {
  double seconds = profile_->clock_.Now() - begin_;
  double& within = Profile::OfThread()->within;
  const double of_others = within;
  within = within_before_ + seconds;
  if (stage_ != Stage::kShards) seconds -= of_others;
  Profile::Sum& sum = (*profile_->ThreadRecord())[static_cast<int>(stage_)];
  ++sum.calls;
  sum.nanoseconds += std::llround(seconds * 1e9);
  sum.units += units_;
}

Profile::Record Profile::Total() const {
  Record total = {};
  for (const std::unique_ptr<Record>& record : records_) {
    for (int i = 0; i < kStages; ++i) {
      total[i].calls += (*record)[i].calls;
      total[i].nanoseconds += (*record)[i].nanoseconds;
      total[i].units += (*record)[i].units;
    }
  }
  return total;
}

// The lines of the table; the last of those that aren't beside the step is what no stage has.
std::vector<Profile::Line> Profile::Lines() const {
  const Record total = Total();
  const auto lane = [&](Stage stage) {
    const bool in_worker = stage == Stage::kParse && command_ == ProfiledCommand::kPredict;
    return in_worker ? Lane::kWorkers : kStageInfo[static_cast<int>(stage)].lane;
  };
  double left = Seconds();
  double in_workers = 0;
  std::vector<Line> steps, beside;
  for (const Stage stage : kOrder) {
    const int i = static_cast<int>(stage);
    const Sum& sum = total[i];
    if (sum.calls == 0) continue;
    double seconds = static_cast<double>(sum.nanoseconds) * 1e-9;
    if (lane(stage) == Lane::kWorkers) in_workers += seconds /= threads_;
    // A worker that was put aside by the machine counts on: its share can exceed the whole.
    if (stage == Stage::kShards) seconds = std::max(0.0, seconds - in_workers);
    if (lane(stage) != Lane::kBeside) left -= seconds;
    const auto units = static_cast<double>(sum.units);
    (lane(stage) == Lane::kBeside ? beside : steps)
        .push_back({kStageInfo[i].label, lane(stage) == Lane::kBeside, seconds, sum.calls,
                    costs_[i].flops * units, costs_[i].bytes * units});
  }
  steps.push_back({"everything else", false, std::max(0.0, left), 0, 0, 0});
  steps.insert(steps.end(), beside.begin(), beside.end());
  return steps;
}

std::string Profile::Table() const {
  const std::vector<Line> lines = Lines();
  double wall = 0;
  double flops = 0;
  for (const Line& line : lines) {
    if (line.beside) continue;
    wall += line.seconds;
    flops += line.flops;
  }
  std::string text = absl::StrFormat("%-27s %7s %9s %9s %9s %8s %8s %8s\n", "stage", "time", "seconds",
                                     "calls", "GFLOP/s", "of peak", "GB/s", "of peak");
  const auto add = [&](const Line& line) {
    absl::StrAppendFormat(&text, "%-27s %7s %9.3f", line.label, Percent(PerSecond(line.seconds, wall)),
                          line.seconds);
    absl::StrAppendFormat(&text, " %9s", line.calls > 0 ? absl::StrCat(line.calls) : "");
    const auto rate = [&](double work, double peak) {
      const double per_second = PerSecond(work, line.seconds);
      absl::StrAppendFormat(&text, " %9s", work > 0 ? absl::StrFormat("%.1f", per_second * 1e-9) : "");
      absl::StrAppendFormat(&text, " %8s", work > 0 && peak > 0 ? Percent(per_second / peak) : "");
    };
    rate(line.flops, peak_.flops);
    rate(line.bytes, peak_.bytes);
    while (text.back() == ' ') text.pop_back();
    text += '\n';
  };
  for (const Line& line : lines) {
    if (!line.beside) add(line);
  }
  add({"in all", false, wall, 0, flops, 0});
  if (lines.back().beside) text += "beside it, on threads of their own\n";
  for (const Line& line : lines) {
    if (line.beside) add(line);
  }
  absl::StrAppendFormat(
      &text,
      "%d thread%s; together at most %.0f GFLOP/s (float32 multiply-adds from registers) and "
      "%.1f GB/s (reading from memory), measured at the start\n",
      threads_, threads_ > 1 ? "s" : "", peak_.flops * 1e-9, peak_.bytes * 1e-9);
  return text;
}

std::string Profile::Json() const {
  const Record total = Total();
  std::string json = absl::StrFormat(
      "{\"format\":%d,\"command\":\"%s\",\"threads\":%d,\"seconds\":%.6f,\"peak\":{\"flops\":%.0f,\"bytes\":%"
      ".0f},"
      "\"stages\":[",
      kFormatVersion, command_ == ProfiledCommand::kTrain ? "train" : "predict", threads_, Seconds(),
      peak_.flops, peak_.bytes);
  for (const Stage stage : kOrder) {
    const int i = static_cast<int>(stage);
    const Sum& sum = total[i];
    if (sum.calls == 0) continue;
    const auto units = static_cast<double>(sum.units);
    absl::StrAppendFormat(
        &json,
        "%s{\"stage\":\"%s\",\"calls\":%d,\"seconds\":%.6f,\"units\":%d,\"flops\":%.0f,\"bytes\":%.0f}",
        json.back() == '[' ? "" : ",", kStageInfo[i].key, sum.calls,
        static_cast<double>(sum.nanoseconds) * 1e-9, sum.units, costs_[i].flops * units,
        costs_[i].bytes * units);
  }
  json += "]}\n";
  return json;
}

}  // namespace tandem
