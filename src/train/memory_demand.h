// Bytes that settings ask for, by the settings' names.
//
//   MemoryDemand demand;
//   demand.Add("model.teacher.mlp.hidden", 17.2e9);
//   demand.Text();          // "model.teacher.mlp.hidden asks for 17.2 GB, train.shard_rows for 2.1 GB"
#ifndef TANDEM_SRC_TRAIN_MEMORY_DEMAND_H_
#define TANDEM_SRC_TRAIN_MEMORY_DEMAND_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tandem {

constexpr double kProgramBytes = 32e6;
constexpr double kFloatBytes = 4;
constexpr double kIndexBytes = 40;  // of an id: its key, its place, its count, and room to grow

class MemoryDemand {
 public:
  void Add(const std::string& setting, double bytes) {
    total_ += bytes;
    for (auto& [name, of_name] : parts_) {
      if (name != setting) continue;
      of_name += bytes;
      return;
    }
    parts_.emplace_back(setting, bytes);
  }
  double total() const { return total_; }

  // "model.teacher.mlp.hidden asks for 17.2 GB, train.shard_rows for 2.1 GB"
  std::string Text() const {
    std::vector<std::pair<std::string, double>> parts = parts_;
    std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string text;
    for (size_t i = 0; i < std::min<size_t>(3, parts.size()); ++i) {
      // What is small beside the largest helps nobody.
      if (i > 0 && parts[i].second < parts[0].second / 20) break;
      absl::StrAppend(&text, i == 0 ? "" : ", ", parts[i].first, i == 0 ? " asks for " : " for ",
                      Gigabytes(parts[i].second));
    }
    return text;
  }
  static std::string Gigabytes(double bytes) {
    return bytes < 1e9 ? absl::StrFormat("%.0f MB", bytes / 1e6) : absl::StrFormat("%.1f GB", bytes / 1e9);
  }

 private:
  std::vector<std::pair<std::string, double>> parts_;
  double total_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_MEMORY_DEMAND_H_
