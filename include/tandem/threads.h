// A few workers that share coarse tasks and then wait, blocked, for the next ones.
//
//   Workers workers(4);
//   workers.ForEach(shards, [&](int shard, int worker) { ... scratch[worker] ... });
//
// Which worker takes which task is left to chance; a result must depend on the task only. Joins block (a
// spinning barrier collapses where cores are shared).
#ifndef TANDEM_THREADS_H_
#define TANDEM_THREADS_H_

#include <memory>

#include "absl/functional/function_ref.h"

namespace tandem {

// Cores that this process may use, at least 1: those of its affinity mask (taskset, cpusets), and no more
// than the control group's quota lets run at a time, rounded up (containers: cpu.max of cgroup v2).
int AvailableCores();
// Of runtime.threads: 0 is AvailableCores().
int ThreadsOf(int configured);

class Workers {
 public:
  // `threads` >= 1, the caller's own included; 0: AvailableCores().
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int size() const { return size_; }
  // Calls function(task, worker) for every task in [0, tasks), worker in [0, size()), and returns when all
  // are done. One caller at a time; not from within a task. Allocates nothing.
  void ForEach(int tasks, absl::FunctionRef<void(int task, int worker)> function);

 private:
  struct Shared;
  int size_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace tandem

#endif  // TANDEM_THREADS_H_
