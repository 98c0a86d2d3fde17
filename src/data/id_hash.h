// The hash of an id, inlined where ids are parsed.
//
//   const IdHasher hasher(schema.table_seed(table));
//   hasher("u17", 3) == IdHash(schema.table_seed(table), "u17");           // true
#ifndef TANDEM_SRC_DATA_ID_HASH_H_
#define TANDEM_SRC_DATA_ID_HASH_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <cstring>

#include "absl/base/attributes.h"
#include "absl/strings/string_view.h"

namespace tandem {

// XXH3-64 of `id` with a table's seed: what Schema::Key returns.
inline uint64_t IdHash(uint64_t table_seed, absl::string_view id) {
  return XXH3_64bits_withSeed(id.data(), id.size(), table_seed);
}

// The same for many ids of one table: what depends on the seed alone is computed once, and ids of up to 8
// bytes, which hashed logs and small numbers are, are hashed in place (XXH3 of short inputs, xxHash's
// specification).
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
    return Other(id, size, seed_);
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

  // Apart, so that the loops around stay small, and by value, so that they keep a hasher in registers.
  ABSL_ATTRIBUTE_NOINLINE static uint64_t Other(const char* id, size_t size, uint64_t seed) {
    if (size - 1 > 2) return XXH3_64bits_withSeed(id, size, seed);
    const auto byte = [id](size_t i) { return uint32_t{static_cast<uint8_t>(id[i])}; };
    const uint32_t all =
        byte(0) << 16 | byte(size >> 1) << 24 | byte(size - 1) | static_cast<uint32_t>(size) << 8;
    uint64_t h = all ^ (seed + 0x87275a9bu);
    h ^= h >> 33;
    h *= 0xc2b2ae3d27d4eb4fu;
    h ^= h >> 29;
    h *= 0x165667b19e3779f9u;
    return h ^ h >> 32;
  }

  uint64_t seed_, short_secret_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_ID_HASH_H_
