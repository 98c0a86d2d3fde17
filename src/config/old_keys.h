// Keys that settings had in earlier versions, so that an error about one names the key of now.
//
//   NewKeyOf("train.student_steps");       // "'model.distill.replay.steps'"
//   NewKeyOf("data.path");                 // "": it is what it was
#ifndef TANDEM_SRC_CONFIG_OLD_KEYS_H_
#define TANDEM_SRC_CONFIG_OLD_KEYS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem {

struct OldKey {
  const char* old_key;
  const char* new_key;
  const char* note;  // behind the key, where the value isn't the same
};

absl::Span<const OldKey> OldKeys();

// The key in place of `key`, quoted, and what else is to be known; "" for one that no earlier version had. A
// key below one of the table's is found, too.
std::string NewKeyOf(absl::string_view key);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_OLD_KEYS_H_
