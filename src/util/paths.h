// Parts of paths.
#ifndef TANDEM_SRC_UTIL_PATHS_H_
#define TANDEM_SRC_UTIL_PATHS_H_

#include <filesystem>
#include <string>

namespace tandem {

inline std::filesystem::path WithoutTrailingSlash(const std::string& path) {
  const std::filesystem::path result(path);
  return result.has_filename() ? result : result.parent_path();
}

// "." for a bare name.
inline std::string ParentPath(const std::string& path) {
  const std::string parent = WithoutTrailingSlash(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Names by which somebody hands over a stream, rather than a file.
inline bool IsStreamName(const std::string& path) {
  return path == "/dev/stdin" || path.rfind("/dev/fd/", 0) == 0 || path.rfind("/proc/self/fd/", 0) == 0;
}

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_PATHS_H_
