// The examples of docs/config.md are configurations, and every section has one.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

// What an example stands in.
constexpr char kAround[] = R"(
  data { path: "logs/{date}.tsv.gz" key_columns: "user" }
  feature { name: "user" sparse {} }
  feature { name: "item" sparse {} }
  feature { name: "weekday" sparse {} }
  model { teacher { interaction { fm {} } mlp { hidden: 8 } } student { mlp { hidden: 4 } } }
)";

struct Example {
  std::string section, text;
};

std::vector<Example> Examples() {
  std::ifstream in(TANDEM_SOURCE_DIR "/docs/config.md");
  EXPECT_TRUE(in.is_open());
  std::vector<Example> examples;
  std::string section;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (absl::StartsWith(line, "## ")) {
      section = line.substr(3);
    } else if (line == "```textproto") {
      inside = true;
      examples.push_back({section, ""});
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      examples.back().text += line + "\n";
    }
  }
  return examples;
}

// Whether a message of that type is set somewhere in this one.
bool Holds(const google::protobuf::Message& message, const google::protobuf::Descriptor* type) {
  if (message.GetDescriptor() == type) return true;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> set;
  reflection.ListFields(message, &set);
  for (const auto* field : set) {
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) {
      if (Holds(reflection.GetMessage(message, field), type)) return true;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      if (Holds(reflection.GetRepeatedMessage(message, field, i), type)) return true;
  }
  return false;
}

TEST(ConfigDocs, EveryExampleIsAConfiguration) {
  for (const auto& [section, example] : Examples()) {
    const absl::StatusOr<proto::Experiment> parsed = ParseExperiment(example, "config.md");
    ASSERT_TRUE(parsed.ok()) << parsed.status() << "\n" << example;
    proto::Experiment experiment = ParseExperiment(kAround, "around").value();
    ASSERT_TRUE(MergeOver(*parsed, &experiment).ok());
    ResolveDefaults(&experiment);
    EXPECT_TRUE(ValidateExperiment(experiment).ok()) << ValidateExperiment(experiment) << "\n" << example;
  }
}

TEST(ConfigDocs, EverySectionHasAnExampleOfItself) {
  const std::vector<Example> examples = Examples();
  const google::protobuf::FileDescriptor& file = *proto::Experiment::descriptor()->file();
  ASSERT_GT(file.message_type_count(), 40);
  for (int i = 0; i < file.message_type_count(); ++i) {
    const google::protobuf::Descriptor* type = file.message_type(i);
    const auto example = std::find_if(examples.begin(), examples.end(),
                                      [&](const Example& e) { return e.section == type->name(); });
    ASSERT_NE(example, examples.end()) << type->name();
    const absl::StatusOr<proto::Experiment> parsed = ParseExperiment(example->text, "config.md");
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_TRUE(Holds(*parsed, type)) << "the example of " << type->name() << " has none:\n" << example->text;
  }
}

}  // namespace
}  // namespace tandem
