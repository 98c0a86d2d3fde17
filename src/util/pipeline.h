// A stream of items through three stages: filled in order by one thread, worked on by several, taken in order
// by the caller. The stages overlap, and no result depends on the number of threads.
//
//   std::vector<Piece> pieces(PipelineItems(threads));
//   absl::Status status = RunPipeline(
//       threads, absl::MakeSpan(pieces),
//       [&](Piece* piece) -> absl::StatusOr<bool> { ... },  // fill: false at the end
//       [&](Piece* piece, int worker) { ... },               // work: on thread `worker` of [0, threads)
//       [&](Piece* piece) -> absl::Status { ... });          // take
//
// Filling has a thread of its own beside the `threads` that work, which include the caller's. Waits block.
#ifndef TANDEM_SRC_UTIL_PIPELINE_H_
#define TANDEM_SRC_UTIL_PIPELINE_H_

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "src/util/profile.h"

namespace tandem {

// Enough for each thread to have an item at hand and one waiting, and for the filling thread's.
inline int PipelineItems(int threads) { return 2 * threads + 2; }

// Items are used again and again. After the first item that can't be filled or taken nothing more is taken;
// its status is returned, that of filling after the items before it were taken. Fill, work and take each own
// the item they are given; calls of fill, and of take, don't overlap with themselves.
template <typename Item, typename Fill, typename Work, typename Take>
absl::Status RunPipeline(int threads, absl::Span<Item> items, Fill fill, Work work, Take take) {
  // Item i of the stream is at place i % items.size(). taken <= begun <= filled <= taken + items.size().
  std::mutex mutex;
  std::condition_variable room, fresh, progress;
  size_t filled = 0, begun = 0, taken = 0;
  std::vector<char> done(items.size(), 0);
  bool ended = false, stop = false;
  absl::Status fill_status;

  std::thread filler([&] {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      room.wait(lock, [&] { return stop || filled < taken + items.size(); });
      if (stop) return;
      lock.unlock();
      const absl::StatusOr<bool> more = fill(&items[filled % items.size()]);
      lock.lock();
      ended = !more.ok() || !*more;
      if (ended) {
        fill_status = more.status();
        fresh.notify_all();
      } else {
        done[filled++ % items.size()] = 0;
        fresh.notify_one();
      }
      progress.notify_one();
      if (ended) return;
    }
  });
  // With the lock held, and an item to begin.
  const auto work_on_next = [&](int worker, std::unique_lock<std::mutex>* lock) {
    const size_t place = begun++ % items.size();
    lock->unlock();
    work(&items[place], worker);
    lock->lock();
    done[place] = 1;
  };
  std::vector<std::thread> workers;
  for (int worker = 1; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      std::unique_lock<std::mutex> lock(mutex);
      for (;;) {
        fresh.wait(lock, [&] { return stop || ended || begun < filled; });
        if (stop || begun == filled) return;
        work_on_next(worker, &lock);
        progress.notify_one();
      }
    });
  }

  absl::Status status;
  std::unique_lock<std::mutex> lock(mutex);
  while (status.ok()) {
    if (taken < begun && done[taken % items.size()] != 0) {
      lock.unlock();
      status = take(&items[taken % items.size()]);
      lock.lock();
      ++taken;
      // Not for every item: each wake-up costs switches to and fro where threads share a core.
      if (filled - taken <= items.size() / 2) room.notify_one();
    } else if (begun < filled) {
      StageTimer timer(Stage::kShards);
      work_on_next(0, &lock);
    } else if (taken < begun) {
      StageTimer timer(Stage::kShards);
      progress.wait(lock, [&] { return done[taken % items.size()] != 0 || begun < filled; });
    } else if (!ended) {
      StageTimer timer(Stage::kWaitForInput);
      progress.wait(lock, [&] { return ended || taken < filled; });
    } else {
      status = fill_status;
      break;
    }
  }
  stop = true;
  lock.unlock();
  room.notify_one();
  fresh.notify_all();
  filler.join();
  for (std::thread& worker : workers) worker.join();
  return status;
}

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_PIPELINE_H_
