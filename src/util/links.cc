#include "src/util/links.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "src/util/aside.h"
#include "src/util/paths.h"
#include "tandem/files.h"
#include "tandem/status.h"

namespace tandem {

absl::Status PointLink(const std::string& path, const std::string& target) {
  const std::string bare = WithoutTrailingSlash(path).string();
  std::error_code error;
  const std::filesystem::file_status there = std::filesystem::symlink_status(bare, error);
  if (std::filesystem::exists(there) && !std::filesystem::is_symlink(there))
    return ConfigError(bare, ": not a link; it is never replaced. Move it away");
  const std::string aside = AsidePath(bare);
  if (symlink(target.c_str(), aside.c_str()) != 0 || rename(aside.c_str(), bare.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    unlink(aside.c_str());
    return absl::InternalError(absl::StrCat(bare, ": cannot link to ", target, ": ", why));
  }
  return FileSystem::Default().SyncDirectory(ParentPath(bare));
}

std::string LinkTarget(const std::string& path) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::read_symlink(WithoutTrailingSlash(path), error);
  return error ? "" : target.string();
}

std::string FollowLink(const std::string& path) {
  constexpr int kMostLinks = 16;
  std::string followed = path;
  for (int i = 0; i < kMostLinks; ++i) {
    const std::string target = LinkTarget(followed);
    if (target.empty()) break;
    followed = (WithoutTrailingSlash(followed).parent_path() / target).lexically_normal().string();
  }
  return followed;
}

}  // namespace tandem
