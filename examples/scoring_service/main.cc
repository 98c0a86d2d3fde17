// Answers requests from several threads, as the handlers of a server would, while newer models are published.
//
//   printf 'user\tmovie\n17\t4711\n18\t4712\n' | scoring_service daily/published
//
// Reads the names of the columns, then samples, tab-separated; sends them as requests of some rows each, and
// prints each sample's click probability.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "tandem/clock.h"
#include "tandem/scoring_service.h"
#include "tandem/served_model.h"

constexpr size_t kRowsARequest = 8;

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: scoring_service MODEL < samples.tsv\n", 2;
  tandem::PredictorOptions options;
  options.towers = tandem::TowerChoice::kStudent;
  const auto model = tandem::ServedModel::Open(argv[1], options);
  if (!model.ok()) return std::cerr << model.status() << "\n", 1;
  tandem::ScoringService service(model->get(), {});

  std::string line;
  std::getline(std::cin, line);
  const std::vector<std::string> columns = absl::StrSplit(line, '\t');
  std::vector<std::vector<std::string>> samples;
  while (std::getline(std::cin, line)) samples.push_back(absl::StrSplit(line, '\t'));

  std::vector<std::string> results(samples.size());
  const auto answer = [&](size_t begin) {
    const size_t end = std::min(begin + kRowsARequest, samples.size());
    tandem::ScoreRequest request;
    request.rows = static_cast<int>(end - begin);
    request.deadline = tandem::Clock::Default().Now() + 5;
    for (size_t c = 0; c < columns.size(); ++c) {
      tandem::RequestColumn& column = request.columns.emplace_back();
      column.name = columns[c];
      for (size_t row = begin; row < end; ++row) column.cells.push_back(samples[row].at(c));
    }
    const auto response = service.Score(std::move(request));
    for (size_t row = begin; row < end; ++row) {
      if (!response.ok()) {
        results[row] = response.status().ToString();
        continue;
      }
      char text[32];  // the shortest that reads back to the same float
      results[row].assign(
          text, std::to_chars(text, text + sizeof(text), response->scores.student[row - begin]).ptr);
    }
    if (!response.ok()) return;
    for (const tandem::MalformedRow& row : response->malformed) results[begin + row.row] = row.why;
  };

  // Looks whether a newer model was published; requests under way keep theirs.
  std::atomic<bool> done{false};
  std::thread refresher([&] {
    while (!done) {
      const auto swapped = (*model)->Refresh();
      if (!swapped.ok()) std::cerr << "the model in place stays: " << swapped.status() << "\n";
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  std::atomic<size_t> next{0};
  std::vector<std::thread> handlers;
  for (int handler = 0; handler < 3; ++handler) {
    handlers.emplace_back([&] {
      for (size_t begin; (begin = next.fetch_add(kRowsARequest)) < samples.size();) answer(begin);
    });
  }
  for (std::thread& handler : handlers) handler.join();
  done = true;
  refresher.join();
  for (const std::string& result : results) std::cout << result << "\n";
}
