// JSON for people.
#include "tools/readable_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

TEST(ReadableJsonTest, MembersHaveLinesAndTheObjectsOfAnArrayALineEach) {
  const Json json = Json::parse(
      R"({"rows":4,"none":{},"bins":[{"rows":1,"rate":0.5},{"rows":3,"rate":null}],"tower":{"auc":0.75},)"
      R"("list":[1,2],"deep":[{"name":"a","of":[1]}]})");
  EXPECT_EQ(ReadableJson(json), R"({
  "rows": 4,
  "none": {},
  "bins": [
    {"rows":1,"rate":0.5},
    {"rows":3,"rate":null}
  ],
  "tower": {
    "auc": 0.75
  },
  "list": [1,2],
  "deep": [
    {
      "name": "a",
      "of": [1]
    }
  ]
}
)");
}

TEST(ReadableJsonTest, ItReadsBackToTheSameAndTakesWhatIsNoUtf8) {
  const Json json = {{"a\"b", {1.5, true}}, {"c", {{"d", nullptr}}}};
  EXPECT_EQ(Json::parse(ReadableJson(json)), json);
  EXPECT_EQ(ReadableJson(7), "7\n");
  EXPECT_EQ(ReadableJson("\xff"), "\"\xEF\xBF\xBD\"\n");
}

}  // namespace
}  // namespace tandem
