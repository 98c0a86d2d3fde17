// Rows of a chunk apart by whether they are held out.
#include "src/data/held_out.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/sample_format.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

class HeldOutRowsTest : public SampleFilesTest {};

// Rows in quotes, which the file marks, are told apart and decoded as those without.
TEST_F(HeldOutRowsTest, HeldOutRowsAndTheOthersAreAllRowsWhateverIsInThem) {
  const proto::Experiment experiment = ExperimentOf(
      "data { path: 'unused' key_columns: 'user' delimited { delimiter: ',' } max_bad_fraction: 1 }"
      "feature { name: 'user' sparse {} } feature { name: 'age' dense {} }"
      "model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } }");
  const Schema schema = WithSplitKeys(Schema(experiment));
  const auto format = MakeSampleFormat(experiment.data());
  for (const bool quotes : {false, true}) {
    std::string text = "label,user,age\n";
    for (int row = 0; row < 400; ++row) {
      const std::string user = absl::StrCat("u", row % 7 == 0 && quotes ? "," : "", row % 50);
      absl::StrAppend(&text, row % 2, quotes ? ",\"" : ",", user, quotes ? "\"," : ",",
                      row % 90 == 0 ? "old" : absl::StrCat(row), "\n");
    }
    const auto file = format->Open(FileSystem::Default(), Write("rows.csv", text)).value();
    const auto decoder =
        format->MakeDecoder(schema, {RowUse::kTrain, /*keys=*/true}, *file->head(), "rows").value();
    RawRows rows;
    ASSERT_TRUE(file->Read(1000, &rows).ok());
    ASSERT_EQ(rows.rows.size(), 400u);
    EXPECT_EQ(rows.marked, quotes);

    const RowChoice choice{RowChoice::kHeldOut, 0.25};
    Batch all(2), held_out(2);
    std::vector<BadRow> bad, bad_held_out;
    decoder->DecodeRows(rows, 0, 400, &all, &bad);
    ASSERT_EQ(bad.size(), 5u);
    HeldOutRows split;
    split.Decode(*decoder, /*by_keys=*/true, choice, rows, 0, 400, &held_out, &bad_held_out);
    Batch learned = all;
    const int64_t removed = split.Remove(*decoder, /*by_keys=*/true, choice, rows, 0, 400, bad, &learned);
    EXPECT_EQ(removed, held_out.rows());
    EXPECT_EQ(learned.rows() + held_out.rows(), 395);
    EXPECT_GT(held_out.rows(), 20);
    EXPECT_LT(held_out.rows(), 250);
    for (const BadRow& row : bad_held_out) {
      EXPECT_EQ(row.row % 90, 0) << "numbered as in the chunk";
      EXPECT_EQ(row.fault, RowFault::kNumber);
    }
    // Merged by their ages, which are their numbers, they are the rows.
    const std::vector<std::string> wanted = RowTexts(all), kept = RowTexts(learned), out = RowTexts(held_out);
    size_t k = 0, o = 0;
    for (const std::string& row : wanted) {
      if (k < kept.size() && kept[k] == row) {
        ++k;
      } else {
        ASSERT_LT(o, out.size());
        EXPECT_EQ(out[o++], row);
      }
    }
    EXPECT_EQ(k, kept.size());
    EXPECT_EQ(o, out.size());
  }
}

}  // namespace
}  // namespace tandem
