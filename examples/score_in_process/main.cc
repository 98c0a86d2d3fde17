// Scores samples inside a program of your own, on two threads that share one model.
//
//   printf 'user\tmovie\n17\t4711\n18\t4712\n' | score_in_process bundle
//
// Reads the names of the columns, then samples, tab-separated; prints each one's click probability. A library
// built with the default flags needs an x86-64-v3 processor (-DTANDEM_ARCH_FLAGS chooses another).
#include <charconv>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "tandem/predictor.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: score_in_process BUNDLE < samples.tsv\n", 2;
  tandem::PredictorOptions options;
  options.towers = tandem::TowerChoice::kStudent;
  const auto predictor = tandem::Predictor::Load(argv[1], options);
  if (!predictor.ok()) return std::cerr << predictor.status() << "\n", 1;

  std::string line;
  std::getline(std::cin, line);
  const std::vector<std::string> columns = absl::StrSplit(line, '\t');
  const auto decoder =
      (*predictor)
          ->format()
          .MakeCellDecoder((*predictor)->schema(), tandem::RowUse::kPredict, columns, "stdin");
  if (!decoder.ok()) return std::cerr << decoder.status() << "\n", 1;

  std::vector<std::string> samples;
  while (std::getline(std::cin, line)) samples.push_back(line);
  std::vector<std::string> results(samples.size());
  // Predictor and decoder are shared; batch and scores are each thread's own.
  const auto score_every_second = [&](size_t first) {
    tandem::Batch batch((*predictor)->fields());
    tandem::Scores scores;
    for (size_t i = first; i < samples.size(); i += 2) {
      const std::vector<absl::string_view> cells = absl::StrSplit(samples[i], '\t');
      batch.Clear();
      if ((*decoder)->Decode(cells, &batch, &results[i]) != tandem::RowFault::kNone) continue;
      const absl::Status scored = (*predictor)->Score(batch, &scores);
      if (!scored.ok()) {
        results[i] = scored.ToString();
        continue;
      }
      char text[32];  // the shortest that reads back to the same float
      results[i].assign(text, std::to_chars(text, text + sizeof(text), scores.student[0]).ptr);
    }
  };
  std::thread odd(score_every_second, 1);
  score_every_second(0);
  odd.join();
  for (const std::string& result : results) std::cout << result << "\n";
}
