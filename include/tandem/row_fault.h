// Why a row is malformed, in a word for counts and messages.
//
//   const RowFault fault = decoder->Decode(row, &batch, &detail);
//   if (fault != RowFault::kNone) ++by_fault[static_cast<int>(fault)];
//   LOG(INFO) << FaultCounts(by_fault);                  // "column count 3, number 1"
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_ROW_FAULT_H_
#define TANDEM_ROW_FAULT_H_

#include <array>
#include <cstdint>
#include <string>

namespace tandem {

// The numbers are kept in checkpoints: new faults come last.
enum class RowFault {
  kNone = 0,
  kColumnCount,  // of formats whose columns have places: more or fewer than the head, or the config, names
  kLabel,        // not 0 or 1, or none where there is nothing else to learn from
  kNumber,       // a dense value or a teacher's score that doesn't parse
  kNotFinite,    // NaN or infinity, in a dense value, a weight or a teacher's score
  kWeight,       // a sample weight or an id's weight that is absent, doesn't parse, or is negative
  kRowTooLong,   // than the format's limit
  kSyntax,  // not a row of the format: no object, a list where one value is wanted, a quote without its end
  kMagnitude,  // a dense value further from 0 than the feature's max_magnitude
  kTime,       // a moment that doesn't parse
  // Of formats with a head: one of other columns than the file's, or in another order, among the rows. What
  // follows can't be read.
  kHeader,
  kBlankLine,       // a row of nothing at all. Passed over, as the next
  kRepeatedHeader,  // of formats with a head: the file's once more
};
constexpr int kRowFaults = 13;

// No sample, and no fault either: such a row is counted by itself.
inline bool IsPassedOver(RowFault fault) {
  return fault == RowFault::kBlankLine || fault == RowFault::kRepeatedHeader;
}

// "column count", "label", ...
const char* RowFaultName(RowFault fault);

// "label 2, column count 1": the faults that occurred, in the order of the enumeration.
std::string FaultCounts(const std::array<int64_t, kRowFaults>& by_fault);

}  // namespace tandem

#endif  // TANDEM_ROW_FAULT_H_
