// A log as text for the features of SmallExperiment (tests/support/experiments.h).
#ifndef TANDEM_TESTS_SUPPORT_SMALL_LOG_H_
#define TANDEM_TESTS_SUPPORT_SMALL_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

namespace tandem {

// label, user, item, tags, query, age.
std::vector<std::string> SmallLogColumns();
// The cells of a row each, in the order of the columns: ids of small vocabularies, bags of 0 to 3 tags,
// labels that depend on them. A function of the seed.
std::vector<std::vector<std::string>> SmallLogRows(int rows, uint64_t seed);
// The same as tab-separated text with a header.
std::string SmallLog(int rows, uint64_t seed);

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_SMALL_LOG_H_
