// The hash of an id, inlined where ids are parsed.
#ifndef TANDEM_SRC_DATA_ID_HASH_H_
#define TANDEM_SRC_DATA_ID_HASH_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>

#include "absl/strings/string_view.h"

namespace tandem {

// XXH3-64 of `id` with a table's seed: what Schema::Key returns.
inline uint64_t IdHash(uint64_t table_seed, absl::string_view id) {
  return XXH3_64bits_withSeed(id.data(), id.size(), table_seed);
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_ID_HASH_H_
