// The daily routine's table and page.
#include "src/daily/days_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

std::vector<Json> Days() {
  return {
      Json::parse(R"({"date":"2026-01-01","judged_on":"2026-01-02","rows":10,"bad":1,"teacher":{"auc":0.75},
                          "student":{"auc":0.7512,"logloss":0.5,"copc":1.01},"published":true,"reasons":[]})"),
      Json::parse(R"({"date":"2026-01-02","judged_on":"2026-01-03","rows":10,"bad":0,
                          "student":{"auc":null,"logloss":0.5,"copc":null},"in_place":{"auc":0.7499,"date":"2026-01-01"},
                          "published":false,"reasons":["a < b","c | d"]})"),
      Json::parse(R"({"date":"2026-01-03","published":false,"skipped":"no log of the day"})")};
}

TEST(DaysPage, TheTableHasARowADayWithItsVerdict) {
  const std::string text = DaysMarkdown(Days());
  EXPECT_THAT(
      text,
      HasSubstr("| 2026-01-01 | 2026-01-02 | 10 | 1 | 0.7500 | 0.7512 |  | 0.5000 | 1.010 |  | published |"));
  EXPECT_THAT(text, HasSubstr("|  | 0.7499 | 0.5000 |  |  | held: a < b; c \\| d |"));
  EXPECT_THAT(text, HasSubstr("| 2026-01-03 |  |  |  |  |  |  |  |  |  | no log of the day |"));
}

TEST(DaysPage, ThePageIsEscapedAndNeedsNothingBesideIt) {
  const std::string page = DaysHtml(Days());
  EXPECT_THAT(page, HasSubstr("a &lt; b"));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(DaysHtml({}), Not(HasSubstr("<svg")));
}

}  // namespace
}  // namespace tandem
