// Schema: what the configuration says of the columns.
#include "tandem/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "src/data/id_hash.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

using testing::ElementsAre;

Schema SchemaOf(const std::string& text) {
  return Schema(ExperimentOf(
      absl::StrCat(text, " model { teacher { mlp { hidden: 4 } } student { mlp { hidden: 2 } } }")));
}

std::vector<std::string> TableNames(const Schema& schema) {
  std::vector<std::string> names;
  for (const TableInfo& table : schema.tables()) names.push_back(table.name);
  return names;
}

TEST(SchemaTest, FieldsComeInTheOrderOfTheFeaturesWithoutTheDroppedOnes) {
  const Schema schema = SchemaOf(R"(
    data { path: "unused" }
    feature { name: "a" sparse {} } feature { name: "b" column: "B" dense {} } feature { name: "c" sparse {} }
    feature { name: "d" sparse { weighted: true } }
    drop_feature: "c")");
  ASSERT_EQ(schema.fields().size(), 3u);
  EXPECT_EQ(schema.fields()[0].name, "a");
  EXPECT_EQ(schema.fields()[0].column, "a");
  EXPECT_EQ(schema.fields()[0].kind, FieldKind::kSparse);
  EXPECT_EQ(schema.fields()[1].name, "b");
  EXPECT_EQ(schema.fields()[1].column, "B");
  EXPECT_EQ(schema.fields()[1].kind, FieldKind::kDense);
  EXPECT_TRUE(schema.fields()[2].weighted);
  EXPECT_TRUE(schema.fields()[2].multi_valued) << "weighted implies multi-valued";
}

TEST(SchemaTest, ASequenceIsAFieldAPlaceBehindTheOtherFields) {
  const std::string text = R"(
    data { path: "unused" }
    feature { name: "history" column: "h" sparse { sequence { max_length: 3 } table: "item" } }
    feature { name: "item" sparse {} }
    model { teacher { interaction { transformer { sequence: "history" target: "item" } } } )";
  const auto names = [](const Schema& schema) {
    std::vector<std::string> names;
    for (const Field& field : schema.fields()) names.push_back(field.name);
    return names;
  };
  const Schema schema(ExperimentOf(text + "student { mlp { hidden: 2 } } }"));
  EXPECT_THAT(names(schema), ElementsAre("item", "history[0]", "history[1]", "history[2]"));
  EXPECT_THAT(TableNames(schema), ElementsAre("item"));
  EXPECT_EQ(schema.fields()[3].column, "h");
  EXPECT_EQ(schema.fields()[3].sequence, "history");
  EXPECT_EQ(schema.fields()[3].place, 2);
  EXPECT_TRUE(schema.fields()[3].teacher_only) << "no transformer of the student reads it";
  EXPECT_FALSE(schema.fields()[0].teacher_only);

  const Schema alone(ExperimentOf(text + "method: STUDENT_ALONE student { mlp { hidden: 2 } } }"));
  EXPECT_THAT(names(alone), ElementsAre("item"));
  const Schema reader(ExperimentOf(text + R"(method: STUDENT_ALONE student {
      interaction { transformer { sequence: "history" target: "item" } } } })"));
  EXPECT_EQ(reader.fields().size(), 4u);
}

TEST(SchemaTest, FeaturesMayShareATable) {
  const Schema schema = SchemaOf(R"(
    data { path: "unused" }
    feature { name: "query" sparse { table: "word" } } feature { name: "user" sparse {} }
    feature { name: "title" sparse { table: "word" multi_valued: true } } feature { name: "age" dense {} })");
  EXPECT_THAT(TableNames(schema), ElementsAre("word", "user", "age"));
  EXPECT_EQ(schema.fields()[0].table, schema.fields()[2].table);
  EXPECT_TRUE(schema.tables()[0].ids);
  EXPECT_FALSE(schema.tables()[2].ids) << "a dense field's table holds its keys from the first step";
}

TEST(SchemaTest, AKeyIsTheIdsHashSeededByTheTablesName) {
  const Schema schema = SchemaOf(
      "data { path: 'unused' } feature { name: 'user' sparse {} } feature { name: 'item' sparse {} }");
  const uint64_t seed = XXH3_64bits("item", 4);
  EXPECT_EQ(schema.Key(1, "i7"), XXH3_64bits_withSeed("i7", 2, seed));
  EXPECT_NE(schema.Key(0, "i7"), schema.Key(1, "i7"));
}

TEST(IdHasherTest, HashesAsXxHashDoes) {
  const std::string text = "0123456789abcdef\xff\x80 and more than sixteen";
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, XXH3_64bits("item", 4), ~uint64_t{0}}) {
    const IdHasher hash(seed);
    for (size_t begin = 0; begin < 3; ++begin) {
      for (size_t size = 0; begin + size <= text.size(); ++size) {
        EXPECT_EQ(hash(text.data() + begin, size), XXH3_64bits_withSeed(text.data() + begin, size, seed))
            << size << " bytes";
      }
    }
  }
}

TEST(SchemaTest, DataSettingsAreCarried) {
  const Schema schema = SchemaOf(R"(
    data { path: "unused" label: "y" weight_column: "w"
           group_column: "g" key_columns: "u" missing_value: "NA" }
    feature { name: "u" sparse {} })");
  EXPECT_EQ(schema.label, "y");
  EXPECT_EQ(schema.weight_column, "w");
  EXPECT_EQ(schema.group_column, "g");
  EXPECT_THAT(schema.key_columns, ElementsAre("u"));
  EXPECT_THAT(schema.missing_values, ElementsAre("NA"));
}

}  // namespace
}  // namespace tandem
