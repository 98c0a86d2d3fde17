// The examples of docs/config.md are configurations, and every section has one.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
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

std::vector<std::string> Examples() {
  std::ifstream in(TANDEM_SOURCE_DIR "/docs/config.md");
  EXPECT_TRUE(in.is_open());
  std::vector<std::string> examples;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line == "```textproto") {
      inside = true;
      examples.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      examples.back() += line + "\n";
    }
  }
  return examples;
}

TEST(ConfigDocs, EveryExampleIsAConfiguration) {
  for (const std::string& example : Examples()) {
    const absl::StatusOr<proto::Experiment> parsed = ParseExperiment(example, "config.md");
    ASSERT_TRUE(parsed.ok()) << parsed.status() << "\n" << example;
    proto::Experiment experiment = ParseExperiment(kAround, "around").value();
    ASSERT_TRUE(MergeOver(*parsed, &experiment).ok());
    ResolveDefaults(&experiment);
    EXPECT_TRUE(ValidateExperiment(experiment).ok()) << ValidateExperiment(experiment) << "\n" << example;
  }
}

TEST(ConfigDocs, EverySectionHasAnExample) {
  const std::vector<std::string> examples = Examples();
  const auto* sections = proto::Experiment::descriptor();
  for (int i = 0; i < sections->field_count(); ++i) {
    bool found = false;
    for (const std::string& example : examples)
      found |= ("\n" + example).find("\n" + sections->field(i)->name()) != std::string::npos;
    EXPECT_TRUE(found) << sections->field(i)->name();
  }
}

}  // namespace
}  // namespace tandem
