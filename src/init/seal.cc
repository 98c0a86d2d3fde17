#include "src/init/seal.h"

#include "absl/strings/str_cat.h"
#include "src/data/id_hash.h"

namespace tandem {
namespace {

constexpr absl::string_view kSeal = "# Replaced by the next `tandem init`, unless edited: ";

}  // namespace

std::string Sealed(absl::string_view text) {
  return absl::StrCat(text, kSeal, absl::Hex(IdHash(0, text), absl::kZeroPad16), "\n");
}

bool IsUntouched(absl::string_view text) {
  const size_t seal = text.rfind(kSeal);
  return seal != absl::string_view::npos && text == Sealed(text.substr(0, seal));
}

}  // namespace tandem
