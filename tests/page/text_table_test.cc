// Tables of texts: for a terminal, in Markdown, in HTML.
#include "src/page/text_table.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(TextTableTest, ColumnsOfATerminalAreAlignedByCharactersNotBytes) {
  const TextTable table{"", {"field", "auc", "what"}, {{"größe", "0.5 ± 0.1", "a"}, {"b", "1"}}, "lrl"};
  EXPECT_EQ(PlainTable(table),
            "field        auc  what\n"
            "größe  0.5 ± 0.1  a\n"
            "b              1\n");
}

TEST(TextTableTest, WhatACellHoldsCantBreakTheTable) {
  const TextTable table{"", {"a", "b"}, {{"x|y", "<b>"}}};
  EXPECT_EQ(MarkdownTable(table), "| a | b |\n|---|---:|\n| x\\|y | <b> |\n");
  const std::string html = HtmlTable(table);
  EXPECT_NE(html.find("<td>&lt;b&gt;</td>"), std::string::npos) << html;
}

TEST(TextTableTest, ARowOfHtmlHasACellForEveryColumn) {
  const std::string html = HtmlTable({"", {"a", "b", "c"}, {{"1"}}});
  EXPECT_NE(html.find("<td class=\"left\">1</td><td></td><td></td>"), std::string::npos) << html;
}

}  // namespace
}  // namespace tandem
