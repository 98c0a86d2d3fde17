// The XXH3 hash (64 bits) of bytes that come piece by piece; cutting them otherwise gives the same. Not
// thread-safe.
//
//   RunningHash hash;
//   hash.Update("one ");
//   hash.Update("two");
//   uint64_t so_far = hash.Digest();  // and on
#ifndef TANDEM_SRC_UTIL_RUNNING_HASH_H_
#define TANDEM_SRC_UTIL_RUNNING_HASH_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"

namespace tandem {

class RunningHash {
 public:
  RunningHash();
  ~RunningHash();
  void Update(absl::string_view bytes);
  uint64_t Digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_RUNNING_HASH_H_
