#include "src/util/running_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {

struct RunningHash::State {
  XXH3_state_t xxh3;
};

RunningHash::RunningHash() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->xxh3); }

RunningHash::~RunningHash() = default;

void RunningHash::Update(absl::string_view bytes) {
  XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size());
}

uint64_t RunningHash::Digest() const { return XXH3_64bits_digest(&state_->xxh3); }

}  // namespace tandem
