// What a command writes: whole in its place or not there, and its faults told by the name that the user gave.
#include "src/util/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using testing::HasSubstr;
using testing::Not;

absl::Status WriteScores(FileSystem& fs, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Open(fs, path));
  TANDEM_RETURN_IF_ERROR(file.Write("0.5\n"));
  return file.Finish();
}

TEST(OutputFile, NoFaultNamesTheFileAside) {
  const ScratchDirectory scratch;
  FaultyFileSystem fs(FileSystem::Default());
  int failed = 0;
  for (int64_t operation = 0;; ++operation) {
    fs.FailAt(operation, FaultyFileSystem::Fault::kFail);
    const absl::Status status = WriteScores(fs, scratch / "scores.tsv");
    if (!fs.failed()) break;
    if (status.ok()) continue;
    ++failed;
    const std::string message(status.message());
    EXPECT_THAT(message, HasSubstr(scratch.path())) << operation;
    // A rename has two names.
    if (message.find(": Rename: ") == std::string::npos) {
      EXPECT_THAT(message, Not(HasSubstr("tmp-"))) << operation;
    }
  }
  EXPECT_GE(failed, 5);
  const absl::Status nowhere = WriteScores(FileSystem::Default(), scratch / "nowhere/scores.tsv");
  EXPECT_THAT(std::string(nowhere.message()), HasSubstr("nowhere/scores.tsv: cannot write: No such file"));
}

}  // namespace
}  // namespace tandem
