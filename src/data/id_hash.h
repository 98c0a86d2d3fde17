// The hash of an id, inlined where ids are parsed.
#ifndef TANDEM_SRC_DATA_ID_HASH_H_
#define TANDEM_SRC_DATA_ID_HASH_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace tandem {

// XXH3-64 of `id` with a table's seed: what Schema::Key returns.
inline uint64_t IdHash(uint64_t table_seed, absl::string_view id) {
  return XXH3_64bits_withSeed(id.data(), id.size(), table_seed);
}

// The same for many ids of one table: what depends on the seed alone is computed once, and ids of 4 to 8
// bytes, which hashed logs are made of, are hashed in place (XXH3 of short inputs, xxHash's specification).
class IdHasher {
 public:
  explicit IdHasher(uint64_t table_seed)
      : seed_(table_seed),
        short_secret_(0xc73ab174c5ecd5a2u -
                      (table_seed ^ uint64_t{__builtin_bswap32(static_cast<uint32_t>(table_seed))} << 32)) {}

  uint64_t operator()(const char* id, size_t size) const {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (size - 4 <= 4) return Short(id, size);
#endif
    return XXH3_64bits_withSeed(id, size, seed_);
  }

 private:
  static uint64_t RotateLeft(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }
  uint64_t Short(const char* id, size_t size) const {
    uint32_t first, last;
    std::memcpy(&first, id, sizeof(first));
    std::memcpy(&last, id + size - sizeof(last), sizeof(last));
    uint64_t h = (last + (uint64_t{first} << 32)) ^ short_secret_;
    constexpr uint64_t kMultiplier = 0x9fb21c651e98df25u;
    h ^= RotateLeft(h, 49) ^ RotateLeft(h, 24);
    h *= kMultiplier;
    h ^= (h >> 35) + size;
    h *= kMultiplier;
    return h ^ h >> 28;
  }

  uint64_t seed_, short_secret_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_ID_HASH_H_
