// The inputs of tests/fuzz/corpora: no target dies of one, and each corpus reaches past the first check.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/file_system.h"
#include "tests/fuzz/targets.h"

namespace tandem {
namespace {

const std::string kCorpora = TANDEM_SOURCE_DIR "/tests/fuzz/corpora";

class CorpusTest : public testing::TestWithParam<FuzzTarget> {};

TEST_P(CorpusTest, IsTakenOrRefused) {
  FileSystem& fs = FileSystem::Default();
  const std::string corpus = absl::StrCat(kCorpora, "/", GetParam().name);
  int taken = 0, refused = 0;
  const std::vector<std::string> names = fs.List(corpus).value();
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const std::string bytes = fs.ReadFile(corpus + "/" + name).value();
    (GetParam().run(bytes) ? taken : refused) += 1;
    // And what a fuzzer makes of it first; a stream takes a while.
    for (size_t size = 0; GetParam().name != "stream" && size < bytes.size(); size += 1 + bytes.size() / 7)
      GetParam().run(bytes.substr(0, size));
  }
  EXPECT_GT(taken, 0);
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Targets, CorpusTest, testing::ValuesIn(FuzzTargets()),
                         [](const testing::TestParamInfo<FuzzTarget>& info) { return info.param.name; });

TEST(CorporaTest, EachBelongsToATarget) {
  std::set<std::string> names;
  for (const FuzzTarget& target : FuzzTargets()) names.insert(target.name);
  const std::vector<std::string> corpora = FileSystem::Default().List(kCorpora).value();
  for (const std::string& name : corpora) EXPECT_EQ(names.count(name), 1u) << name;
}

}  // namespace
}  // namespace tandem
