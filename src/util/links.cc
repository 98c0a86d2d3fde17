#include "src/util/links.h"

#include <filesystem>

#include "src/util/aside.h"
#include "src/util/paths.h"
#include "tandem/status.h"

namespace tandem {

absl::Status PointLink(FileSystem& fs, const std::string& path, const std::string& target) {
  const std::string bare = WithoutTrailingSlash(path).string();
  if (fs.Exists(bare) && fs.ReadLink(bare).empty())
    return ConfigError(bare, ": not a link; it is never replaced. Move it away");
  const std::string aside = AsidePath(bare);
  TANDEM_RETURN_IF_ERROR(fs.CreateLink(aside, target));
  const absl::Status renamed = fs.Rename(aside, bare);
  if (!renamed.ok()) {
    fs.RemoveAll(aside).IgnoreError();
    return renamed;
  }
  return fs.SyncDirectory(ParentPath(bare));
}

std::string LinkTarget(FileSystem& fs, const std::string& path) {
  return fs.ReadLink(WithoutTrailingSlash(path).string());
}

std::string FollowLink(FileSystem& fs, const std::string& path) {
  constexpr int kMostLinks = 16;
  std::string followed = path;
  for (int i = 0; i < kMostLinks; ++i) {
    const std::string target = LinkTarget(fs, followed);
    if (target.empty()) break;
    followed = (WithoutTrailingSlash(followed).parent_path() / target).lexically_normal().string();
  }
  return followed;
}

}  // namespace tandem
