// The embedding layer: first values, admission, pooling, updates, decay.
#include "tandem/embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/serve/serving_tables.h"
#include "tandem/kernels.h"
#include "tandem/row_store_factory.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

constexpr char kStudent[] = "method: STUDENT_ALONE student { mlp { hidden: 8 } }";

// A layer with what it needs around it.
struct Fixture {
  explicit Fixture(const std::string& more = "", int threads = 1, const std::string& model = kStudent)
      : experiment(SmallExperiment(model, more)),
        schema(experiment),
        layer(std::make_unique<EmbeddingLayer>(experiment, schema,
                                               MakeLocalRowStore(experiment, schema, /*trained=*/true))),
        workers(threads) {}

  int width() const { return layer->fields() * layer->dim(); }

  std::vector<float> Gather(const Batch& batch, bool training, int64_t step = 1) {
    if (training) {
      EXPECT_TRUE(layer->Resolve(batch, step, &workers, &rows).ok());
    } else {
      EXPECT_TRUE(layer->Lookup(batch, &rows).ok());
    }
    std::vector<float> x(static_cast<size_t>(batch.rows()) * width());
    layer->Gather(batch, rows, 0, {x.data(), batch.rows(), width(), width()}, {});
    return x;
  }

  // One step with the gradient of 0.5 |x - 1|^2 / rows.
  void Step(const Batch& batch, int64_t step) {
    std::vector<float> d_x = Gather(batch, /*training=*/true, step);
    for (float& d : d_x) d = (d - 1) / static_cast<float>(batch.rows());
    Update(batch, d_x, step);
  }

  void Update(const Batch& batch, const std::vector<float>& d_x, int64_t step) {
    EmbeddingGradients gradients;
    gradients.d_x = {d_x.data(), batch.rows(), width(), width()};
    ASSERT_TRUE(layer->Update(batch, rows, gradients, step, 1, 1, &workers).ok());
  }

  proto::Experiment experiment;
  Schema schema;
  std::unique_ptr<EmbeddingLayer> layer;
  Workers workers;
  BatchRows rows;
};

TEST(Embedding, FirstValuesDependOnSeedTableAndIdOnly) {
  Fixture a, b;
  const Batch first = RandomBatch(a.schema, 50, 1);
  const Batch second = RandomBatch(a.schema, 50, 2);
  a.Gather(first, true);
  b.Gather(second, true);
  b.Gather(first, true);
  EXPECT_EQ(a.Gather(first, false), b.Gather(first, false));
  Fixture other("train { seed: 2 }");
  other.Gather(first, true);
  EXPECT_NE(a.Gather(first, false), other.Gather(first, false));
}

TEST(Embedding, AnUnknownIdIsServedByTheOovRow) {
  Fixture f;
  const Batch batch = RandomBatch(f.schema, 20, 1);
  for (const float value : f.Gather(batch, false)) ASSERT_EQ(value, 0);
  EXPECT_EQ(*f.layer->rows(), static_cast<int64_t>(f.schema.tables().size()));
}

TEST(Embedding, FieldsThatShareATableShareRows) {
  Fixture f;
  Batch batch = RandomBatch(f.schema, 1, 1);
  batch.fields[2].keys = batch.fields[3].keys;
  batch.fields[2].coefficients = {1};
  batch.fields[2].offsets = {0, 1};
  const std::vector<float> x = f.Gather(batch, true);
  for (int d = 0; d < 4; ++d) EXPECT_EQ(x[2 * 4 + d], x[3 * 4 + d]);
}

TEST(Embedding, AnIdGetsItsRowAtItsMinCountthOccurrence) {
  Fixture f("embedding { min_count: 3 }");
  Batch batch = RandomBatch(f.schema, 1, 1);
  const auto user = [&](const std::vector<float>& x) { return std::vector<float>(x.begin(), x.begin() + 4); };
  const std::vector<float> zero(4, 0.0f);
  EXPECT_EQ(user(f.Gather(batch, true, 1)), zero);
  EXPECT_EQ(user(f.Gather(batch, true, 2)), zero);
  EXPECT_NE(user(f.Gather(batch, true, 3)), zero);
  EXPECT_NE(user(f.Gather(batch, false)), zero);
}

TEST(Embedding, IdDropoutTrainsTheOovRow) {
  Fixture f("embedding { id_dropout: 0.5 optimizer { sgd { lr: 0.5 } } }");
  const Batch batch = RandomBatch(f.schema, 200, 1);
  for (int step = 1; step <= 20; ++step) f.Step(batch, step);
  Batch unknown = RandomBatch(f.schema, 1, 1);
  unknown.fields[0].keys[0] = 12345;
  const std::vector<float> x = f.Gather(unknown, false);
  for (int d = 0; d < 4; ++d) EXPECT_GT(x[d], 0.3f) << "the OOV row learns towards 1";
}

TEST(Embedding, DuplicateIdsAreMergedIntoOneUpdate) {
  Fixture f("embedding { optimizer { sgd { lr: 0.1 } } }");
  Batch batch = RandomBatch(f.schema, 3, 1);
  for (int row = 1; row < 3; ++row) batch.fields[0].keys[row] = batch.fields[0].keys[0];
  const std::vector<float> before = f.Gather(batch, true);
  std::vector<float> d_x(before.size());
  for (size_t i = 0; i < d_x.size(); ++i) d_x[i] = static_cast<float>(i % 7) - 3;
  f.Update(batch, d_x, 1);
  const std::vector<float> after = f.Gather(batch, false);
  for (int d = 0; d < 4; ++d) {
    const float sum = d_x[d] + d_x[f.width() + d] + d_x[2 * f.width() + d];
    EXPECT_FLOAT_EQ(after[d], before[d] - 0.1f * sum);
  }
}

TEST(Embedding, TheNumberOfWorkersChangesNoBit) {
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 4}) {
    Fixture f("embedding { id_dropout: 0.1 min_count: 2 optimizer { adam { lr: 0.01 } } }", threads);
    for (int step = 1; step <= 10; ++step) f.Step(RandomBatch(f.schema, 100, step), step);
    results.push_back(f.Gather(RandomBatch(f.schema, 100, 99), false));
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Embedding, LazyDecayIsTheResultOfDecayAtEveryStep) {
  Fixture f("embedding { weight_decay: 0.1 optimizer { sgd { lr: 0.5 } } }");
  const Batch once = RandomBatch(f.schema, 1, 1);
  Batch others = RandomBatch(f.schema, 1, 2);
  for (size_t field = 0; field < others.fields.size(); ++field) {
    for (uint64_t& key : others.fields[field].keys) key += 1;  // other rows
  }
  const std::vector<float> zero(f.width(), 0.0f);
  const std::vector<float> first = f.Gather(once, true, 1);
  f.Update(once, zero, 1);
  for (int step = 2; step <= 5; ++step) {
    f.Gather(others, true, step);
    f.Update(others, zero, step);
  }
  const std::vector<float> later = f.Gather(once, true, 6);
  const double left = std::pow(1 - 0.5 * 0.1, 5);
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_NEAR(later[i], first[i] * left, 1e-6 * std::abs(first[i])) << i;
}

TEST(Embedding, L2ReachesTouchedRowsOnlyUnlessItIsOverTheTable) {
  for (const bool table : {false, true}) {
    Fixture f(absl::StrCat("embedding { l2: 0.5 l2_scope: ", table ? "TABLE" : "TOUCHED",
                           " optimizer { sgd { lr: 0.2 } } }"));
    const Batch touched = RandomBatch(f.schema, 1, 1);
    Batch other = touched;
    other.fields[0].keys[0] += 1;
    f.Gather(other, true, 1);
    const float before = f.Gather(other, false)[0];
    const std::vector<float> x = f.Gather(touched, true, 1);
    f.Update(touched, std::vector<float>(x.size(), 0.0f), 1);
    EXPECT_FLOAT_EQ(f.Gather(touched, false)[0], x[0] * 0.9f);
    EXPECT_FLOAT_EQ(f.Gather(other, false)[0], table ? before * 0.9f : before);
  }
}

TEST(Embedding, SavedLoadedAndContinuedGivesTheSameBits) {
  for (const char* optimizer :
       {"adam { lr: 0.01 }", "adagrad { lr: 0.1 }", "ftrl { lr: 0.1 l1: 0.001 }", "sgd { lr: 0.1 }"}) {
    const bool ftrl = std::string(optimizer).substr(0, 4) == "ftrl";
    const std::string more =
        absl::StrCat("embedding { min_count: 2 id_dropout: 0.1 ", ftrl ? "" : "weight_decay: 0.01 ",
                     "optimizer { ", optimizer, " } }");
    Fixture whole(more), first(more), second(more);
    const std::string path = testing::TempDir() + "/embedding_test.bin";
    for (int step = 1; step <= 6; ++step) whole.Step(RandomBatch(whole.schema, 60, step), step);
    for (int step = 1; step <= 3; ++step) first.Step(RandomBatch(first.schema, 60, step), step);
    FileSystem& fs = FileSystem::Default();
    ASSERT_TRUE(first.layer->Save(fs, path, "id").ok());
    const absl::Status loaded = second.layer->Load(fs, path, "id", EmbeddingLoad::kResume);
    ASSERT_TRUE(loaded.ok()) << loaded;
    for (int step = 4; step <= 6; ++step) second.Step(RandomBatch(second.schema, 60, step), step);
    const Batch probe = RandomBatch(whole.schema, 200, 77);
    EXPECT_EQ(whole.Gather(probe, true, 7), second.Gather(probe, true, 7)) << optimizer;
  }
}

// Of a checkpoint: what EmbeddingLayer reads, what a bundle of it serves, and what training would read next.
TEST(Embedding, ScoringReadsWhatTrainingWouldRead) {
  Fixture f("embedding { weight_decay: 0.05 optimizer { adagrad { lr: 0.1 } } }");
  for (int step = 1; step <= 5; ++step) f.Step(RandomBatch(f.schema, 20, step), step);
  FileSystem& fs = FileSystem::Default();
  const Batch probe = RandomBatch(f.schema, 100, 1);
  const std::string path = testing::TempDir() + "/embedding_scoring.bin";
  ASSERT_TRUE(f.layer->Save(fs, path, "id").ok());
  EmbeddingLayer scoring(f.experiment, f.schema,
                         MakeLocalRowStore(f.experiment, f.schema, /*trained=*/false));
  ASSERT_TRUE(scoring.Load(fs, path, "id", EmbeddingLoad::kServed).ok());
  std::vector<float> read(static_cast<size_t>(probe.rows()) * f.width()), served(read.size());
  BatchRows rows;
  ASSERT_TRUE(scoring.Lookup(probe, &rows).ok());
  scoring.Gather(probe, rows, 0, {read.data(), probe.rows(), f.width(), f.width()}, {});

  const Kernels& kernels = *FindKernels("auto").value();
  const absl::StatusOr<ServingTables> from_run = ServingTables::Load(
      fs, path, "id", f.schema, f.layer->dim(), /*linear=*/false, Precision::kF32, kernels);
  ASSERT_TRUE(from_run.ok()) << from_run.status();
  ASSERT_TRUE(from_run->Save(fs, path, "bundle").ok());
  const absl::StatusOr<ServingTables> bundle = ServingTables::Load(
      fs, path, "bundle", f.schema, f.layer->dim(), /*linear=*/false, Precision::kF32, kernels);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  GatherScratch scratch;
  bundle->Gather(probe, 0, {served.data(), probe.rows(), f.width(), f.width()}, nullptr, &scratch);
  EXPECT_EQ(read, served) << "a bundle serves what the run's checkpoint serves";
  EXPECT_NE(read, f.Gather(probe, false)) << "decay was pending";
}

TEST(Embedding, AnotherModelsFileIsRefused) {
  Fixture f;
  f.Step(RandomBatch(f.schema, 20, 1), 1);
  FileSystem& fs = FileSystem::Default();
  const std::string path = testing::TempDir() + "/embedding_other.bin";
  ASSERT_TRUE(f.layer->Save(fs, path, "one").ok());
  EmbeddingLayer other(f.experiment, f.schema, MakeLocalRowStore(f.experiment, f.schema, /*trained=*/false));
  EXPECT_EQ(other.Load(fs, path, "two", EmbeddingLoad::kServed).code(), absl::StatusCode::kDataLoss);
}

TEST(Embedding, AGradientThatIsNotFiniteIsAnError) {
  Fixture f;
  const Batch batch = RandomBatch(f.schema, 4, 1);
  std::vector<float> d_x = f.Gather(batch, true);
  d_x[5] = std::nanf("");
  EmbeddingGradients gradients;
  gradients.d_x = {d_x.data(), batch.rows(), f.width(), f.width()};
  const absl::Status status = f.layer->Update(batch, f.rows, gradients, 1, 1, 1, &f.workers);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(std::string(status.message()).find("'item'"), std::string::npos) << status;
}

// Ids of the batch that finds room may go beyond; after it nothing grows, counted ids neither.
TEST(Embedding, AFullLayerServesNewIdsByTheOovRow) {
  for (const char* more : {"", "embedding { min_count: 2 }"}) {
    for (const int threads : {1, 3}) {
      Fixture f(more, threads);
      f.layer->set_max_rows(10);
      f.Step(RandomBatch(f.schema, 50, 1), 1);
      const int64_t rows = *f.layer->rows();
      const int64_t bytes = f.layer->store().State()->bytes;
      EXPECT_EQ(f.layer->ids_refused(), 0);
      EXPECT_GE(rows, *more == 0 ? 10 : 1);
      for (int step = 2; step < 5; ++step) f.Step(RandomBatch(f.schema, 50, step), step);
      EXPECT_EQ(*f.layer->rows(), rows);
      EXPECT_EQ(f.layer->store().State()->bytes, bytes);
      EXPECT_GT(f.layer->ids_refused(), 0);
    }
  }
}

}  // namespace
}  // namespace tandem
