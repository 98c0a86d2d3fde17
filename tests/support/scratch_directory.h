// A directory of a test's own, removed when the test ends. In memory where there is such a place, as tests of
// durability sync often: for small files.
#ifndef TANDEM_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_
#define TANDEM_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_

#include <glog/logging.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace tandem {

class ScratchDirectory {
 public:
  ScratchDirectory() {
    for (const std::string& parent : {std::string("/dev/shm/"), testing::TempDir()}) {
      path_ = parent + "tandem-XXXXXX";
      if (mkdtemp(&path_[0]) != nullptr) return;
    }
    LOG(FATAL) << "no place for temporary files";
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }
  // The path of `name` in it.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_SCRATCH_DIRECTORY_H_
