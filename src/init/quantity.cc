#include "src/init/quantity.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace tandem {

std::string Thousands(double count) {
  std::string digits = absl::StrFormat("%.0f", count);
  for (auto at = static_cast<int>(digits.size()) - 3; at > (digits[0] == '-' ? 1 : 0); at -= 3)
    digits.insert(at, ",");
  return digits;
}

std::string About(double count) {
  if (count >= 1e9) return absl::StrFormat("%.2g billion", count / 1e9);
  if (count >= 1e6) return absl::StrFormat("%.*f million", count < 1e7 ? 1 : 0, count / 1e6);
  const double unit = std::pow(10, std::max(0.0, std::floor(std::log10(std::max(count, 1.0))) - 1));
  return Thousands(std::round(count / unit) * unit);
}

std::string Bytes(double bytes) {
  if (bytes >= 1e9) return absl::StrFormat("%.1f GB", bytes / 1e9);
  return absl::StrFormat("%.0f MB", std::ceil(bytes / 1e7) * 10);
}

}  // namespace tandem
