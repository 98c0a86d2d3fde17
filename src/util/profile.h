// Where the time goes: `tandem train --profile` and `tandem predict --profile`.
//
//   Profile profile(ProfiledCommand::kTrain, threads, peak);       // from here on, stages are timed
//   {
//     StageTimer timer(Stage::kGather, rows);                      // where the work is done
//     ...
//   }
//   profile.SetCost(Stage::kGather, {.flops = 0, .bytes = 2496});  // of a unit: what is known of it
//   std::fputs(profile.Table().c_str(), stderr);
//
// There is one profile a process at a time, or none: then a timer is a test of a pointer. A thread adds up
// its stages in a record of its own, without a lock; a timer reads the clock twice, so that stages should
// take microseconds at least. Stages don't nest, but for those that say so. Nothing here changes a result.
//
// Table and Json are called when the threads that had timers are done, or wait.
#ifndef TANDEM_SRC_UTIL_PROFILE_H_
#define TANDEM_SRC_UTIL_PROFILE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/util/machine_peak.h"
#include "tandem/clock.h"

namespace tandem {

// In brackets what `units` counts.
enum class Stage {
  // Beside the step, on threads of their own: reading.
  kRead,      // read and decompress lines [bytes]
  kParse,     // parse and hash [rows]; in predict, a worker's stage
  kAssemble,  // shuffle and cut into batches [rows]
  // The step's own thread, while the workers help it or wait.
  kWaitForInput,
  kResolve,          // find or make the rows of the batch's ids, merge duplicates
  kShards,           // all of the workers' stages, until the last worker is done
  kEmbeddingUpdate,  // [distinct rows]
  kDenseUpdate,      // add the shards' gradients and update the towers [shards]
  kPrepare,          // pack the weights for the kernels
  kProgress,         // progressive metrics, logs
  kCheckpoint,
  kWrite,  // predict: scores to the output [bytes]
  // Workers, within kShards.
  kLookup,  // predict: find the rows of the ids [rows]
  kGather,  // [rows]
  kTeacherForward,
  kStudentForward,
  kLoss,
  kStudentBackward,
  kTeacherBackward,
  kFormat,  // predict: scores as text [rows]
};
constexpr int kStages = static_cast<int>(Stage::kFormat) + 1;

enum class ProfiledCommand { kTrain, kPredict };

// What a unit of a stage costs; 0: not known.
struct StageCost {
  double flops = 0;
  double bytes = 0;  // to and from memory, what caches keep left out where that is known
};

class Profile {
 public:
  // `threads`: that share the step, or the scoring. `peak`: theirs, together.
  // `clock` must outlive it.
  Profile(ProfiledCommand command, int threads, const MachinePeak& peak, Clock& clock = Clock::Default());
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  // The process's profile, null when nothing is profiled.
  static Profile* Current() { return current_.load(std::memory_order_relaxed); }

  void SetCost(Stage stage, const StageCost& cost) { costs_[static_cast<int>(stage)] = cost; }

  // A table for people, some thirty lines. Shares are of the wall time since the profile began, and add up to
  // 100 % but for the threads beside the step.
  std::string Table() const;
  // {"command":"train","threads":2,"seconds":12.3,"peak":{"flops":...,"bytes":...},"stages":[{"stage":
  // "gather","calls":...,"seconds":...,"units":...,"flops":...,"bytes":...},...]}: seconds summed over
  // threads, FLOPs and bytes in all, 0 where they aren't known.
  std::string Json() const;

 private:
  friend class StageTimer;
  struct Sum {
    int64_t calls = 0;
    int64_t nanoseconds = 0;
    int64_t units = 0;
  };
  using Record = std::array<Sum, kStages>;
  struct ThreadState;
  struct Line;

  // The calling thread's.
  static ThreadState* OfThread();
  Record* ThreadRecord();
  double Seconds() const { return clock_.Now() - begin_; }
  Record Total() const;
  std::vector<Line> Lines() const;

  static std::atomic<Profile*> current_;

  const ProfiledCommand command_;
  const int threads_;
  const MachinePeak peak_;
  const int64_t serial_;  // tells a thread that its record belongs to an earlier profile
  Clock& clock_;
  const double begin_;
  std::array<StageCost, kStages> costs_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Record>> records_;
};

// Times a stage from here to the end of the scope, without the stages that are timed on its thread meanwhile
// (but for kShards, of which Profile takes what its workers did).
class StageTimer {
 public:
  explicit StageTimer(Stage stage, int64_t units = 0)
      : profile_(Profile::Current()), stage_(stage), units_(units) {
    if (profile_ != nullptr) Start();
  }
  ~StageTimer() {
    if (profile_ != nullptr) Stop();
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

  // For units that are known only when the work is done.
  void AddUnits(int64_t units) { units_ += units; }

 private:
  void Start();
  void Stop();

  Profile* const profile_;
  const Stage stage_;
  int64_t units_;
  double begin_ = 0;
  double within_before_ = 0;  // of the stage around this one
};

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_PROFILE_H_
