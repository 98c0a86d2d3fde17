// What formats say of themselves before there is a configuration.
#include "tandem/format_look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "src/data/line_format.h"
#include "tandem/experiment.pb.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(FormatLookTest, AFileThatSaysWhatItIsIsFound) {
  proto::Data data;
  data.set_path("log");
  EXPECT_TRUE(SetFormatLike("{\"label\": 1}\n", &data));
  EXPECT_TRUE(data.has_json_lines());
  EXPECT_EQ(data.path(), "log") << "all else stays";
  data.clear_format();
  EXPECT_FALSE(SetFormatLike("label,user\n1,u17\n", &data));
  EXPECT_EQ(data.format_case(), proto::Data::FORMAT_NOT_SET);
}

TEST(FormatLookTest, ALineThatIsReadAsAnotherFormatGetsAHint) {
  EXPECT_THAT(FormatHint("{\"label\": 1"), HasSubstr(" The first line begins with '{'"));
  EXPECT_EQ(FormatHint("label"), "");
  EXPECT_EQ(FormatHint(""), "");
}

TEST(FormatLookTest, EveryFormatHasANameAndAnExtensionOfItsOwn) {
  const auto* const formats = proto::Data::descriptor()->FindOneofByName("format");
  std::set<std::string> names;
  for (int i = 0; i < formats->field_count(); ++i) {
    proto::Data data;
    data.GetReflection()->MutableMessage(&data, formats->field(i));
    const auto format = MakeSampleFormat(data);
    EXPECT_TRUE(names.insert(format->look().name()).second) << format->look().name();
    EXPECT_EQ(format->look().extension()[0], '.');
  }
  proto::Data data;
  EXPECT_EQ(MakeSampleFormat(data)->look().extension(), ".tsv");
  data.mutable_delimited()->set_delimiter(";");
  EXPECT_EQ(MakeSampleFormat(data)->look().extension(), ".csv");
  data.mutable_delimited()->set_delimiter(" ");
  EXPECT_EQ(MakeSampleFormat(data)->look().extension(), ".txt");
  EXPECT_FALSE(MakeSampleFormat(data)->look().cells_say_lists());
  data.mutable_json_lines();
  EXPECT_EQ(MakeSampleFormat(data)->look().extension(), ".jsonl");
  EXPECT_TRUE(MakeSampleFormat(data)->look().cells_say_lists());
}

TEST(FormatLookTest, JsonLinesSayWhichCellsAreLists) {
  proto::Data data;
  data.mutable_json_lines();
  const auto format = MakeSampleFormat(data);
  const auto lists = format->look().FindLists(
      "{\"a\": [1], \"w\": {\"x\": 2}, \"n\": 1}\n\n{\"w\": [], \"o\": {\"x\": \"y\"}, \"e\": {}}\n"
      "not JSON\n{\"b\": []}\n{\"cut\": [1",
      "log");
  ASSERT_TRUE(lists.ok()) << lists.status();
  EXPECT_THAT(lists->plain, ElementsAre("a", "b"));
  EXPECT_THAT(lists->weighted, ElementsAre("w"));
  const absl::Status array = format->look().FindLists("[{\"a\": 1}]\n", "log").status();
  EXPECT_EQ(ExitCode(array), kExitData);
  EXPECT_THAT(std::string(array.message()), HasSubstr("log:1: JSON, but no object"));
}

// A format of somebody's own that says nothing is text that nobody knows.
class QuietSyntax : public LineSyntax {
 public:
  std::string section() const override { return "data.quiet"; }
  int64_t max_line_bytes() const override { return 100; }
  RowFault Parse(absl::string_view /*row*/, NamedCells* /*cells*/, std::string* /*detail*/) const override {
    return RowFault::kNone;
  }
};

TEST(FormatLookTest, AFormatNeedSayNothing) {
  const auto format = MakeLineFormat(std::make_unique<QuietSyntax>());
  EXPECT_EQ(format->look().name(), "text");
  EXPECT_EQ(format->look().extension(), ".txt");
  EXPECT_FALSE(format->look().cells_say_lists());
  EXPECT_FALSE(format->look().IsLike("anything"));
  EXPECT_EQ(format->look().Hint("anything"), "");
  EXPECT_TRUE(format->look().FindLists("anything", "log")->plain.empty());
}

}  // namespace
}  // namespace tandem
