// One table of rows: finding, inserting, visiting, memory.
#include "src/embedding/embedding_table.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "tandem/random.h"

namespace tandem {
namespace {

uint64_t KeyOf(uint64_t i) { return Random(7, RandomPurpose::kSynthetic, {}).Bits(i); }

TEST(EmbeddingTable, BeginsWithAZeroOovRow) {
  const EmbeddingTable table({/*width=*/3, /*slots=*/1, false, false});
  EXPECT_EQ(table.rows(), 1);
  EXPECT_EQ(table.Find(KeyOf(1)), EmbeddingTable::kOovRow);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(table.row(EmbeddingTable::kOovRow)[i], 0);
}

TEST(EmbeddingTable, RowsNeverMoveWhileTheTableGrows) {
  EmbeddingTable table({/*width=*/5, /*slots=*/2, true, true});
  std::map<uint64_t, float*> places;
  for (uint64_t i = 0; i < 50000; ++i) {
    const uint32_t row = table.Insert(KeyOf(i));
    table.row(row)[4] = static_cast<float>(i);
    table.updates(table.row(row)) = static_cast<uint32_t>(i);
    places[KeyOf(i)] = table.row(row);
  }
  EXPECT_EQ(table.rows(), 50001);
  for (uint64_t i = 0; i < 50000; ++i) {
    const uint32_t row = table.Find(KeyOf(i));
    ASSERT_EQ(table.row(row), places[KeyOf(i)]) << i;
    ASSERT_EQ(table.row(row)[4], static_cast<float>(i));
    ASSERT_EQ(table.updates(table.row(row)), i);
  }
}

// Words and floats of a row, and of its neighbours, don't touch.
TEST(EmbeddingTable, ARowsWordsLieBesideItsFloats) {
  for (const int width : {1, 3, 4, 15, 16, 17}) {
    EmbeddingTable table({width, /*slots=*/2, /*extra=*/0, true, true, true});
    const auto value = [&](uint32_t row, int i) { return static_cast<float>(row * 1000 + i); };
    for (uint64_t i = 0; i < 20000; ++i) {
      const uint32_t row = table.Insert(KeyOf(i));
      for (int j = 0; j < 3 * width; ++j) {
        ASSERT_EQ(table.row(row)[j], 0) << "a new row";
        table.row(row)[j] = value(row, j);
      }
      ASSERT_EQ(
          table.updates(table.row(row)) + table.last_step(table.row(row)) + table.scratch(table.row(row)), 0u)
          << "a new row";
      table.updates(table.row(row)) = 3 * row;
      table.last_step(table.row(row)) = 3 * row + 1;
      table.scratch(table.row(row)) = 3 * row + 2;
    }
    for (uint32_t row = 1; row < table.rows(); ++row) {
      for (int j = 0; j < 3 * width; ++j) ASSERT_EQ(table.row(row)[j], value(row, j)) << row << " " << j;
      ASSERT_EQ(table.updates(table.row(row)), 3 * row);
      ASSERT_EQ(table.last_step(table.row(row)), 3 * row + 1);
      ASSERT_EQ(table.scratch(table.row(row)), 3 * row + 2);
    }
  }
}

// The steady state of training: floats and words of a row, and an entry of the index.
TEST(EmbeddingTable, ARowOfAdamAndItsIndexTakeLessThan250Bytes) {
  EmbeddingTable table({/*width=*/17, /*slots=*/2, true, false, true});
  for (uint64_t i = 0; i < 200000; ++i) table.Insert(KeyOf(i));
  EXPECT_LT(table.bytes(), 200000 * 250);
}

// Keys that aren't hashes, as a test or a tool may have them, don't collide.
TEST(EmbeddingTable, FindsAnyKeys) {
  EmbeddingTable table({/*width=*/1, 0, false, false});
  const auto key_of = [](uint64_t i) { return i % 2 == 0 ? i : ~i; };
  constexpr uint64_t kKeys = 100000;
  for (uint64_t i = 0; i < kKeys; ++i) ASSERT_EQ(table.Insert(key_of(i)), i + 1);
  for (uint64_t i = 0; i < kKeys; ++i) {
    table.PrefetchKey(key_of(i));
    ASSERT_EQ(table.Find(key_of(i)), i + 1);
    ASSERT_EQ(table.Find(key_of(i + kKeys)), EmbeddingTable::kOovRow);
  }
}

TEST(EmbeddingTable, InsertingAgainGivesTheSameRow) {
  EmbeddingTable table({/*width=*/1, 0, false, false});
  const uint32_t row = table.Insert(KeyOf(3));
  EXPECT_EQ(table.Insert(KeyOf(3)), row);
  EXPECT_EQ(table.rows(), 2);
}

TEST(EmbeddingTable, PendingKeysAreCountedAndHaveNoRow) {
  EmbeddingTable table({/*width=*/1, 0, false, false});
  uint32_t count = 0;
  EXPECT_EQ(table.Count(KeyOf(1), 1, &count), EmbeddingTable::kOovRow);
  EXPECT_EQ(table.Count(KeyOf(1), 1, &count), EmbeddingTable::kOovRow);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(table.pending(), 1);
  EXPECT_EQ(table.Find(KeyOf(1)), EmbeddingTable::kOovRow);
  const uint32_t row = table.Insert(KeyOf(1));
  EXPECT_NE(row, EmbeddingTable::kOovRow);
  EXPECT_EQ(table.pending(), 0);
  EXPECT_EQ(table.Count(KeyOf(1), 1, &count), row);
}

TEST(EmbeddingTable, VisitsKeysInOrderWhateverTheOrderOfInsertion) {
  std::vector<uint64_t> orders[2];
  for (const bool backwards : {false, true}) {
    EmbeddingTable table({/*width=*/1, 0, false, false});
    uint32_t count = 0;
    for (uint64_t i = 0; i < 1000; ++i) {
      const uint64_t key = KeyOf(backwards ? 999 - i : i);
      if (key % 3 == 0) {
        table.Count(key, 1, &count);
      } else {
        table.Insert(key);
      }
    }
    std::vector<uint64_t>& visited = orders[backwards ? 1 : 0];
    table.VisitInOrder([&](uint64_t key, uint32_t row) { visited.push_back(key + (row == 0 ? 1 : 0)); },
                       [&](uint64_t key, uint32_t pending) { visited.push_back(key + pending); });
    EXPECT_EQ(visited.size(), 1000u);
  }
  EXPECT_EQ(orders[0], orders[1]);
}

// Against a map, over days on which ids come, are read again, and go.
TEST(EmbeddingTable, WhatIsDroppedIsGoneAndAllElseStaysAsItIs) {
  EmbeddingTable table({/*width=*/3, /*slots=*/1, 0, true, false, false, /*days=*/true});
  struct Kept {
    bool row;
    uint32_t value, day;
  };
  std::map<uint64_t, Kept> kept;
  const Random random(11, RandomPurpose::kSynthetic, {});
  uint64_t draws = 0;
  std::vector<int64_t> bytes;
  for (uint32_t day = 10; day < 60; ++day) {
    for (int i = 0; i < 3000; ++i) {
      const auto id = static_cast<uint64_t>((day + random.UniformDouble(draws++)) * 2000);
      const uint64_t key = KeyOf(id);
      const bool has_row = random.UniformDouble(draws++) < 0.7 || (kept.count(key) > 0 && kept[key].row);
      if (has_row) {
        const int64_t rows = table.rows();
        float* const row = table.row(table.Insert(key));
        if (table.rows() > rows) {
          for (int j = 0; j < 6; ++j) ASSERT_EQ(row[j], 0) << "a new row";
          ASSERT_EQ(table.updates(row), 0u) << "a new row";
        }
        row[5] = static_cast<float>(id);
        table.updates(row) = static_cast<uint32_t>(i);
      } else {
        table.SetPending(key, static_cast<uint32_t>(i));
      }
      // Some days are not known.
      const uint32_t noted = id % 50 == 0 && kept.count(key) == 0 ? 0 : day;
      table.RaiseDay(key, noted);
      kept[key] = {has_row, static_cast<uint32_t>(i), noted == 0 ? 0 : day};
    }
    table.RaiseDay(KeyOf(1) ^ 1, day);  // a key that isn't there stays away
    int64_t gone = 0;
    for (auto entry = kept.begin(); entry != kept.end();) {
      if (entry->second.day == 0) entry->second.day = day;
      const bool goes = entry->second.day < day - 3;
      gone += goes ? 1 : 0;
      entry = goes ? kept.erase(entry) : std::next(entry);
    }
    ASSERT_EQ(table.DropBefore(day - 3, /*unknown=*/day), gone);
    ASSERT_EQ(table.rows() - 1 + table.pending(), static_cast<int64_t>(kept.size()));
    size_t visited = 0;
    table.VisitInOrder(
        [&](uint64_t key, uint32_t row) {
          const Kept& expected = kept.at(key);
          EXPECT_TRUE(expected.row);
          EXPECT_EQ(table.Find(key), row);
          EXPECT_EQ(table.updates(table.row(row)), expected.value);
          EXPECT_EQ(table.Day(key), expected.day);
          ++visited;
        },
        [&](uint64_t key, uint32_t count) {
          EXPECT_FALSE(kept.at(key).row);
          EXPECT_EQ(count, kept.at(key).value);
          EXPECT_EQ(table.Day(key), kept.at(key).day);
          ++visited;
        });
    ASSERT_EQ(visited, kept.size());
    bytes.push_back(table.bytes());
  }
  for (size_t i = 20; i < bytes.size(); ++i) EXPECT_NEAR(bytes[i], bytes[19], 0.05 * bytes[19]) << i;
  table.DropBefore(1000, 60);
  EXPECT_EQ(table.rows(), 1);
  EXPECT_EQ(table.pending(), 0);
  EXPECT_LT(table.bytes(), 10000);
}

}  // namespace
}  // namespace tandem
