// Local tables as a store: admission, rows in place, what goes to and from checkpoints.
#include "src/embedding/local_row_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/embedding/key_places.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

constexpr char kStudent[] = "method: STUDENT_ALONE student { mlp { hidden: 8 } }";

// Asks for some keys of table 0.
class KeysOfOneTable final : public RowDemand {
 public:
  KeysOfOneTable(std::vector<uint64_t> keys, std::vector<uint32_t> occurrences, int tables)
      : tables_(tables) {
    tables_[0].keys = std::move(keys);
    tables_[0].occurrences = std::move(occurrences);
  }
  TableRows* Keys(int table) override { return &tables_[table]; }
  void Found(int table) override { found.insert(table); }

  std::vector<TableRows>& rows() { return tables_; }

  std::set<int> found;

 private:
  std::vector<TableRows> tables_;
};

// The gradient of every row is 1 everywhere, but of the OOV row there is none.
class Ones final : public RowGradients {
 public:
  explicit Ones(int width) : width_(width) {}
  int64_t rows(int /*table*/) const override { return 0; }
  Kind Get(int /*table*/, uint32_t place, float* gradient) const override {
    if (place == 0) return Kind::kNone;
    std::fill_n(gradient, width_, 1.0f);
    return Kind::kFinite;
  }

 private:
  const int width_;
};

struct Fixture {
  explicit Fixture(const std::string& more)
      : experiment(SmallExperiment(kStudent, more)), schema(experiment), store(experiment, schema, true) {}

  KeysOfOneTable Admit(const std::vector<uint64_t>& keys, const std::vector<uint32_t>& occurrences,
                       int64_t max_rows = 0) {
    KeysOfOneTable demand(keys, occurrences, static_cast<int>(schema.tables().size()));
    EXPECT_TRUE(store.Admit({++step, max_rows, false}, &demand, &workers).ok());
    EXPECT_EQ(demand.found.size(), schema.tables().size());
    return demand;
  }

  proto::Experiment experiment;
  Schema schema;
  LocalRowStore store;
  Workers workers{1};
  int64_t step = 0;
};

TEST(LocalRowStore, TheFirstOccurrencesOfAKeyWaitTillItIsAdmitted) {
  Fixture f("embedding { min_count: 4 }");
  KeysOfOneTable first = f.Admit({11, 12, 13}, {2, 3, 9});
  EXPECT_EQ(first.rows()[0].waiting, (std::vector<uint32_t>{2, 3, 3}));
  EXPECT_FALSE(first.rows()[0].has_row(1));
  EXPECT_FALSE(first.rows()[0].has_row(2));
  EXPECT_TRUE(first.rows()[0].has_row(3));
  KeysOfOneTable second = f.Admit({11, 12, 13}, {4, 1, 1});
  EXPECT_EQ(second.rows()[0].waiting, (std::vector<uint32_t>{1, 0, 0}));
  for (const uint32_t place : {1u, 2u, 3u}) EXPECT_TRUE(second.rows()[0].has_row(place));
}

TEST(LocalRowStore, AFullStoreRefusesEveryOccurrenceOfANewKey) {
  Fixture f("");
  const int64_t oov_rows = static_cast<int64_t>(f.schema.tables().size());
  f.Admit({1, 2}, {1, 1});
  KeysOfOneTable full = f.Admit({1, 3}, {5, 7}, /*max_rows=*/oov_rows + 2);
  EXPECT_EQ(full.rows()[0].refused, 7);
  EXPECT_EQ(full.rows()[0].waiting, (std::vector<uint32_t>{0, 7}));
  EXPECT_EQ(f.store.State()->tables[0].rows, 3);
}

TEST(LocalRowStore, ARowIsReadWhereItLies) {
  Fixture f("embedding { optimizer { sgd { lr: 0.5 } } }");
  KeysOfOneTable demand = f.Admit({7, 8}, {1, 1});
  const float* const row = demand.rows()[0].rows[1];
  const float before = row[0];
  ASSERT_TRUE(f.store.Learn({f.step, 1, 1}, demand.rows(), Ones(f.store.shape().width), &f.workers).ok());
  EXPECT_EQ(row[0], before - 0.5f) << "what is learned is seen through a pointer that was handed out";
  std::vector<TableRows> read(f.schema.tables().size());
  read[0].keys = {9, 7};
  ASSERT_TRUE(f.store.Read(absl::MakeSpan(read)).ok());
  EXPECT_EQ(read[0].rows[2], row);
  EXPECT_FALSE(read[0].has_row(1));
}

TEST(LocalRowStore, WhatIsExportedFillsAnotherStore) {
  for (const char* more : {"embedding { min_count: 2 weight_decay: 0.1 optimizer { adam { lr: 0.1 } } }",
                           "embedding { min_count: 2 slow_copy { decay: 0.9 } }"}) {
    Fixture from(more), to(more);
    KeysOfOneTable demand = from.Admit({3, 1, 2}, {2, 1, 3});
    ASSERT_TRUE(
        from.store.Learn({1, 1, 1}, demand.rows(), Ones(from.store.shape().width), &from.workers).ok());
    const auto copy = [](const LocalRowStore& store, const std::function<void(const RowBlock&)>& take) {
      ASSERT_TRUE(store
                      .Export(0,
                              [&](const RowBlock& block) {
                                take(block);
                                return absl::OkStatus();
                              })
                      .ok());
    };
    copy(from.store, [&](const RowBlock& block) { EXPECT_TRUE(to.store.Import(0, block).ok()); });
    ASSERT_TRUE(to.store.Restore(*from.store.State()).ok());
    EXPECT_EQ(*to.store.Keys(0, std::numeric_limits<int64_t>::max()), (std::vector<uint64_t>{2, 3}));
    EXPECT_EQ(to.store.State()->tables[0].pending, 1);
    EXPECT_EQ(to.store.State()->step, 1);
    EXPECT_EQ(to.store.State()->decay_log, from.store.State()->decay_log);
    std::vector<float> floats[2];
    std::vector<uint32_t> words[2];
    for (const bool second : {false, true}) {
      copy(second ? to.store : from.store, [&](const RowBlock& block) {
        floats[second].insert(floats[second].end(), block.floats.begin(), block.floats.end());
        for (const auto& of : {block.updates, block.last_steps, block.counts, block.last_days})
          words[second].insert(words[second].end(), of.begin(), of.end());
      });
    }
    EXPECT_EQ(floats[0], floats[1]);
    EXPECT_EQ(words[0], words[1]);
    EXPECT_EQ(floats[0].size(), 3u * from.store.shape().whole_floats());
  }
}

TEST(KeyPlaces, DistinctKeysHavePlacesInTheOrderInWhichTheyCome) {
  std::vector<uint32_t> scratch;
  for (int round = 0; round < 2; ++round) {  // with used scratch, too
    std::vector<uint64_t> distinct;
    KeyPlaces places(&scratch, 1000);
    for (uint64_t i = 0; i < 1000; ++i)
      ASSERT_EQ(places.Of((i % 300) << (i % 300 % 50), &distinct),
                places.Of((i % 300) << (i % 300 % 50), &distinct));
    EXPECT_EQ(std::set<uint64_t>(distinct.begin(), distinct.end()).size(), distinct.size());
    EXPECT_EQ(places.Of(0, &distinct), 1u);
  }
}

}  // namespace
}  // namespace tandem
