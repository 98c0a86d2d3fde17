// What the texts of a row's cells mean, and how faults are told, without a format.
#include "src/data/text_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/data/text_lists.h"
#include "tandem/experiment.pb.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Cells in the order of kColumns; one that begins with '[' is a list by its own word.
const std::vector<std::string>& Columns() {
  static const std::vector<std::string> columns = {"label", "weight", "group", "user",
                                                   "age",   "tags",   "when",  "last"};
  return columns;
}

struct TestCells {
  std::vector<std::string> texts;
  TextLists lists{'|', ':'};

  absl::string_view Text(int column) const { return texts[column]; }
  size_t Readable(int column) const { return texts[column].size(); }
  bool IsList(int column) const { return texts[column].substr(0, 1) == "["; }
  template <typename F>
  RowFault ForEachItem(int column, bool weighted, const F& item) const {
    return lists.ForEachItem(texts[column], weighted, item);
  }
  template <typename F>
  void ForEachFromLast(int column, const F& id) const {
    lists.ForEachFromLast(texts[column], id);
  }
  std::string WeightSyntax() const { return lists.WeightSyntax(); }
};

class TextCellsTest : public testing::Test {
 protected:
  explicit TextCellsTest(const std::string& data = "missing_value: 'NA'")
      : schema_(ExperimentOf(absl::StrCat(
            "data { path: 'unused' weight_column: 'weight' group_column: 'group' key_columns: 'user' ", data,
            R"( } feature { name: "user" sparse {} } feature { name: "age" dense { max_magnitude: 1000 } }
        feature { name: "tags" sparse { weighted: true } }
        feature { name: "hour" column: "when" time { part: HOUR } }
        feature { name: "last" sparse { sequence { max_length: 2 } table: "user" } }
        model { teacher { interaction { transformer { sequence: "last" target: "user" } } mlp { hidden: 4 } }
                student { mlp { hidden: 2 } } })"))) {}

  TextCells Create(const RowNeeds& needs = {RowUse::kTrain}) {
    absl::StatusOr<TextCells> cells =
        TextCells::Create(schema_, needs, [](const std::string& column, absl::string_view why) {
          return FindNamed(column, why, Columns(), "log");
        });
    EXPECT_TRUE(cells.ok()) << cells.status();
    return *std::move(cells);
  }
  // The row's fault and what is said of it; "" for a row.
  std::string Fault(const std::vector<std::string>& texts) {
    Batch batch(static_cast<int>(schema_.fields().size()));
    RowWriter writer(&batch);
    std::string detail;
    const RowFault fault = Create().EncodeRow(TestCells{texts}, &writer, &detail);
    EXPECT_EQ(batch.rows(), fault == RowFault::kNone ? 1 : 0) << "a row that is dropped leaves nothing";
    for (const FieldBags& field : batch.fields) EXPECT_EQ(field.keys.size(), field.offsets.back());
    return fault == RowFault::kNone ? "" : absl::StrCat(RowFaultName(fault), ": ", detail);
  }
  // A good row but for the cell of one column.
  std::string FaultOf(const std::string& column, const std::string& text) {
    std::vector<std::string> texts = {"1", "0.5", "g", "u17", "37", "a:3|b:1", "2016-03-27 05:53:11", "x|y"};
    for (size_t c = 0; c < texts.size(); ++c) {
      if (Columns()[c] == column) texts[c] = text;
    }
    return Fault(texts);
  }

  const Schema schema_;
};

TEST_F(TextCellsTest, EveryCellIsReadForWhatItsColumnIs) {
  const TextCells cells = Create();
  Batch batch(static_cast<int>(schema_.fields().size()));
  RowWriter writer(&batch);
  const TestCells row{{"1", "0.5", "g", "u17", "37", "a:3|b:1", "2016-03-27 05:53:11", "x|y|z"}};
  ASSERT_EQ(cells.EncodeRow(row, &writer, nullptr), RowFault::kNone);
  EXPECT_THAT(batch.labels, ElementsAre(1));
  EXPECT_THAT(batch.weights, ElementsAre(0.5f));
  EXPECT_NE(batch.groups[0], 0u);
  const auto key = [&](int f, const char* id) { return schema_.Key(schema_.fields()[f].table, id); };
  EXPECT_THAT(batch.fields[0].keys, ElementsAre(key(0, "u17")));
  EXPECT_THAT(batch.fields[1].coefficients, ElementsAre(37));
  EXPECT_THAT(batch.fields[2].keys, ElementsAre(key(2, "a"), key(2, "b")));
  EXPECT_THAT(batch.fields[2].coefficients, ElementsAre(0.75f, 0.25f));
  EXPECT_THAT(batch.fields[3].keys, ElementsAre(key(3, "5"))) << "the hour";
  EXPECT_THAT(batch.fields[4].keys, ElementsAre(key(4, "z"))) << "the last is the most recent";
  EXPECT_THAT(batch.fields[5].keys, ElementsAre(key(5, "y")));
}

TEST_F(TextCellsTest, AMissingTextIsAnEmptyCell) {
  for (const char* const column : {"group", "user", "age", "tags", "when", "last"}) {
    EXPECT_EQ(FaultOf(column, ""), "") << column;
    EXPECT_EQ(FaultOf(column, "NA"), "") << column;
  }
  const TextCells cells = Create();
  EXPECT_TRUE(cells.Missing("NA"));
  EXPECT_FALSE(cells.Missing("na"));
  EXPECT_FALSE(cells.ParseId<true>(cells.ids()[0], "NA").second);
  EXPECT_TRUE(cells.ParseId<true>(cells.ids()[0], "u17").second);
}

TEST_F(TextCellsTest, EveryFaultIsToldWithItsCell) {
  EXPECT_THAT(FaultOf("label", "2"), HasSubstr("label: label '2' is not 0 or 1"));
  EXPECT_THAT(FaultOf("label", ""), HasSubstr("data.unlabelled"));
  EXPECT_THAT(FaultOf("weight", "-1"), HasSubstr("weight: weight '-1' is not a finite number of 0 or more"));
  EXPECT_THAT(FaultOf("weight", ""), HasSubstr("weight: "));
  EXPECT_THAT(FaultOf("age", "old"), HasSubstr("number: 'old' in 'age' is not a number"));
  EXPECT_THAT(FaultOf("age", "inf"), HasSubstr("not finite: 'inf' in 'age' is not a finite number"));
  EXPECT_THAT(FaultOf("age", "1001"), HasSubstr("magnitude: '1001' in 'age'"));
  EXPECT_THAT(FaultOf("tags", "a:0"),
              HasSubstr("weight: item 'a:0' of 'tags' has no finite positive weight"));
  EXPECT_THAT(FaultOf("tags", "a"), HasSubstr("(id:weight)"));
  EXPECT_THAT(FaultOf("when", "noon"), HasSubstr("time: 'noon' in 'when' is no time"));
  for (const char* const column : {"label", "group", "user"}) {
    EXPECT_EQ(FaultOf(column, "[1]"),
              absl::StrCat("syntax: '", column, "' holds a list where one value is wanted"));
  }
}

TEST_F(TextCellsTest, TheFirstFaultInTheOrderOfTheColumnsIsTheOneThatIsTold) {
  EXPECT_THAT(Fault({"x", "x", "g", "u", "x", "x", "x", ""}), HasSubstr("label: "));
  EXPECT_THAT(Fault({"1", "1", "g", "u", "x", "x", "x", ""}), HasSubstr("in 'age'"));
}

TEST_F(TextCellsTest, OnlyWhatIsNeededIsLookedFor) {
  std::vector<std::string> asked;
  const auto find = [&](const std::string& column, absl::string_view why) -> absl::StatusOr<int> {
    asked.push_back(absl::StrCat(column, " (", std::string(why), ")"));
    return static_cast<int>(asked.size()) - 1;
  };
  ASSERT_TRUE(TextCells::Create(schema_, {RowUse::kPredict}, find).ok());
  EXPECT_THAT(asked, ElementsAre("user (feature 'user')", "age (feature 'age')", "tags (feature 'tags')",
                                 "when (feature 'hour')", "last (feature 'last')"));
  asked.clear();
  ASSERT_TRUE(TextCells::Create(schema_, {RowUse::kTrain, /*keys=*/true, "when"}, find).ok());
  EXPECT_THAT(asked, testing::IsSupersetOf({"label (data.label)", "weight (data.weight_column)",
                                            "group (data.group_column)", "when (online.time_column)",
                                            "user (data.key_columns)"}));
}

TEST(FindNamedTest, AColumnIsThereOnceOrTheMessageSaysWhatElse) {
  const std::vector<std::string> columns = {"label", "user", "age", "user"};
  EXPECT_EQ(FindNamed("age", "feature 'age'", columns, "log").value(), 2);
  EXPECT_EQ(FindNamed("user", "feature 'user'", columns, "log").status().message(),
            "log: two columns are named 'user' (feature 'user')");
  EXPECT_EQ(FindNamed("lable", "data.label", columns, "log").status().message(),
            "log: no column 'lable' (data.label); did you mean 'label'?");
  EXPECT_THAT(std::string(FindNamed("label", "data.label", {"{\"label\":1}"}, "log").status().message()),
              HasSubstr("data.json_lines"));
}

TEST(ShownCellTest, ALongCellIsCutAndWhatATerminalWouldObeyIsShown) {
  EXPECT_EQ(ShownCell("a\x1b[2J"), "'a\\033[2J'");
  EXPECT_EQ(ShownCell(std::string(100, 'x')), absl::StrCat("'", std::string(40, 'x'), "...'"));
}

}  // namespace
}  // namespace tandem
