#include "tandem/row_fault.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/util/progress.h"

namespace tandem {

const char* RowFaultName(RowFault fault) {
  static constexpr std::array<const char*, kRowFaults> kNames = {
      "none",   "column count", "label", "number", "not finite", "weight",         "row too long",
      "syntax", "magnitude",    "time",  "header", "blank line", "repeated header"};
  return kNames[static_cast<int>(fault)];
}

std::string FaultCounts(const std::array<int64_t, kRowFaults>& by_fault) {
  std::vector<std::string> parts;
  for (int fault = 1; fault < kRowFaults; ++fault) {
    if (by_fault[fault] == 0) continue;
    parts.push_back(
        absl::StrCat(RowFaultName(static_cast<RowFault>(fault)), " ", FormatCount(by_fault[fault])));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace tandem
