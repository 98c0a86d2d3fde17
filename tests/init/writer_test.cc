// The configuration that `init` writes.
#include "src/init/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "google/protobuf/descriptor.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

// Whatever formats there will be.
TEST(WriterTest, TheSettingsOfEveryFormatAreWritten) {
  const auto* const formats = proto::Data::descriptor()->FindOneofByName("format");
  for (int i = 0; i < formats->field_count(); ++i) {
    const auto* const field = formats->field(i);
    proto::Data data;
    data.set_path("log");
    google::protobuf::Message* const format = data.GetReflection()->MutableMessage(&data, field);
    const auto* const limit = format->GetDescriptor()->FindFieldByName("max_line_bytes");
    if (limit != nullptr) format->GetReflection()->SetInt32(format, limit, 4711);
    const Label label;
    const Recipe recipe;
    const ColumnPlans columns;
    const std::vector<PlannedFeature> features;
    ConfigurationParts parts;
    parts.data = &data;
    parts.label = &label;
    parts.features = &features;
    parts.columns = &columns;
    parts.recipe = &recipe;
    const std::string text = ConfigurationText(parts);
    EXPECT_THAT(text, testing::HasSubstr(field->name() + " {"));
    EXPECT_EQ(absl::StrContains(text, "max_line_bytes: 4711"), limit != nullptr) << text;
  }
}

}  // namespace
}  // namespace tandem
