#include "tandem/threads.h"

#include <glog/logging.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

namespace tandem {
namespace {

// "max 100000" or "150000 100000": microseconds of processor time in a period.
double QuotaOfControlGroup() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period && quota > 0 && period > 0 ? quota / period : 0;
}

}  // namespace

int AvailableCores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  // Fails where the machine has more cores than a cpu_set_t holds.
  int cores = sched_getaffinity(0, sizeof(mask), &mask) == 0
                  ? CPU_COUNT(&mask)
                  : static_cast<int>(std::thread::hardware_concurrency());
  const double quota = QuotaOfControlGroup();
  if (quota > 0) cores = std::min(cores, static_cast<int>(std::ceil(quota)));
  return std::max(1, cores);
}

int ThreadsOf(int configured) { return configured > 0 ? configured : AvailableCores(); }

struct Workers::Shared {
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  const absl::FunctionRef<void(int, int)>* function = nullptr;
  int tasks = 0;
  std::atomic<int> next{0};
  int64_t round = 0;
  int running = 0;
  bool stop = false;
  std::vector<std::thread> threads;

  void Take(int worker) {
    for (int task = next.fetch_add(1); task < tasks; task = next.fetch_add(1)) (*function)(task, worker);
  }

  void Run(int worker) {
    int64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stop || round != seen; });
      if (stop) return;
      seen = round;
      lock.unlock();
      Take(worker);
      lock.lock();
      if (--running == 0) done.notify_one();
    }
  }
};

Workers::Workers(int threads) : size_(ThreadsOf(threads)), shared_(std::make_unique<Shared>()) {
  for (int worker = 1; worker < size_; ++worker) {
    shared_->threads.emplace_back([this, worker] { shared_->Run(worker); });
  }
}

Workers::~Workers() {
  {
    std::lock_guard<std::mutex> lock(shared_->mutex);
    shared_->stop = true;
  }
  shared_->wake.notify_all();
  for (std::thread& thread : shared_->threads) thread.join();
}

void Workers::ForEach(int tasks, absl::FunctionRef<void(int, int)> function) {
  if (size_ == 1 || tasks <= 1) {
    for (int task = 0; task < tasks; ++task) function(task, 0);
    return;
  }
  {
    std::lock_guard<std::mutex> lock(shared_->mutex);
    CHECK_EQ(shared_->running, 0) << "Workers::ForEach is not reentrant";
    shared_->function = &function;
    shared_->tasks = tasks;
    shared_->next = 0;
    shared_->running = size_ - 1;
    ++shared_->round;
  }
  shared_->wake.notify_all();
  shared_->Take(0);
  std::unique_lock<std::mutex> lock(shared_->mutex);
  shared_->done.wait(lock, [&] { return shared_->running == 0; });
}

}  // namespace tandem
