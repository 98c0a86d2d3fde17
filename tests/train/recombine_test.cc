// Rows that take each feature from one of two rows.
#include "src/train/recombine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "tests/support/allocation_counter.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

using testing::Each;

Random Draw(uint64_t step) { return Random(7, RandomPurpose::kRecombine, {step}); }

// Rows whose bags tell where they come from: key = 1000 * row + place, as many as row % 4, of each field.
Batch TellingBatch(int rows, int fields) {
  Batch batch(fields);
  for (int r = 0; r < rows; ++r) {
    batch.labels.push_back(static_cast<float>(r % 2));
    batch.weights.push_back(1 + r);
    batch.groups.push_back(r);
    for (FieldBags& bags : batch.fields) {
      for (int i = 0; i < r % 4; ++i) {
        bags.keys.push_back(1000 * r + i);
        bags.coefficients.push_back(static_cast<float>(r) + 0.1f * i);
      }
      bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
    }
  }
  return batch;
}

BatchRows TellingRows(const Batch& batch) {
  BatchRows rows;
  for (const FieldBags& bags : batch.fields) {
    rows.fields.emplace_back();
    for (const uint64_t key : bags.keys) rows.fields.back().push_back(static_cast<uint32_t>(key) + 5);
  }
  return rows;
}

TEST(Recombine, EveryFeatureComesWholeFromTheRowOrFromItsOnePartner) {
  constexpr int kRows = 203, kFields = 11;
  const Batch batch = TellingBatch(kRows, kFields);
  Recombined made;
  Recombine(batch, TellingRows(batch), Draw(1), 0.3, &made);
  ASSERT_EQ(made.batch.rows(), kRows);
  EXPECT_FALSE(made.batch.labelled());
  EXPECT_EQ(made.batch.weights, batch.weights);
  EXPECT_TRUE(made.batch.teacher_logits.empty());
  int told = 0, taken = 0;
  for (int r = 0; r < kRows; ++r) {
    EXPECT_TRUE(IsAbsent(made.batch.labels[r]));
    const int partner = made.partners[r];
    ASSERT_GE(partner, 0);
    ASSERT_LT(partner, kRows);
    for (int f = 0; f < kFields; ++f) {
      const FieldBags& bags = made.batch.fields[f];
      const uint32_t begin = bags.offsets[r], n = bags.offsets[r + 1] - begin;
      const int source = n == 0 ? -1 : static_cast<int>(bags.keys[begin] / 1000);
      if (n == 0) {
        ASSERT_TRUE(r % 4 == 0 || partner % 4 == 0);
        continue;
      }
      ASSERT_TRUE(source == r || source == partner) << r << " " << f;
      ASSERT_EQ(static_cast<int>(n), source % 4);
      for (uint32_t i = 0; i < n; ++i) {
        ASSERT_EQ(bags.keys[begin + i], 1000u * source + i);
        ASSERT_EQ(bags.coefficients[begin + i], static_cast<float>(source) + 0.1f * i);
        ASSERT_EQ(made.rows.fields[f][begin + i], 1000u * source + i + 5);
      }
      if (r % 4 == 0 || partner % 4 == 0 || partner == r) continue;
      ++told;
      taken += source == partner;
    }
  }
  const double deviation = std::sqrt(0.3 * 0.7 / told);
  EXPECT_NEAR(static_cast<double>(taken) / told, 0.3, 4 * deviation);
}

TEST(Recombine, SharesOfNoneAndAllAreTheRowAndItsPartner) {
  const Batch batch = TellingBatch(40, 3);
  const BatchRows rows = TellingRows(batch);
  Recombined made;
  Recombine(batch, rows, Draw(1), 0, &made);
  for (int f = 0; f < 3; ++f) {
    EXPECT_EQ(made.batch.fields[f].keys, batch.fields[f].keys);
    EXPECT_EQ(made.batch.fields[f].offsets, batch.fields[f].offsets);
    EXPECT_EQ(made.rows.fields[f], rows.fields[f]);
  }
  Recombine(batch, rows, Draw(1), 1, &made);
  for (int r = 0; r < 40; ++r) {
    const FieldBags& bags = made.batch.fields[2];
    EXPECT_EQ(static_cast<int>(bags.offsets[r + 1] - bags.offsets[r]), made.partners[r] % 4);
  }
}

TEST(Recombine, AShareOfAFieldsIdsIsHiddenInBothTables) {
  constexpr int kRows = 400;
  const Batch batch = TellingBatch(kRows, 3);
  const BatchRows rows = TellingRows(batch), others = TellingRows(batch);
  Recombined plain, made({}, {0, 0.4, 1});
  Recombine(batch, rows, Draw(1), 0.3, &plain);
  Recombine(batch, rows, Draw(1), 0.3, &made);
  BatchRows own;
  TakeRows(batch, others, made, &own);
  EXPECT_EQ(made.rows.fields[0], plain.rows.fields[0]);
  int hidden = 0;
  const std::vector<uint32_t>& some = made.rows.fields[1];
  for (size_t i = 0; i < some.size(); ++i) {
    if (some[i] == BatchRows::kOovRow) {
      ++hidden;
    } else {
      ASSERT_EQ(some[i], plain.rows.fields[1][i]) << "what isn't hidden is what it was";
    }
  }
  const auto ids = static_cast<double>(some.size());
  EXPECT_NEAR(hidden / ids, 0.4, 4 * std::sqrt(0.4 * 0.6 / ids));
  EXPECT_THAT(made.rows.fields[2], Each(BatchRows::kOovRow));
  for (int f = 0; f < 3; ++f) {
    EXPECT_EQ(own.fields[f], made.rows.fields[f]) << "the teacher and the student find other rows unknown";
    EXPECT_EQ(made.batch.fields[f].keys, plain.batch.fields[f].keys);
  }
}

TEST(Recombine, IdsAreHiddenButNotTheValuesOfNumbers) {
  const proto::Experiment experiment = ExperimentOf(R"(
    data { path: "log.tsv" }
    feature { name: "user" sparse {} }
    feature { name: "price" dense { transform: LOG1P } }
    feature { name: "age" dense { piecewise { knots: [18, 30, 50] } } }
    model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 4 } }
            distill { phase { recombined_batches: 1 recombined_unknown: 0.25 } } })");
  const Schema schema(experiment);
  const std::vector<double> shares = UnknownShares(experiment, schema);
  ASSERT_EQ(shares.size(), schema.fields().size());
  for (size_t f = 0; f < shares.size(); ++f)
    EXPECT_EQ(shares[f], schema.fields()[f].name == "user" ? 0.25 : 0) << schema.fields()[f].name;
}

TEST(Recombine, IsAFunctionOfItsRandomnessAndDrawsManyPartners) {
  const Batch batch = TellingBatch(200, 4);
  const BatchRows rows = TellingRows(batch);
  Recombined a, b, other;
  Recombine(TellingBatch(9, 4), TellingRows(TellingBatch(9, 4)), Draw(9), 0.5, &b);  // what is left over
  Recombine(batch, rows, Draw(1), 0.5, &a);
  Recombine(batch, rows, Draw(1), 0.5, &b);
  const int64_t before = AllocationCount();
  Recombine(batch, rows, Draw(2), 0.5, &b);
  Recombine(batch, rows, Draw(1), 0.5, &b);
  EXPECT_EQ(AllocationCount() - before, 0);
  Recombine(batch, rows, Draw(2), 0.5, &other);
  EXPECT_EQ(a.partners, b.partners);
  EXPECT_NE(a.partners, other.partners);
  for (int f = 0; f < 4; ++f) {
    EXPECT_EQ(a.batch.fields[f].keys, b.batch.fields[f].keys);
    EXPECT_EQ(a.batch.fields[f].coefficients, b.batch.fields[f].coefficients);
    EXPECT_EQ(a.batch.fields[f].offsets, b.batch.fields[f].offsets);
    EXPECT_EQ(a.rows.fields[f], b.rows.fields[f]);
  }
  EXPECT_NE(a.batch.fields[0].keys, a.batch.fields[1].keys) << "features are drawn together";
  // Of 200 draws with replacement 1 - 1/e are different.
  EXPECT_NEAR(std::set<int>(a.partners.begin(), a.partners.end()).size(), 200 * (1 - std::exp(-1)), 25);
}

}  // namespace
}  // namespace tandem
