// Patterns of files: what the system's own glob finds.
#include "src/util/glob.h"

#include <glob.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/faulty_file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Systems(const std::string& pattern) {
  glob_t found = {};
  std::vector<std::string> files;
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  std::sort(files.begin(), files.end());
  return files;
}

class GlobTest : public SampleFilesTest {};

TEST_F(GlobTest, FindsWhatTheSystemsOwnFinds) {
  for (const char* name : {"a1", "a2", "b", ".hidden", "a*", "x-y", "d/part-1", "d/part-2", "e/part-1",
                           "e/other", "e/deep/part-1", "odd[1]/f", "back\\slash"}) {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    Write(name, "x");
  }
  std::filesystem::create_symlink("nowhere", Path("a-link"));
  std::filesystem::create_directory_symlink("d", Path("linked"));
  for (const char* pattern :
       {"a1",           "a?",        "a*",      "*",        ".h*",           "[ab]*",
        "[!a]",         "[a-",       "a\\*",    "a[*]",     "*/part-1",      "*/part-*",
        "d/*",          "d//part-*", "*/",      "d/",       "*/deep/*",      "none",
        "none*",        "none/*",    "a1/*",    "*/*/*",    "x[-]y",         "[[:alpha:]]",
        "a-link",       "./a*",      "d/../a?", "linked/*", "back\\\\slash", "back*",
        "odd\\[1\\]/*", "*[",        "\\a1",    ""}) {
    EXPECT_EQ(Glob(FileSystem::Default(), Path(pattern)).value(), Systems(Path(pattern))) << pattern;
  }
  EXPECT_THAT(Glob(FileSystem::Default(), Path("odd[1]/f")).value(), ElementsAre(Path("odd[1]/f")))
      << "a name that looks like a pattern";
}

TEST(GlobOfNoDiskTest, AsksTheFileSystemItIsGiven) {
  MemoryFileSystem fs;
  fs.Put("logs/a", "");
  fs.Put("logs/b/1", "");
  EXPECT_THAT(Glob(fs, "logs/*").value(), ElementsAre("logs/a", "logs/b"));
  EXPECT_THAT(Glob(fs, "logs/[ab]/?").value(), ElementsAre("logs/b/1"));
  EXPECT_THAT(Glob(fs, "logs/c*").value(), IsEmpty());
}

TEST_F(GlobTest, ANamedDirectoryThatCantBeListedIsAnError) {
  Write("a", "x");
  FaultyFileSystem fs(FileSystem::Default());
  fs.FailAt(0, FaultyFileSystem::Fault::kReadFails);
  EXPECT_FALSE(Glob(fs, Path("*")).ok());
  EXPECT_TRUE(Glob(fs, Path("*")).ok());
}

}  // namespace
}  // namespace tandem
