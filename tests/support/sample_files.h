// Sample files for tests: a folder of its own for every test, compressors, and the way to real logs.
#ifndef TANDEM_TESTS_SUPPORT_SAMPLE_FILES_H_
#define TANDEM_TESTS_SUPPORT_SAMPLE_FILES_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/batch.h"

namespace tandem {

// A test with an empty folder, removed afterwards.
class SampleFilesTest : public testing::Test {
 protected:
  SampleFilesTest();
  ~SampleFilesTest() override;
  // The path of `name` in the folder.
  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  // Writes a file, its folders too, and returns its path.
  std::string Write(const std::string& name, absl::string_view bytes) const;

 private:
  std::string root_;
};

std::string FileBytes(const std::string& path);
// One gzip member; one zstd frame, with a checksum.
std::string Gzip(absl::string_view text);
std::string Zstd(absl::string_view text);
// One row of a batch as text: "1 w=0.5 | 3a..:0.5 7b..:0.5 | ..."; for comparing, and for messages.
std::string RowText(const Batch& batch, int row);
std::vector<std::string> RowTexts(const Batch& batch);
// A file of the folder with real logs ($TANDEM_DATA_DIR, or ../shared/data beside the sources); "" when it
// isn't there.
std::string RealData(const std::string& name);

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_SAMPLE_FILES_H_
