#include "tools/path_list.h"

#include <unistd.h>

#include <utility>

namespace tandem {

std::vector<std::string> SplitNames(const std::string& text) {
  std::vector<std::string> names;
  std::string name;
  const auto end_name = [&] {
    if (!name.empty()) names.push_back(std::exchange(name, ""));
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
      name += text[++i];
    } else if (text[i] == ',') {
      end_name();
    } else {
      name += text[i];
    }
  }
  end_name();
  return names;
}

std::vector<std::string> SplitPaths(const std::string& text) {
  if (!text.empty() && access(text.c_str(), F_OK) == 0) return {text};
  return SplitNames(text);
}

}  // namespace tandem
