#include "src/util/seal.h"

#include "absl/strings/str_cat.h"
#include "src/util/running_hash.h"

namespace tandem {
namespace {

std::string SealOf(absl::string_view command) {
  return absl::StrCat("# Replaced by the next `", command, "`, unless edited: ");
}

}  // namespace

std::string Sealed(absl::string_view text, absl::string_view command) {
  RunningHash hash;
  hash.Update(text);
  return absl::StrCat(text, SealOf(command), absl::Hex(hash.Digest(), absl::kZeroPad16), "\n");
}

bool IsUntouched(absl::string_view text, absl::string_view command) {
  const size_t seal = text.rfind(SealOf(command));
  return seal != absl::string_view::npos && text == Sealed(text.substr(0, seal), command);
}

}  // namespace tandem
