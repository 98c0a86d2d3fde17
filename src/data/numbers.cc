#include "src/data/numbers.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "absl/strings/numbers.h"

namespace tandem {

RowFault ParseNumber(absl::string_view text, double* number) {
  const std::from_chars_result result = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (result.ptr != text.data() + text.size() || result.ec == std::errc::invalid_argument)
    return RowFault::kNumber;
  if (result.ec == std::errc::result_out_of_range) {
    // from_chars doesn't say which way: too small is (nearly) zero, too large infinite.
    if (!absl::SimpleAtod(text, number)) return RowFault::kNumber;
  }
  return std::isfinite(*number) ? RowFault::kNone : RowFault::kNotFinite;
}

RowFault ParseWeight(absl::string_view text, double* weight) {
  const RowFault fault = ParseNumber(text, weight);
  if (fault != RowFault::kNone) return fault == RowFault::kNumber ? RowFault::kWeight : fault;
  // A bag's coefficients must be shares of what the floats sum to.
  *weight = static_cast<float>(*weight);
  if (std::isinf(*weight)) return RowFault::kNotFinite;
  return *weight < 0 ? RowFault::kWeight : RowFault::kNone;
}

}  // namespace tandem
