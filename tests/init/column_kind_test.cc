// What a column is taken for, and the texts of the label, on made-up tables.
#include "src/init/column_kind.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/init/features.h"
#include "src/init/leak.h"
#include "tandem/random.h"
#include "tandem/status.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Cheap and even: the i-th of a stream.
uint64_t Draw(uint64_t stream, uint64_t i) {
  uint64_t x = (stream + 1) * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u;
  x ^= x >> 31;
  x *= 0x94d049bb133111ebu;
  return x ^ x >> 29;
}

using CellOf = std::function<std::string(int row)>;

int LabelOf(int row) { return Draw(99, row) % 4 == 0 ? 1 : 0; }

class ColumnKindTest : public SampleFilesTest {
 protected:
  // A log of the label and the columns.
  LogProfile Profile(const std::vector<std::pair<std::string, CellOf>>& columns, int rows = 2000,
                     const Label& label = {"label", {}, {}, ""}) {
    std::string text = "label";
    for (const auto& [name, cell] : columns) absl::StrAppend(&text, "\t", name);
    for (int row = 0; row < rows; ++row) {
      absl::StrAppend(&text, "\n", LabelOf(row));
      for (const auto& [name, cell] : columns) absl::StrAppend(&text, "\t", cell(row));
    }
    Dialect dialect;
    dialect.data.mutable_delimited();
    ProfileOptions options;
    options.label = label.column;
    options.positive = [&](absl::string_view cell) { return label.IsPositive(cell); };
    auto log = ProfileLog(FileSystem::Default(), dialect, {Write("log.tsv", text + "\n")}, options);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  // Of the one column.
  ColumnPlan PlanOf(const std::string& name, const CellOf& cell, const AskedColumns& asked = {},
                    int rows = 2000) {
    log_ = Profile({{name, cell}}, rows);
    plans_ = PlanColumns(log_, {"label", {}, {}, ""}, asked, false, {}).value();
    return plans_.columns[1];
  }
  std::string KindOf(const std::string& name, const CellOf& cell) {
    return KindName(PlanOf(name, cell).kind);
  }

  LogProfile log_;
  ColumnPlans plans_;
};

TEST_F(ColumnKindTest, TextsAreIdsAndNumbersAreNumbers) {
  EXPECT_EQ(KindOf("job", [](int row) { return absl::StrCat("job", Draw(1, row) % 9); }), "ids");
  EXPECT_EQ(KindOf("price", [](int row) { return absl::StrFormat("%.2f", Draw(1, row) % 1000 / 7.0); }),
            "number");
  EXPECT_EQ(KindOf("age", [](int row) { return absl::StrCat(18 + Draw(1, row) % 60); }), "number");
  EXPECT_EQ(KindOf("flag", [](int row) { return absl::StrCat(Draw(1, row) % 2); }), "ids");
}

TEST_F(ColumnKindTest, IntegersAreIdsByNameOrBecauseTheirOrderSaysNothing) {
  EXPECT_EQ(KindOf("site_id", [](int row) { return absl::StrCat(Draw(1, row) % 300); }), "ids");
  EXPECT_EQ(KindOf("siteId", [](int row) { return absl::StrCat(Draw(1, row) % 300); }), "ids");
  // The parity alone tells: neighbours say nothing of each other.
  const auto parity = [](int row) {
    return absl::StrCat(Draw(1, row) % 50 * 2 + (Draw(7, row) % 6 == 0 ? 1 - LabelOf(row) : LabelOf(row)));
  };
  EXPECT_EQ(KindOf("group", parity), "ids");
  const auto rising = [](int row) { return absl::StrCat(Draw(1, row) % 60 + 40 * LabelOf(row)); };
  EXPECT_EQ(KindOf("group", rising), "number");
  // Rises, and the parity tells as well.
  const auto both = [&](int row) {
    return absl::StrCat((Draw(1, row) % 30 + 15 * LabelOf(row)) * 2 +
                        (Draw(7, row) % 6 == 0 ? 1 - LabelOf(row) : LabelOf(row)));
  };
  EXPECT_EQ(KindOf("group", both), "number, ids");
  EXPECT_EQ(
      KindOf("serial", [](int row) { return absl::StrCat("9", 1000000000000000 + Draw(1, row) % 1000); }),
      "ids");
}

TEST_F(ColumnKindTest, MissingTextsOfNumbersAreNamed) {
  const ColumnPlan plan = PlanOf("income", [](int row) {
    return row % 10 == 0   ? "NA"
           : row % 10 == 1 ? "?"
           : row % 10 == 2 ? "unknown"
           : row % 10 == 3 ? ""
                           : absl::StrCat(row * 37 % 991, ".5");
  });
  EXPECT_EQ(plan.kind, ColumnKind::kNumber);
  EXPECT_THAT(plan.missing, ElementsAre("?", "NA", "unknown"));
  const ColumnPlan ids = PlanOf("job", [](int row) {
    return row % 3 == 0 ? "none" : row % 3 == 1 ? "NULL" : absl::StrCat("job", row % 7);
  });
  EXPECT_EQ(ids.kind, ColumnKind::kId);
  EXPECT_THAT(ids.missing, ElementsAre("NULL")) << "'none' may be an id";
}

TEST_F(ColumnKindTest, WhatCanNotTeachIsLeftOut) {
  EXPECT_EQ(KindOf("country", [](int) { return "DE"; }), "constant");
  EXPECT_EQ(KindOf("notes", [](int) { return ""; }), "empty");
  EXPECT_EQ(KindOf("request_id", [](int row) { return absl::StrCat("r", Draw(1, row)); }), "key");
  EXPECT_EQ(KindOf("row", [](int row) { return absl::StrCat(row); }), "key");
  EXPECT_EQ(KindOf("remark", [](int row) { return absl::StrCat("text ", Draw(1, row), " of one"); }),
            "all distinct");
  EXPECT_EQ(KindOf("", [](int row) { return absl::StrCat(row % 5); }), "unnamed");
  // All distinct, yet a number.
  EXPECT_EQ(KindOf("balance", [](int row) { return absl::StrFormat("%.4f", Draw(1, row) % 1000000 / 7.0); }),
            "number");
}

TEST_F(ColumnKindTest, AColumnThatTellsTheLabelIsLeftOutUnlessKept) {
  const CellOf status = [](int row) {
    return LabelOf(row) == 1 ? "Canceled" : Draw(1, row) % 2 == 0 ? "Out" : "Gone";
  };
  EXPECT_EQ(KindOf("status", status), "leak-like");
  EXPECT_EQ(KindOf("when",
                   [](int row) {
                     return LabelOf(row) == 1
                                ? absl::StrFormat("2017-11-%02d 10:00:00", Draw(1, row) % 28 + 1)
                                : "";
                   }),
            "leak-like");
  EXPECT_EQ(
      KindOf("score",
             [](int row) { return absl::StrFormat("%.3f", Draw(1, row) % 1000 / 1000.0 + LabelOf(row)); }),
      "leak-like");
  EXPECT_EQ(PlanOf("status", status, {{}, {"status"}, "", ""}).kind, ColumnKind::kId);
  EXPECT_EQ(PlanOf("status", status, {{"status"}, {}, "", ""}).kind, ColumnKind::kDropped);
}

TEST_F(ColumnKindTest, AGoodColumnIsNoLeak) {
  // Nine of ten rows.
  const CellOf good = [](int row) {
    return absl::StrCat(Draw(1, row) % 10 == 0 ? 1 - LabelOf(row) : LabelOf(row), "x");
  };
  EXPECT_EQ(KindOf("good", good), "ids");
  // Ids of a row or two know the label of these rows, and nothing of others.
  EXPECT_EQ(KindOf("user", [](int row) { return absl::StrCat("u", Draw(1, row / 2)); }), "ids");
}

TEST_F(ColumnKindTest, AnIdsRowsOfTheOtherHalfAreWhatItIsJudgedBy) {
  log_ = Profile({{"user", [](int row) { return absl::StrCat("u", row); }}});
  const OneColumnScore score = ScoreValues(*log_.Find("user"));
  EXPECT_NEAR(score.auc, 0.5, 0.05);
  EXPECT_LT(score.explained, 0.01);
}

TEST_F(ColumnKindTest, RareIdsThatTellNothingOfOtherRowsAreLeftOut) {
  const CellOf names = [](int row) { return absl::StrCat("name", Draw(5, row) % 400); };
  const ColumnPlan plan = PlanOf("surname", names);
  EXPECT_EQ(plan.kind, ColumnKind::kTellsNothing);
  EXPECT_THAT(plan.why, HasSubstr("which tell nothing of other rows' labels"));
  EXPECT_EQ(PlanOf("surname", names, {{}, {"surname"}, "", ""}).kind, ColumnKind::kId) << "asked for";
  EXPECT_EQ(PlanOf("surname", names, {{}, {}, "surname", ""}).kind, ColumnKind::kId) << "grouped by";
  EXPECT_EQ(PlanOf("user", names).kind, ColumnKind::kId) << "by its name";
  // Few ids have rows enough.
  EXPECT_EQ(PlanOf("town", [](int row) { return absl::StrCat("town", Draw(5, row) % 20); }).kind,
            ColumnKind::kId);
  // Rows of one id have one label more often than not.
  EXPECT_EQ(PlanOf("buyer",
                   [](int row) {
                     const int kind =
                         Draw(6, row) % 3 == 0 ? static_cast<int>(Draw(7, row) % 2) : LabelOf(row);
                     return absl::StrCat("user", kind, "-", Draw(5, row) % 200);
                   })
                .kind,
            ColumnKind::kId);
  // That there is none may tell.
  EXPECT_EQ(PlanOf("cabin",
                   [](int row) { return Draw(8, row) % 4 == 0 ? "" : absl::StrCat("c", Draw(5, row) % 300); })
                .kind,
            ColumnKind::kId);
}

TEST_F(ColumnKindTest, TimesGiveTheirHourAndWeekday) {
  const ColumnPlan plan = PlanOf("click_time", [](int row) {
    return absl::StrFormat("2017-11-%02d %02d:%02d:00", Draw(1, row) % 20 + 1, Draw(2, row) % 24,
                           Draw(3, row) % 60);
  });
  EXPECT_EQ(plan.kind, ColumnKind::kTime);
  std::vector<std::string> names;
  for (const PlannedFeature& feature : FeaturesOf(plans_, 8)) names.push_back(feature.feature.name());
  EXPECT_THAT(names, ElementsAre("click_time_hour", "click_time_weekday"));
  EXPECT_EQ(KindOf("ts", [](int row) { return absl::StrCat(978300000 + Draw(1, row) % 2000000); }), "time");
  EXPECT_EQ(KindOf("ts", [](int row) { return absl::StrCat(978300000 + Draw(1, row) % 2000000, "000"); }),
            "time");
  EXPECT_EQ(KindOf("amount", [](int row) { return absl::StrCat(Draw(1, row) % 2000000000); }), "number");
}

TEST_F(ColumnKindTest, CellsOfSeveralIdsAreLists) {
  const auto list = [](const std::string& separator) {
    return [separator](int row) {
      std::vector<std::string> ids;
      for (uint64_t i = 0; i <= Draw(1, row) % 3; ++i)
        ids.push_back(absl::StrCat("t", Draw(2 + i, row) % 12));
      return absl::StrJoin(ids, separator);
    };
  };
  EXPECT_EQ(KindOf("tags", list("|")), "id lists");
  EXPECT_EQ(KindOf("tags", list(",")), "id lists");
  EXPECT_EQ(plans_.list_separator, ',');
  // The few tags that every item has.
  EXPECT_EQ(KindOf("tags",
                   [](int row) {
                     return std::vector<std::string>{"a|b", "b|c", "c", "a|c|d"}[Draw(1, row) % 4];
                   }),
            "id lists");
  EXPECT_EQ(KindOf("job", [](int row) { return row % 2 == 0 ? "cook|clerk" : "smith"; }), "ids")
      << "no item comes again";
  EXPECT_EQ(KindOf("job", [](int row) { return row % 2 == 0 ? "cook, clerk" : "smith"; }), "ids")
      << "two texts, one with a comma";
  EXPECT_EQ(
      KindOf("w",
             [](int row) { return absl::StrCat("c", row % 7, ":", row % 5 + 1, "|d", row % 3, ":0.5"); }),
      "weighted ids");
}

TEST_F(ColumnKindTest, AHistoryOfAnotherColumnsIdsIsASequence) {
  log_ = Profile({{"movie", [](int row) { return absl::StrCat("m", Draw(1, row) % 40); }},
                  {"recently_viewed", [](int row) {
                     return absl::StrCat("m", Draw(2, row) % 40, "|m", Draw(3, row) % 40, "|m",
                                         Draw(4, row) % 40);
                   }}});
  plans_ = PlanColumns(log_, {"label", {}, {}, ""}, {}, false, {}).value();
  EXPECT_EQ(plans_.columns[2].kind, ColumnKind::kSequence);
  EXPECT_EQ(plans_.columns[2].target, "movie");
}

TEST_F(ColumnKindTest, WhatIsAskedForMustBeThere) {
  log_ = Profile({{"user", [](int row) { return absl::StrCat(row % 9); }}});
  const Label label{"label", {}, {}, ""};
  EXPECT_THAT(std::string(PlanColumns(log_, label, {{"usr"}, {}, "", ""}, false, {}).status().message()),
              HasSubstr("did you mean 'user'"));
  EXPECT_EQ(ExitCode(PlanColumns(log_, label, {{}, {}, "session", ""}, false, {}).status()), kExitUsage);
  EXPECT_EQ(ExitCode(PlanColumns(log_, label, {{"user"}, {"user"}, "", ""}, false, {}).status()), kExitUsage);
  EXPECT_EQ(ExitCode(PlanColumns(log_, label, {{"label"}, {}, "", ""}, false, {}).status()), kExitUsage);
}

TEST_F(ColumnKindTest, NamesOfFeaturesAreWordsAndTheirOwn) {
  std::set<std::string> taken;
  EXPECT_EQ(FeatureName("emp.var.rate", &taken), "emp_var_rate");
  EXPECT_EQ(FeatureName("emp var rate", &taken), "emp_var_rate_2");
  EXPECT_EQ(FeatureName("user_id", &taken), "user_id");
  EXPECT_EQ(FeatureName("%%", &taken), "column");
}

// ---- the label

class InitLabelTest : public ColumnKindTest {
 protected:
  absl::StatusOr<Label> Choose(const std::vector<std::pair<std::string, CellOf>>& columns,
                               const AskedLabel& asked) {
    log_ = Profile(columns);
    log_.columns.erase(log_.columns.begin());  // without the one that Profile adds
    return ChooseLabel(log_, asked);
  }
};

CellOf Of(const std::vector<std::string>& texts) {
  return [texts](int row) { return texts[Draw(5, row) % texts.size()]; };
}

TEST_F(InitLabelTest, ZeroAndOneNeedNoTexts) {
  const auto label = Choose({{"x", Of({"a", "b", "c"})}, {"y", Of({"0", "1.0"})}}, {"y", {}});
  ASSERT_TRUE(label.ok()) << label.status();
  EXPECT_THAT(label->positive, IsEmpty());
  EXPECT_TRUE(label->IsPositive("1.0"));
  EXPECT_FALSE(label->IsPositive("0"));
}

TEST_F(InitLabelTest, TwoTextsAreToldApart) {
  EXPECT_THAT(Choose({{"y", Of({"no", "yes"})}}, {"y", {}})->positive, ElementsAre("yes"));
  EXPECT_THAT(Choose({{"y", Of({"no", "yes"})}}, {"y", {}})->negative, ElementsAre("no"));
  EXPECT_THAT(Choose({{"y", Of({"-1", "1"})}}, {"y", {}})->positive, ElementsAre("1"));
  EXPECT_THAT(Choose({{"y", Of({"false", "kept"})}}, {"y", {}})->positive, ElementsAre("kept"));
  const auto rarer = Choose({{"y", Of({"rest", "rest", "rest", "odd"})}}, {"y", {}});
  EXPECT_THAT(rarer->positive, ElementsAre("odd"));
  EXPECT_THAT(rarer->why, HasSubstr("guess"));
}

TEST_F(InitLabelTest, WhatIsAskedForIsFoundAsTheLogWritesIt) {
  const auto label = Choose({{"y", Of({" >50K", " <=50K"})}}, {"y", {">50K"}});
  ASSERT_TRUE(label.ok()) << label.status();
  EXPECT_THAT(label->positive, ElementsAre(" >50K"));
  EXPECT_THAT(label->negative, ElementsAre(" <=50K"));
  const auto stars = Choose({{"rating", Of({"1", "2", "3", "4", "5"})}}, {"rating", {"4", "5"}});
  EXPECT_THAT(stars->negative, ElementsAre("1", "2", "3"));
  EXPECT_EQ(ExitCode(Choose({{"y", Of({"a", "b"})}}, {"y", {"c"}}).status()), kExitUsage);
  EXPECT_THAT(std::string(Choose({{"y", Of({"a", "b", "c"})}}, {"y", {}}).status().message()),
              HasSubstr("'a', 'b', 'c'"));
}

TEST_F(InitLabelTest, WhatIsAskedForOfTooManyValuesIsNotPassedOverInSilence) {
  std::vector<std::string> towns;
  for (int town = 0; town < 60; ++town) towns.push_back(absl::StrCat("town", town));
  const auto message = [&](const AskedLabel& asked) {
    return std::string(Choose({{"y", Of(towns)}}, asked).status().message());
  };
  EXPECT_THAT(message({"y", {"town7"}}),
              testing::EndsWith("a column of 0 and 1 from 'town7' and the others"));
  EXPECT_THAT(message({"y", {}}), testing::EndsWith("a label has two classes"));
}

TEST_F(InitLabelTest, TheLikelyOneIsTakenByNameOrPlace) {
  EXPECT_EQ(Choose({{"x", Of({"0", "1"})}, {"Click", Of({"0", "1"})}, {"z", Of({"0", "1"})}}, {})->column,
            "Click");
  EXPECT_EQ(Choose({{"x", Of({"a", "b", "c"})}, {"z", Of({"0", "1"})}}, {})->column, "z");
  EXPECT_EQ(Choose({{"x", Of({"0", "1"})}, {"w", Of({"a", "b", "c"})}, {"z", Of({"0", "1"})}}, {})->column,
            "z");
  EXPECT_EQ(ExitCode(Choose({{"x", Of({"a", "b", "c"})}}, {}).status()), kExitUsage);
}

}  // namespace
}  // namespace tandem
