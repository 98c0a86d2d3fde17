// Numbers in text.
//
//   double number;
//   if (ParseNumber("1e3", &number) == RowFault::kNone) ...                // 1000
#ifndef TANDEM_SRC_DATA_NUMBERS_H_
#define TANDEM_SRC_DATA_NUMBERS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "tandem/row_fault.h"

namespace tandem {

// The whole text as a finite number; kNumber, or kNotFinite. One out of range is zero or infinite.
RowFault ParseNumber(absl::string_view text, double* number);

// A weight of 0 or more, rounded to the float that it is kept as; kWeight, or kNotFinite.
RowFault ParseWeight(absl::string_view text, double* weight);

// True if the text is a number of 1 to 8 digits, and nothing else. 8 bytes can be read at `text`.
inline bool ParseDigits(const char* text, size_t size, uint32_t* number) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (size - 1 > 7) return false;
  // The digits' values in the upper bytes, the last digit uppermost; zeros below.
  uint64_t digits;
  std::memcpy(&digits, text, sizeof(digits));
  digits = (digits ^ 0x3030303030303030) << (64 - 8 * size);
  if (((digits | (digits + 0x7676767676767676)) & 0x8080808080808080) != 0) return false;
  // Pairs, fours, all.
  digits = digits * 10 + (digits >> 8);
  constexpr uint64_t kPairs = 0x000000ff000000ff;
  digits = ((digits & kPairs) * (100 + (uint64_t{1000000} << 32)) +
            ((digits >> 16) & kPairs) * (1 + (uint64_t{10000} << 32))) >>
           32;
  *number = static_cast<uint32_t>(digits);
  return true;
#else
  if (size - 1 > 7) return false;
  uint32_t sum = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto digit = static_cast<uint32_t>(text[i]) - '0';
    if (digit > 9) return false;
    sum = sum * 10 + digit;
  }
  *number = sum;
  return true;
#endif
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_NUMBERS_H_
