// Properties that hold of any data, tried on drawn ones: metrics against their definitions, scores that
// depend on the row alone, and saving and loading as the identity.
//
//   TANDEM_PROPERTIES=10000 build/tests_together --only=properties_test       # so many examples each, others every time
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/train/checkpoint_state.h"
#include "tandem/checkpoint.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"
#include "tandem/metrics.h"
#include "tandem/predict_files.h"
#include "tandem/predictor.h"
#include "tandem/served_model.h"
#include "tandem/state.pb.h"
#include "tests/support/experiments.h"
#include "tests/support/hand_made.h"
#include "tests/support/sample_files.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/small_log.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

// Examples are the same in every run, unless more are asked for.
template <typename Property>
void Check(const Property& property, int examples = 200) {
  const char* const asked = std::getenv("TANDEM_PROPERTIES");
  setenv("RC_PARAMS",
         absl::StrCat(asked != nullptr ? "" : "seed=17 ", "max_success=", asked != nullptr ? asked : "200")
             .c_str(),
         /*overwrite=*/1);
  // The library reads that once: what is dear ends before.
  int tried = 0;
  EXPECT_TRUE(rc::check([&] {
    if (asked == nullptr && tried >= (kSanitized ? examples / 5 : examples)) return;
    ++tried;
    property();
  }));
}

// ---- metrics

struct Row {
  float score, label, weight;
  uint64_t group;
};

// Ties and weights of 0 among them.
std::vector<Row> AnyRows() {
  std::vector<Row> rows(*rc::gen::inRange(0, 60));
  for (Row& row : rows) {
    row.score = static_cast<float>(*rc::gen::inRange(0, 12)) / 11;
    row.label = *rc::gen::arbitrary<bool>() ? 1.0f : 0.0f;
    row.weight = static_cast<float>(*rc::gen::inRange(0, 5)) / 2;
    row.group = *rc::gen::inRange<uint64_t>(0, 4);
  }
  return rows;
}

ScoreLog LogOf(const std::vector<Row>& rows) {
  ScoreLog log;
  for (const Row& row : rows) log.Add(row.score, row.label, row.weight, row.group);
  return log;
}

// Of all pairs of a click and another row: the share that is in order, a tie one half. Negative: no such
// pair.
double AucOf(const std::vector<Row>& rows) {
  double ordered = 0, pairs = 0;
  for (const Row& click : rows) {
    for (const Row& other : rows) {
      if (click.label != 1 || other.label != 0) continue;
      const double weight = static_cast<double>(click.weight) * other.weight;
      pairs += weight;
      ordered += weight * (click.score > other.score ? 1 : click.score == other.score ? 0.5 : 0);
    }
  }
  return pairs > 0 ? ordered / pairs : -1;
}

TEST(Properties, AucIsTheShareOfPairsInOrder) {
  Check([] {
    const std::vector<Row> rows = AnyRows();
    const Metrics metrics = ComputeMetrics(LogOf(rows), /*with_groups=*/true);
    const double expected = AucOf(rows);
    RC_ASSERT(metrics.auc.has_value() == (expected >= 0));
    if (metrics.auc.has_value()) RC_ASSERT(std::abs(*metrics.auc - expected) < 1e-12);
    double sum = 0, weights = 0;
    for (uint64_t group = 1; group < 4; ++group) {
      std::vector<Row> of_group;
      double weight = 0;
      for (const Row& row : rows) {
        if (row.group != group) continue;
        of_group.push_back(row);
        weight += row.weight;
      }
      const double auc = AucOf(of_group);
      if (auc < 0) continue;
      sum += weight * auc;
      weights += weight;
    }
    RC_ASSERT(metrics.gauc.has_value() == (weights > 0));
    if (metrics.gauc.has_value()) RC_ASSERT(std::abs(*metrics.gauc - sum / weights) < 1e-12);
  });
}

TEST(Properties, AMergedLogsMetricsAreThoseOfTheWhole) {
  Check([] {
    const std::vector<Row> rows = AnyRows();
    ScoreLog merged;
    for (size_t begin = 0; begin < rows.size();) {
      const size_t end = std::min(rows.size(), begin + *rc::gen::inRange<size_t>(1, 20));
      // Parts may have been stored in between.
      const ScoreLog part =
          LogOf({rows.begin() + static_cast<int64_t>(begin), rows.begin() + static_cast<int64_t>(end)});
      merged.Merge(ScoreLog::Parse(part.Serialize()).value());
      begin = end;
    }
    RC_ASSERT(MetricsToJson(ComputeMetrics(merged, true)) ==
              MetricsToJson(ComputeMetrics(LogOf(rows), true)));
    RC_ASSERT(merged.Serialize() == LogOf(rows).Serialize());
  });
}

// ---- scores

constexpr char kModel[] =
    "teacher { linear: true interaction { fm {} } mlp { hidden: 8 } } student { linear: true mlp { hidden: 8 "
    "} }";

using Cells = std::vector<std::vector<std::string>>;

class ScoreProperties : public SampleFilesTest {
 protected:
  ScoreProperties() { WriteTrainedCheckpoint(SmallExperiment(kModel), /*steps=*/3, Path("model")); }

  // Lines of scores, without the header.
  std::vector<std::string> Scores(const std::vector<std::string>& files, int threads = 1) const {
    PredictorOptions options;
    options.data_overrides = {absl::StrCat("runtime.threads=", threads)};
    const std::unique_ptr<ServedModel> model = ServedModel::Open(Path("model"), options).value();
    std::string text;
    RC_ASSERT(PredictFiles(model.get(), files, [&](absl::string_view piece) {
                absl::StrAppend(&text, piece);
                return absl::OkStatus();
              }).ok());
    std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
    lines.erase(lines.begin());
    return lines;
  }

  static std::string Text(const Cells& rows, const std::vector<int>& order) {
    const auto line = [&](const std::vector<std::string>& cells) {
      std::vector<std::string> placed;
      for (const int column : order) placed.push_back(cells[column]);
      return absl::StrJoin(placed, "\t") + "\n";
    };
    std::string text = line(SmallLogColumns());
    for (const std::vector<std::string>& row : rows) text += line(row);
    return text;
  }
};

template <typename T>
void Shuffle(std::vector<T>* values) {
  for (size_t i = values->size(); i > 1; --i)
    std::swap((*values)[i - 1], (*values)[*rc::gen::inRange<size_t>(0, i)]);
}

TEST_F(ScoreProperties, AScoreIsTheRowsAlone) {
  Check(
      [&] {
        Cells rows = SmallLogRows(*rc::gen::inRange(1, 60), *rc::gen::inRange<uint64_t>(1, 1000));
        std::vector<int> order = {0, 1, 2, 3, 4, 5};
        const std::vector<std::string> expected = Scores({Write("whole.tsv", Text(rows, order))});
        RC_ASSERT(expected.size() == rows.size());
        // In files, compressed or not, with columns in any order, on threads: line by line.
        std::vector<std::string> files;
        for (size_t begin = 0; begin < rows.size();) {
          const size_t end = std::min(rows.size(), begin + *rc::gen::inRange<size_t>(1, 30));
          Shuffle(&order);
          const std::string text = Text(
              {rows.begin() + static_cast<int64_t>(begin), rows.begin() + static_cast<int64_t>(end)}, order);
          const int kind = *rc::gen::inRange(0, 3);
          files.push_back(Write(absl::StrCat("part", files.size(),
                                             kind == 0   ? ".tsv"
                                             : kind == 1 ? ".tsv.gz"
                                                         : ".tsv.zst"),
                                kind == 0   ? text
                                : kind == 1 ? Gzip(text)
                                            : Zstd(text)));
          begin = end;
        }
        RC_ASSERT(Scores(files, *rc::gen::inRange(1, 4)) == expected);
        // In any order: the same lines.
        Shuffle(&rows);
        std::vector<std::string> shuffled = Scores({Write("shuffled.tsv", Text(rows, order))}),
                                 sorted = expected;
        std::sort(shuffled.begin(), shuffled.end());
        std::sort(sorted.begin(), sorted.end());
        RC_ASSERT(shuffled == sorted);
      },
      60);
}

TEST_F(ScoreProperties, ABatchScoresAsItsRowsDo) {
  const std::unique_ptr<Predictor> predictor = Predictor::Load(Path("model"), {}).value();
  Check([&] {
    const Batch batch =
        RandomBatch(predictor->schema(), *rc::gen::inRange(1, 80), *rc::gen::inRange<uint64_t>(1, 1000));
    tandem::Scores whole, part, one;
    RC_ASSERT(predictor->Score(batch, &whole).ok());
    for (int begin = 0; begin < batch.rows();) {
      const int end = std::min(batch.rows(), begin + *rc::gen::inRange(1, 40));
      Batch rows(predictor->fields());
      rows.AppendRows(batch, begin, end);
      RC_ASSERT(predictor->Score(rows, &part).ok());
      one.teacher.insert(one.teacher.end(), part.teacher.begin(), part.teacher.end());
      one.student.insert(one.student.end(), part.student.begin(), part.student.end());
      begin = end;
    }
    RC_ASSERT(one.teacher == whole.teacher);
    RC_ASSERT(one.student == whole.student);
  });
}

// ---- saving and loading

TEST_F(ScoreProperties, SavingWhatWasLoadedGivesTheSameBytes) {
  FileSystem& fs = FileSystem::Default();
  const ScratchDirectory scratch;
  int made = 0;
  const auto property = [&] {
    const std::string more = absl::StrCat(
        "embedding { min_count: ", *rc::gen::inRange(1, 4),
        *rc::gen::arbitrary<bool>() ? " slow_copy { decay: 0.9 }" : " weight_decay: 0.01",
        *rc::gen::arbitrary<bool>() ? " expire_days: 3" : "", " optimizer { ",
        *rc::gen::elementOf(std::vector<std::string>{"adam", "adagrad", "ftrl", "sgd"}), " {} } }",
        *rc::gen::arbitrary<bool>() ? " train { average_decay: 0.9 }" : "",
        *rc::gen::arbitrary<bool>() ? " model { distill { switches { own_embedding: true } } }" : "");
    const proto::Experiment experiment = SmallExperiment(kModel, more);
    if (!ValidateExperiment(experiment).ok()) return;
    const std::string first = scratch / absl::StrCat("first", made),
                      second = scratch / absl::StrCat("second", made);
    const std::string third = scratch / absl::StrCat("third", made);
    ++made;
    WriteTrainedCheckpoint(experiment, *rc::gen::inRange(1, 4), first);
    DualModel model(experiment, KernelsOrBest(nullptr), /*trained=*/true);
    proto::RunState state;
    DayProgress day;
    RC_ASSERT(LoadCheckpoint(fs, first, EmbeddingLoad::kResume, &model, &state, &day).ok());
    RC_ASSERT(SaveCheckpoint(fs, second, model, state, day).ok());
    // Where the run stood is written out in full.
    for (const char* file :
         {"embedding.bin", "student.bin", "teacher.bin", "experiment.pbtxt", "progress-student.bin"})
      RC_ASSERT(FileBytes(first + "/" + file) == FileBytes(second + "/" + file));
    DualModel same(experiment, KernelsOrBest(nullptr), /*trained=*/true);
    RC_ASSERT(LoadCheckpoint(fs, second, EmbeddingLoad::kResume, &same, &state, &day).ok());
    RC_ASSERT(SaveCheckpoint(fs, third, same, state, day).ok());
    RC_ASSERT(FileBytes(second + "/MANIFEST") == FileBytes(third + "/MANIFEST"));
  };
  Check(property, 40);
  EXPECT_GT(made, 4);
}

}  // namespace
}  // namespace tandem
