// The distinct keys of a batch, and the place of each.
//
//   KeyPlaces places(&scratch, keys_at_most);
//   const uint32_t place = places.Of(key, &distinct);        // 1 for the first distinct key, then 2, ...
#ifndef TANDEM_SRC_EMBEDDING_KEY_PLACES_H_
#define TANDEM_SRC_EMBEDDING_KEY_PLACES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem {

// Open addressing with linear probing, at most half full. `scratch` keeps the memory.
class KeyPlaces {
 public:
  KeyPlaces(std::vector<uint32_t>* scratch, size_t most_keys) {
    int bits = 4;
    while ((size_t{1} << bits) < 2 * most_keys) ++bits;
    const size_t size = size_t{1} << bits;
    if (scratch->size() < size) scratch->resize(size);
    places_ = scratch->data();
    std::fill_n(places_, size, 0u);
    shift_ = 64 - bits;
    mask_ = static_cast<uint32_t>(size - 1);
  }

  uint32_t Of(uint64_t key, std::vector<uint64_t>* distinct) {
    // Keys are hashes already; the product spreads those of tests as well.
    auto i = static_cast<uint32_t>(key * 0x9E3779B97F4A7C15u >> shift_);
    for (; places_[i] != 0; i = (i + 1) & mask_) {
      if ((*distinct)[places_[i] - 1] == key) return places_[i];
    }
    distinct->push_back(key);
    return places_[i] = static_cast<uint32_t>(distinct->size());
  }

 private:
  uint32_t* places_;
  int shift_;
  uint32_t mask_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_EMBEDDING_KEY_PLACES_H_
