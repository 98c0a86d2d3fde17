// What goes to a terminal is one line, and nothing that it obeys.
#include "src/util/printable.h"

#include <gtest/gtest.h>

#include <string>

#include "src/util/json_text.h"

namespace tandem {
namespace {

TEST(Printable, TextOfAnyLanguageStaysAsItIs) {
  for (const char* text :
       {"", "logs/2000-11-20.tsv.gz:4711: 9 columns", "Zürich/日志/журнал 😀", "a\\nb 'quoted' \"too\""})
    EXPECT_EQ(Printable(text), text);
}

TEST(Printable, WhatATerminalObeysIsEscaped) {
  EXPECT_EQ(Printable("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(Printable("\x1b[31mred\x1b]0;title\x07"), "\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(Printable(absl::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m")
      << "C1 has a control sequence introducer of its own";
  EXPECT_EQ(Printable("\xe2\x80\xae"
                      "gpj.exe\xe2\x80\xa8"),
            "\\u202egpj.exe\\u2028");
}

TEST(Printable, BytesThatAreNoUtf8AreEscaped) {
  EXPECT_EQ(Printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(Printable("caf\xe9!"), "caf\\xe9!");
  EXPECT_EQ(Printable("\xe2\x82"), "\\xe2\\x82") << "cut short";
  EXPECT_EQ(Printable("\xc0\x9b"), "\\xc0\\x9b") << "an overlong escape";
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half a surrogate pair";
}

TEST(Printable, NoByteOfAnyKindGetsThrough) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), 'x'};
      for (const char c : Printable(text)) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
  }
}

TEST(JsonText, NamesNeedNotBeUtf8) {
  nlohmann::ordered_json json;
  json["caf\xe9"] = "\xff";
  EXPECT_EQ(JsonText(json), "{\"caf\xef\xbf\xbd\":\"\xef\xbf\xbd\"}");
}

}  // namespace
}  // namespace tandem
