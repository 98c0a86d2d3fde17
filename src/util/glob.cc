#include "src/util/glob.h"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Whether a part of a path matches more than one name.
bool IsPattern(absl::string_view part) {
  bool bracket = false;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '\\') {
      ++i;
    } else if (part[i] == '*' || part[i] == '?' || (part[i] == ']' && bracket)) {
      return true;
    } else if (part[i] == '[') {
      bracket = true;
    }
  }
  return false;
}

std::string Unescaped(absl::string_view part) {
  std::string text;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '\\' && i + 1 < part.size()) ++i;
    text.push_back(part[i]);
  }
  return text;
}

// A link counts though it leads nowhere: its reader says so.
bool IsThere(FileSystem& fs, const std::string& path) {
  return fs.Exists(path) || !fs.ReadLink(path).empty();
}

// The paths that begin with `begin`, which is "" or ends in '/', and go on as the pattern `part`.
absl::StatusOr<std::vector<std::string>> Matches(FileSystem& fs, const std::string& begin,
                                                 const std::string& part) {
  const size_t last = begin.find_last_not_of('/');
  const std::string directory = begin.empty()               ? "."
                                : last == std::string::npos ? "/"
                                                            : begin.substr(0, last + 1);
  if (!fs.IsDirectory(directory)) return std::vector<std::string>();
  TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> names, fs.List(directory));
  const auto other = [&](const std::string& name) {
    return fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0;
  };
  names.erase(std::remove_if(names.begin(), names.end(), other), names.end());
  for (std::string& name : names) name.insert(0, begin);
  return names;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Glob(FileSystem& fs, const std::string& pattern) {
  std::vector<std::string> paths = {""};
  bool named = true;  // by the parts so far
  for (size_t at = 0; at < pattern.size() && !paths.empty();) {
    const size_t end = std::min(pattern.find('/', at), pattern.size());
    const size_t next = std::min(pattern.find_first_not_of('/', end), pattern.size());
    const std::string part = pattern.substr(at, end - at), slashes = pattern.substr(end, next - end);
    std::vector<std::string> found;
    for (const std::string& path : paths) {
      if (!IsPattern(part)) {
        found.push_back(path + Unescaped(part));
        continue;
      }
      absl::StatusOr<std::vector<std::string>> matches = Matches(fs, path, part);
      if (matches.ok()) {
        found.reserve(found.size() + matches->size());
        std::move(matches->begin(), matches->end(), std::back_inserter(found));
      } else if (named) {
        return matches.status();
      }
    }
    if (IsPattern(part)) named = false;
    for (std::string& path : found) path += slashes;
    paths = std::move(found);
    at = next;
  }
  paths.erase(std::remove_if(paths.begin(), paths.end(),
                             [&](const std::string& path) { return path.empty() || !IsThere(fs, path); }),
              paths.end());
  std::sort(paths.begin(), paths.end());
  if (paths.empty() && !pattern.empty() && fs.Exists(pattern)) paths.push_back(pattern);
  return paths;
}

}  // namespace tandem
