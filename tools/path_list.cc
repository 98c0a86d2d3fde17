#include "tools/path_list.h"

#include <unistd.h>

#include <utility>

namespace tandem {

std::vector<std::string> SplitPaths(const std::string& text) {
  if (!text.empty() && access(text.c_str(), F_OK) == 0) return {text};
  std::vector<std::string> paths;
  std::string path;
  const auto end_path = [&] {
    if (!path.empty()) paths.push_back(std::exchange(path, ""));
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
      path += text[++i];
    } else if (text[i] == ',') {
      end_path();
    } else {
      path += text[i];
    }
  }
  end_path();
  return paths;
}

}  // namespace tandem
