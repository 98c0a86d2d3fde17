#include "tests/fuzz/targets.h"

namespace tandem {

const std::vector<FuzzTarget>& FuzzTargets() {
  static const auto* const kTargets = new std::vector<FuzzTarget>{
      {"delimited", FuzzDelimited},   {"json_lines", FuzzJsonLines}, {"config", FuzzConfig},
      {"checkpoint", FuzzCheckpoint}, {"bundle", FuzzBundle},        {"stream", FuzzStream}};
  return *kTargets;
}

}  // namespace tandem
