// Symbolic links to directories: `published` leads to one bundle or the next, and never to nothing.
//
//   TANDEM_RETURN_IF_ERROR(PointLink(fs, "run/published", "bundles/step-000400"));
//   std::string target = LinkTarget(fs, "run/published");            // "bundles/step-000400"
//   std::string directory = FollowLink(fs, "run/published");         // "run/bundles/step-000400"
#ifndef TANDEM_SRC_UTIL_LINKS_H_
#define TANDEM_SRC_UTIL_LINKS_H_

#include <string>

#include "absl/status/status.h"
#include "tandem/file_system.h"

namespace tandem {

// Makes `path` a link with this text (relative to the folder of `path`) in one step: who opens it finds the
// old target or the new one. On return the switch is durable. What is there already must be a link, or
// nothing.
absl::Status PointLink(FileSystem& fs, const std::string& path, const std::string& target);
// The text of a link; "" where `path` is none.
std::string LinkTarget(FileSystem& fs, const std::string& path);
// The path that the link at `path` leads to, over links to links; `path` itself where it is none.
std::string FollowLink(FileSystem& fs, const std::string& path);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_LINKS_H_
