// What is fuzzed: functions that take any bytes, and must neither die nor break a promise.
//
//   for (const FuzzTarget& target : FuzzTargets()) target.run(bytes);
//
// tools/fuzz.sh runs them under libFuzzer; corpora_test.cc replays the inputs in tests/fuzz/corpora/NAME.
// Inputs that once broke something stay there. A target ends the program (CHECK) where a promise is broken,
// or returns. Of what was taken it says so, so that a corpus is known to reach past the first check.
#ifndef TANDEM_TESTS_FUZZ_TARGETS_H_
#define TANDEM_TESTS_FUZZ_TARGETS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tandem {

struct FuzzTarget {
  std::string name;
  bool (*run)(absl::string_view bytes);  // whether something was taken
};

const std::vector<FuzzTarget>& FuzzTargets();

// A log of delimited text: a byte of choices (quoted cells, another delimiter, one needed column more), then
// a file's bytes, compressed or not. Rows are the same however many are read at a time.
bool FuzzDelimited(absl::string_view bytes);
// A log of JSON lines, likewise.
bool FuzzJsonLines(absl::string_view bytes);
// A configuration's text, then overrides, apart by bytes 0. What is valid means the same once it is written
// out and read again.
bool FuzzConfig(absl::string_view bytes);
// A checkpoint, and a bundle, behind their checksums: which record, what is done to it, then bytes. The model
// is refused, or it scores.
bool FuzzCheckpoint(absl::string_view bytes);
bool FuzzBundle(absl::string_view bytes);
// An online run's state behind its checksums, likewise: refused, or the stream goes on.
bool FuzzStream(absl::string_view bytes);

}  // namespace tandem

#endif  // TANDEM_TESTS_FUZZ_TARGETS_H_
