// Paths as one argument of the command line.
#include "tools/path_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using PathListTest = SampleFilesTest;

TEST_F(PathListTest, CommasSeparateAndEmptyPartsAreLeftOut) {
  EXPECT_THAT(SplitPaths("b.tsv,a*.tsv,-"), ElementsAre("b.tsv", "a*.tsv", "-"));
  EXPECT_THAT(SplitPaths(",a,,b,"), ElementsAre("a", "b"));
  EXPECT_THAT(SplitPaths(""), IsEmpty());
  EXPECT_THAT(SplitPaths(",,"), IsEmpty());
}

TEST_F(PathListTest, ABackslashKeepsACommaInItsPath) {
  EXPECT_THAT(SplitPaths("a\\,1.tsv,b\\,\\,2.tsv"), ElementsAre("a,1.tsv", "b,,2.tsv"));
  EXPECT_THAT(SplitPaths("\\,"), ElementsAre(","));
}

TEST_F(PathListTest, AnyOtherBackslashIsThePathsOwn) {
  EXPECT_THAT(SplitPaths("a\\[1].tsv,c\\"), ElementsAre("a\\[1].tsv", "c\\"));
}

TEST_F(PathListTest, ATextThatNamesAFileIsOnePath) {
  Write("a,b", "");
  Write("c\\,d", "");
  EXPECT_THAT(SplitPaths(Path("a,b")), ElementsAre(Path("a,b")));
  EXPECT_THAT(SplitPaths(Path("c\\,d")), ElementsAre(Path("c\\,d")));
  EXPECT_THAT(SplitPaths(Path("a,b") + ",x"), ElementsAre(Path("a"), "b", "x"));
}

TEST_F(PathListTest, NamesAreSplitWhateverFilesThereAre) {
  Write("a,b", "");
  EXPECT_THAT(SplitNames(Path("a,b")), ElementsAre(Path("a"), "b"));
  EXPECT_THAT(SplitNames("a\\,1,,b"), ElementsAre("a,1", "b"));
}

}  // namespace
}  // namespace tandem
