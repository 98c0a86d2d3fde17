// Where the cells of a line begin: the innermost loop of delimited text.
//
//   size_t begins[3 + 1 + kSplitSlack];
//   if (SplitCells("1,u17,37", ',', 3, begins) == 3) ...                   // 0, 2, 6, 9
#ifndef TANDEM_SRC_DATA_DELIMITED_SPLIT_H_
#define TANDEM_SRC_DATA_DELIMITED_SPLIT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tandem {

// Places behind the last cell's that SplitCells may write to.
constexpr size_t kSplitSlack = 8;

#if defined(__SSE2__)
// A bit for each of the 64 bytes at `text` that equals `byte`.
inline uint64_t ByteMask64(const char* text, char byte) {
#if defined(__AVX2__)
  const __m256i wanted = _mm256_set1_epi8(byte);
  const auto part = [text, wanted](int i) {
    const __m256i loaded = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text) + i);
    const int equal = _mm256_movemask_epi8(_mm256_cmpeq_epi8(loaded, wanted));
    return static_cast<uint64_t>(static_cast<uint32_t>(equal));
  };
  return part(0) | part(1) << 32;
#else
  const __m128i wanted = _mm_set1_epi8(byte);
  const auto part = [text, wanted](int i) {
    const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text) + i);
    return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(loaded, wanted))));
  };
  return part(0) | part(1) << 16 | part(2) << 32 | part(3) << 48;
#endif
}
#endif

// A bit for each of the 0 < `size` <= 64 bytes at `text` that equals `byte`; other bits are 0. `before` bytes
// in front of `text` can be read.
inline uint64_t ByteMask(const char* text, size_t size, size_t before, char byte) {
  uint64_t mask = 0;
#if defined(__SSE2__)
  // All blocks but those of a short text, its last one included.
  if (before + size >= 64) return ByteMask64(text + size - 64, byte) >> (64 - size);
  const __m128i wanted = _mm_set1_epi8(byte);
  const auto mask16 = [wanted](const char* bytes) {
    const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(loaded, wanted))));
  };
  size_t done = 0;
  for (; done + 16 <= size; done += 16) mask |= mask16(text + done) << done;
  if (done == size) return mask;
  if (before + size >= 16) return mask | mask16(text + size - 16) >> (16 - (size - done)) << done;
  for (; done < size; ++done) mask |= static_cast<uint64_t>(text[done] == byte) << done;
#else
  (void)before;
  for (size_t i = 0; i < size; ++i) mask |= static_cast<uint64_t>(text[i] == byte) << i;
#endif
  return mask;
}

// Bit i: whether an odd number of the bits 0 to i is set.
inline uint64_t PrefixXor(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

// offset + i for each bit i of `mask` that is set, from `next` on; kSplitSlack places behind the last may be
// written to. Eight at a time: how many there are is hard to predict.
inline void PutPlaces(uint64_t mask, size_t offset, size_t* next) {
  for (; mask != 0; next += 4) {
    for (int i = 0; i < 4; ++i) {
      next[i] = offset + __builtin_ctzll(mask | uint64_t{1} << 63);
      mask &= mask - 1;
    }
  }
}

// Counts the cells of `line`. If they are `columns`, begins[c] is the offset of cell c and begins[c + 1] - 1
// that of its end; else `begins` is undefined. `begins` has room for columns + 1 + kSplitSlack.
inline size_t SplitCells(absl::string_view line, char delimiter, size_t columns, size_t* begins) {
  begins[0] = 0;
  size_t cells = 1;
  for (size_t block = 0; block < line.size(); block += 64) {
    const size_t size = line.size() - block < 64 ? line.size() - block : 64;
    const uint64_t mask = ByteMask(line.data() + block, size, block, delimiter);
    const size_t found = __builtin_popcountll(mask);
    if (cells + found <= columns) PutPlaces(mask, block + 1, begins + cells);
    cells += found;
  }
  if (cells <= columns) begins[cells] = line.size() + 1;
  return cells;
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_SPLIT_H_
