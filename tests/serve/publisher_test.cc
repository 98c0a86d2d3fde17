// Publishing: export, link, and what is pruned.
#include "src/serve/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/util/aside.h"
#include "src/util/links.h"
#include "tandem/durable_files.h"
#include "tandem/model_directory.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

using testing::ElementsAre;

class PublisherTest : public testing::Test {
 protected:
  PublisherTest() : publisher_(fs_, scratch_.path(), *FindKernels("auto").value()) {}
  void MakeFolders(const std::vector<std::string>& names) const {
    for (const std::string& name : names) std::filesystem::create_directories(scratch_ / (name + "/inside"));
  }

  FileSystem& fs_ = FileSystem::Default();
  const ScratchDirectory scratch_;
  const Publisher publisher_;
};

TEST_F(PublisherTest, ExportsOnceAndPointsAtIt) {
  WriteTrainedCheckpoint(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }"), 2,
                         scratch_ / "checkpoint");
  for (int call = 0; call < 2; ++call) {
    ASSERT_TRUE(publisher_.Export(scratch_ / "checkpoint", "bundles/step-000002").ok());
    ASSERT_TRUE(publisher_.Point("bundles/step-000002").ok());
  }
  EXPECT_TRUE(IsBundle(fs_, scratch_ / "published"));
  EXPECT_TRUE(VerifyDirectory(fs_, scratch_ / "published").ok());
  EXPECT_EQ(LinkTarget(fs_, scratch_ / "published"), "bundles/step-000002")
      << "relative: the run can be moved";
}

TEST_F(PublisherTest, KeepsTheNewestByNumberAndTheOneInPlace) {
  MakeFolders({"bundles/step-000009", "bundles/step-000010", "bundles/step-1000000", "bundles/step-000011",
               "bundles/notes"});
  ASSERT_TRUE(publisher_.KeepNewest("bundles/step-000009", 2).ok());
  EXPECT_THAT(*fs_.List(scratch_ / "bundles"), ElementsAre("notes", "step-000009", "step-1000000"));
  ASSERT_TRUE(publisher_.KeepNewest("bundles/step-000009", 1).ok());
  EXPECT_THAT(*fs_.List(scratch_ / "bundles"), ElementsAre("notes", "step-000009"));
}

TEST_F(PublisherTest, PrunesWhatDoesNotStayAndWhatAnInterruptedPruningLeft) {
  const auto stays = [](const std::string& name) { return name > "2000-01-02"; };
  ASSERT_TRUE(publisher_.Prune("days", stays).ok()) << "there is no such folder yet";
  MakeFolders({"days/2000-01-01", "days/2000-01-02", "days/2000-01-03", AsidePath("days/1999-12-31")});
  ASSERT_TRUE(publisher_.Prune("days", stays).ok());
  EXPECT_THAT(*fs_.List(scratch_ / "days"), ElementsAre("2000-01-03"));
}

}  // namespace
}  // namespace tandem
