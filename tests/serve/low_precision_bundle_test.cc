// Bundles in float32, bfloat16 and int8, from export to scores.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/kernels/low_precision_variants.h"
#include "src/serve/loaded_model.h"
#include "src/serve/quantize.h"
#include "src/serve/serving_tables.h"
#include "src/serve/student_scorer.h"
#include "tandem/dual_model.h"
#include "tandem/durable_files.h"
#include "tandem/export.h"
#include "tandem/predictor.h"
#include "tandem/status.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/experiments.h"
#include "tests/support/random_floats.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

namespace stdfs = std::filesystem;

constexpr char kTeacher[] = "teacher { linear: true interaction { fm {} } mlp { hidden: 12 } } ";

struct Case {
  const char* name;
  const char* student;
  Precision precision;
  double tolerance;  // of a probability
};

const Case kCases[] = {
    {"PlainBf16", "mlp { hidden: 24 hidden: 7 }", Precision::kBf16, 0.005},
    {"PlainInt8", "mlp { hidden: 24 hidden: 7 }", Precision::kInt8, 0.01},
    {"LinearNormalisedBf16", "linear: true mlp { hidden: 33 normalize_input: true }", Precision::kBf16, 0.01},
    {"LinearNormalisedInt8", "linear: true mlp { hidden: 33 normalize_input: true }", Precision::kInt8, 0.03},
    {"HeadsBf16", "heads: 3 mlp { hidden: 24 hidden: 7 normalize_input: true }", Precision::kBf16, 0.01},
    {"PlainHeadsBf16", "linear: true heads: 3 mlp { hidden: 24 hidden: 7 }", Precision::kBf16, 0.01},
    {"HeadsInt8", "linear: true heads: 3 mlp { hidden: 24 hidden: 7 }", Precision::kInt8, 0.02},
    {"RankOneHeadsInt8", "heads: 3 head_weights: RANK_ONE mlp { hidden: 24 hidden: 7 normalize_input: true }",
     Precision::kInt8, 0.03},
    {"WithFmInt8", "interaction { fm {} } mlp { hidden: 8 }", Precision::kInt8, 0.01},
    {"ReadOutBf16", "linear: true", Precision::kBf16, 0.005},
};

std::string Bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The scores of a batch with the labels that RandomBatch gave it.
std::vector<ScoreLog> LogsOf(const std::vector<const Predictor*>& predictors, const Batch& batch) {
  std::vector<ScoreLog> logs;
  for (const Predictor* predictor : predictors) {
    Scores scores;
    EXPECT_TRUE(predictor->Score(batch, &scores).ok());
    ScoreLog& log = logs.emplace_back();
    for (int row = 0; row < batch.rows(); ++row) log.Add(scores.student[row], batch.labels[row], 1, 0);
  }
  return logs;
}

class LowPrecisionTest : public testing::TestWithParam<Case> {
 protected:
  LowPrecisionTest() {
    WriteTrainedCheckpoint(SmallExperiment(absl::StrCat(kTeacher, "student { ", GetParam().student, " }"),
                                           "embedding { dim: 6 }"),
                           /*steps=*/20, checkpoint_);
    options_.precision = GetParam().precision;
    options_.max_auc_loss = 0.01;
    options_.score = [](const std::vector<const Predictor*>& predictors) {
      return absl::StatusOr<std::vector<ScoreLog>>(
          LogsOf(predictors, RandomBatch(predictors[0]->schema(), 500, 77)));
    };
  }

  absl::StatusOr<std::optional<PrecisionReport>> Export(const std::string& name) const {
    return ExportBundle(FileSystem::Default(), checkpoint_, scratch_ / name, options_);
  }
  std::unique_ptr<Predictor> Load(const std::string& model, const char* kernels = "auto") const {
    PredictorOptions options;
    options.towers = TowerChoice::kStudent;
    options.kernels = FindKernels(kernels).value();
    return Predictor::Load(model, options).value();
  }

  ScratchDirectory scratch_;
  const std::string checkpoint_ = scratch_ / "step-20";
  ExportOptions options_;
};

TEST_P(LowPrecisionTest, AFloat32BundleScoresWithTheBitsOfTheRun) {
  options_.precision = Precision::kF32;
  ASSERT_TRUE(Export("f32").ok());
  const std::unique_ptr<Predictor> run = Load(checkpoint_), bundle = Load(scratch_ / "f32");
  Scores expected, got;
  for (const int rows : {0, 1, 31, 33, 200}) {
    const Batch batch = RandomBatch(run->schema(), rows, rows);
    EXPECT_TRUE(run->Score(batch, &expected).ok());
    EXPECT_TRUE(bundle->Score(batch, &got).ok());
    EXPECT_EQ(got.student, expected.student) << rows << " rows";
  }
}

TEST_P(LowPrecisionTest, ScoresStayNearThoseOfFloat32) {
  ASSERT_TRUE(Export("bundle").ok());
  const std::unique_ptr<Predictor> f32 = Load(checkpoint_), low = Load(scratch_ / "bundle");
  const Batch batch = RandomBatch(f32->schema(), 300, 5);
  Scores expected, got;
  EXPECT_TRUE(f32->Score(batch, &expected).ok());
  EXPECT_TRUE(low->Score(batch, &got).ok());
  ASSERT_EQ(got.student.size(), expected.student.size());
  double mean = 0;
  for (int row = 0; row < batch.rows(); ++row) {
    const double difference = std::abs(got.student[row] - expected.student[row]);
    EXPECT_LE(difference, GetParam().tolerance) << "row " << row;
    mean += difference / batch.rows();
  }
  EXPECT_GT(mean, 0) << "nothing was rounded";
}

TEST_P(LowPrecisionTest, TheBundleScoresAsWhatWasMeasured) {
  const absl::StatusOr<std::optional<PrecisionReport>> report = Export("bundle");
  ASSERT_TRUE(report.ok()) << report.status();
  const std::unique_ptr<Predictor> loaded = Load(scratch_ / "bundle");
  const std::unique_ptr<Predictor> in_memory = Load(checkpoint_)->InPrecision(GetParam().precision);
  const Batch batch = RandomBatch(loaded->schema(), 300, 77);
  Scores a, b;
  EXPECT_TRUE(loaded->Score(batch, &a).ok());
  EXPECT_TRUE(in_memory->Score(batch, &b).ok());
  EXPECT_EQ(a.student, b.student);

  const auto read = ReadPrecisionReport(FileSystem::Default(), scratch_ / "bundle").value();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->f32.rows, 500);
  EXPECT_EQ(read->f32.auc, (*report)->f32.auc);
  EXPECT_EQ(read->served.auc, (*report)->served.auc);
  EXPECT_EQ(read->served.logloss, (*report)->served.logloss);
  EXPECT_EQ(read->served.copc, (*report)->served.copc);
  EXPECT_EQ(read->served_kernels, loaded->student_kernels());
}

// Of a bundle in bfloat16 whose input isn't normalised: rows go to the first layer as they lie in the tables.
TEST_P(LowPrecisionTest, RowsReadAsTheyAreScoreAsThoseThatAreRoundedAgain) {
  if (GetParam().precision != Precision::kBf16) GTEST_SKIP() << "of bfloat16";
  ASSERT_TRUE(Export("bundle").ok());
  const std::unique_ptr<Predictor> predictor = Load(scratch_ / "bundle");
  const Batch batch = RandomBatch(predictor->schema(), 70, 12);
  Scores served;
  ASSERT_TRUE(predictor->Score(batch, &served).ok());
  for (const Kernels* kernels : AvailableKernels()) {
    const LoadedModel loaded =
        LoadModel(FileSystem::Default(), scratch_ / "bundle", predictor->experiment(), *kernels).value();
    const DualModel& model = *loaded.model;
    const std::vector<PlainStudent> heads =
        PlainStudentsOf(model.student(), model.student_parameters().values.data());
    if (heads.empty()) GTEST_SKIP() << "its tower is computed in float32";
    const auto scorer = MakeStudentScorer(heads, Precision::kBf16, *kernels);
    const int64_t stride = scorer->rounded_stride();
    EXPECT_EQ(stride == 0, !heads[0].mean.empty());
    if (stride == 0) return;
    const int width = heads[0].input_width();
    GatherScratch scratch;
    FoundPlaces found;
    loaded.tables->LookUp(batch, &found);
    AlignedFloats workspace(scorer->workspace_floats(batch.rows()));
    std::vector<float> sums(batch.rows());
    float* const linear = model.student().linear() ? sums.data() : nullptr;
    for (const int tile : {1, 7, 32, batch.rows()}) {
      for (int first = 0; first < batch.rows(); first += tile) {
        const int rows = std::min(tile, batch.rows() - first);
        std::vector<float> x(static_cast<size_t>(rows) * width), expected(rows), got(rows);
        std::vector<uint16_t> rounded(rows * stride, 0xffff), values(rows * stride);
        loaded.tables->Gather(batch, first, {x.data(), rows, width, width}, linear, &scratch);
        FindBf16Kernels(*kernels).round({x.data(), rows, width, width}, values.data(), stride);
        loaded.tables->GatherRounded(batch, first, rows, rounded.data(), stride, linear, &scratch);
        ASSERT_EQ(rounded, values) << kernels->name() << ", " << rows << " rows from " << first;
        std::fill(rounded.begin(), rounded.end(), 0xffff);
        loaded.tables->GatherRounded(batch, found, first, rows, rounded.data(), stride);
        ASSERT_EQ(rounded, values) << kernels->name() << ", " << rows << " rows found from " << first;
        scorer->Score({x.data(), rows, width, width}, linear, workspace.data(), expected.data());
        scorer->ScoreRounded(rounded.data(), rows, linear, workspace.data(), got.data());
        ASSERT_EQ(got, expected) << kernels->name() << ", " << rows << " rows from " << first;
        for (int r = 0; r < rows; ++r)
          EXPECT_NEAR(1 / (1 + std::exp(-got[r])), served.student[first + r], 1e-5);
      }
    }
  }
}

TEST_P(LowPrecisionTest, EqualExportsGiveEqualBytes) {
  ASSERT_TRUE(Export("one").ok());
  ASSERT_TRUE(Export("two").ok());
  EXPECT_EQ(Bytes(scratch_ / "one/MANIFEST"), Bytes(scratch_ / "two/MANIFEST"));
}

TEST_P(LowPrecisionTest, ARowScoresAloneAsInAnyBatchAndOnAnyThread) {
  ASSERT_TRUE(Export("bundle").ok());
  const std::unique_ptr<Predictor> predictor = Load(scratch_ / "bundle");
  const Batch batch = RandomBatch(predictor->schema(), 70, 9);
  Scores all;
  EXPECT_TRUE(predictor->Score(batch, &all).ok());
  std::vector<int> different(4);
  std::vector<std::thread> threads;
  for (int& count : different) {
    threads.emplace_back([&] {
      Scores one;
      Batch row(predictor->fields());
      for (int r = 0; r < batch.rows(); ++r) {
        row.Clear();
        row.AppendRow(batch, r);
        EXPECT_TRUE(predictor->Score(row, &one).ok());
        count += one.student[0] != all.student[r] ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, std::vector<int>(4));
}

TEST_P(LowPrecisionTest, ScoringAllocatesNothingOnceItHasRun) {
  ASSERT_TRUE(Export("bundle").ok());
  const std::unique_ptr<Predictor> predictor = Load(scratch_ / "bundle");
  const Batch batch = RandomBatch(predictor->schema(), 40, 4);
  Scores scores;
  EXPECT_TRUE(predictor->Score(batch, &scores).ok());
  const int64_t before = AllocationCount();
  for (int pass = 0; pass < 3; ++pass) EXPECT_TRUE(predictor->Score(batch, &scores).ok());
  EXPECT_EQ(AllocationCount() - before, 0);
}

TEST_P(LowPrecisionTest, EveryKernelVariantGivesTheSameScores) {
  const std::string name = GetParam().name;
  if (name == "WithFmInt8" || name == "ReadOutBf16") GTEST_SKIP() << "its tower is computed in float32";
  ASSERT_TRUE(Export("bundle").ok());
  const std::unique_ptr<Predictor> best = Load(scratch_ / "bundle");
  const Batch batch = RandomBatch(best->schema(), 65, 10);
  Scores expected, got;
  EXPECT_TRUE(best->Score(batch, &expected).ok());
  for (const Kernels* kernels : AvailableKernels()) {
    EXPECT_TRUE(Load(scratch_ / "bundle", kernels->name())->Score(batch, &got).ok());
    EXPECT_EQ(got.student, expected.student) << kernels->name();
  }
}

TEST_P(LowPrecisionTest, AnExportThatLosesTooMuchIsRefusedAndLeavesNothing) {
  // Scores that fall, whatever the student: the second predictor's are those of chance.
  options_.score = [](const std::vector<const Predictor*>& predictors) {
    std::vector<ScoreLog> logs = LogsOf(predictors, RandomBatch(predictors[0]->schema(), 500, 77));
    ScoreLog flat;
    for (const float label : logs[1].labels()) flat.Add(0.5f, label, 1, 0);
    logs[1] = flat;
    return absl::StatusOr<std::vector<ScoreLog>>(logs);
  };
  const absl::Status refused = Export("bundle").status();
  EXPECT_EQ(ExitCode(refused), kExitUsage) << refused;
  EXPECT_NE(std::string(refused.message()).find("max_auc_loss"), std::string::npos) << refused;
  EXPECT_FALSE(stdfs::exists(scratch_ / "bundle"));
  options_.max_auc_loss = 1;
  EXPECT_TRUE(Export("bundle").ok());
}

TEST_P(LowPrecisionTest, WithoutBothLabelsThereIsNothingToMeasure) {
  options_.score = [](const std::vector<const Predictor*>& predictors) {
    ScoreLog clicks;
    clicks.Add(0.5f, 1, 1, 0);
    return absl::StatusOr<std::vector<ScoreLog>>(std::vector<ScoreLog>(predictors.size(), clicks));
  };
  EXPECT_EQ(ExitCode(Export("bundle").status()), kExitData);
  EXPECT_FALSE(stdfs::exists(scratch_ / "bundle"));
}

TEST_P(LowPrecisionTest, AnyDamagedByteIsRefused) {
  ASSERT_TRUE(Export("bundle").ok());
  for (const char* name : {"MANIFEST", "graph.bin", "embedding.bin"}) {
    const std::string path = scratch_ / absl::StrCat("bundle/", name);
    const std::string whole = Bytes(path);
    for (size_t at = 3; at < whole.size(); at += whole.size() / 7 + 1) {
      std::string hurt = whole;
      hurt[at] = static_cast<char>(hurt[at] ^ 4);
      std::ofstream(path, std::ios::binary) << hurt;
      EXPECT_EQ(ExitCode(Predictor::Load(scratch_ / "bundle", {}).status()), kExitModel) << name << " " << at;
    }
    std::ofstream(path, std::ios::binary) << whole;
  }
  EXPECT_TRUE(Predictor::Load(scratch_ / "bundle", {}).ok());
}

TEST_P(LowPrecisionTest, GraphAndRowsOfDifferentPrecisionsDontMix) {
  ASSERT_TRUE(Export("bundle").ok());
  options_.precision = Precision::kF32;
  ASSERT_TRUE(Export("f32").ok());
  FileSystem& fs = FileSystem::Default();
  for (const bool low_graph : {true, false}) {
    const std::string mixed = scratch_ / absl::StrCat("mixed", low_graph);
    const absl::Status written = WriteDirectory(fs, mixed, [&](const std::string& aside) {
      stdfs::copy_file(scratch_ / (low_graph ? "bundle/graph.bin" : "f32/graph.bin"), aside + "/graph.bin");
      stdfs::copy_file(scratch_ / (low_graph ? "f32/embedding.bin" : "bundle/embedding.bin"),
                       aside + "/embedding.bin");
      return absl::OkStatus();
    });
    ASSERT_TRUE(written.ok()) << written;
    EXPECT_EQ(ExitCode(Predictor::Load(mixed, {}).status()), kExitModel);
  }
}

TEST_P(LowPrecisionTest, TheRowsTakeLessMemoryAndDisk) {
  ASSERT_TRUE(Export("bundle").ok());
  options_.precision = Precision::kF32;
  ASSERT_TRUE(Export("f32").ok());
  const std::unique_ptr<Predictor> low = Load(scratch_ / "bundle"), f32 = Load(checkpoint_);
  EXPECT_EQ(low->tables()->rows(), f32->tables()->rows());
  EXPECT_LT(low->tables()->weight_bytes(), f32->tables()->weight_bytes() * 2 / 3);
  EXPECT_LT(low->tables()->bytes(), f32->tables()->bytes());
  EXPECT_EQ(*low->model().embedding().rows(), static_cast<int64_t>(low->schema().tables().size()));
  EXPECT_LT(stdfs::file_size(scratch_ / "bundle/embedding.bin"),
            stdfs::file_size(scratch_ / "f32/embedding.bin"));
}

INSTANTIATE_TEST_SUITE_P(Students, LowPrecisionTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(QuantizeTest, AWeightIsWithinHalfACodeAndRoundTripsThroughBytes) {
  const ParameterBlock block{"mlp/0/weight", {13, 5}, ParameterKind::kMatrix, 0, 65};
  AlignedFloats weights = RandomFloats(65, 1);
  for (int i = 0; i < 13; ++i) weights[i * 5 + 2] = 0;  // an output that reads nothing
  const QuantizedWeights quantized = QuantizeWeights(weights.data(), 13, 5);
  for (int k = 0; k < 65; ++k) {
    const float scale = quantized.scales[k % 5];
    EXPECT_NEAR(quantized.codes[k] * scale, weights[k], 0.5001 * scale);
  }
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    const std::string bytes = EncodeWeights(block, precision, weights.data());
    EXPECT_EQ(static_cast<int64_t>(bytes.size()), EncodedBytes(block, precision));
    AlignedFloats decoded(65);
    DecodeWeights(bytes, block, precision, decoded.data());
    const double step = precision == Precision::kF32 ? 0 : precision == Precision::kBf16 ? 0.02 : 0.03;
    for (int k = 0; k < 65; ++k) EXPECT_NEAR(decoded[k], weights[k], step) << PrecisionName(precision);
  }
}

}  // namespace
}  // namespace tandem
