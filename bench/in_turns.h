// Timing of several ways to do the same, in turns, so that a noisy machine slows all of them alike. Seconds
// are those of the calling thread's processor time: what other programs take away meanwhile doesn't count.
//
//   const std::vector<double> seconds = MedianSeconds({[&] { ours(); }, [&] { theirs(); }}, /*repeats=*/9);
//
// Every turn runs each function in a loop of at least `turn_seconds`; a function's figure is the median over
// its turns of the time of one call.
#ifndef TANDEM_BENCH_IN_TURNS_H_
#define TANDEM_BENCH_IN_TURNS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <functional>
#include <vector>

namespace tandem::bench {

inline double ThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

inline double GeometricMean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

inline double SecondsOf(const std::function<void()>& call, int64_t calls) {
  const double begin = ThreadSeconds();
  for (int64_t i = 0; i < calls; ++i) call();
  return ThreadSeconds() - begin;
}

inline std::vector<double> MedianSeconds(const std::vector<std::function<void()>>& functions, int repeats,
                                         double turn_seconds = 0.02) {
  std::vector<int64_t> calls(functions.size(), 1);
  for (size_t f = 0; f < functions.size(); ++f) {
    SecondsOf(functions[f], 1);  // warm
    double seconds = 0;
    while ((seconds = SecondsOf(functions[f], calls[f])) < turn_seconds / 2) calls[f] *= 2;
    calls[f] = std::max<int64_t>(1, std::llround(static_cast<double>(calls[f]) * turn_seconds / seconds));
  }
  std::vector<std::vector<double>> turns(functions.size());
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (size_t f = 0; f < functions.size(); ++f) {
      turns[f].push_back(SecondsOf(functions[f], calls[f]) / static_cast<double>(calls[f]));
    }
  }
  std::vector<double> medians;
  for (const std::vector<double>& t : turns) medians.push_back(Median(t));
  return medians;
}

}  // namespace tandem::bench

#endif  // TANDEM_BENCH_IN_TURNS_H_
