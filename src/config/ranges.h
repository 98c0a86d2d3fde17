// What each number of the configuration may be.
#ifndef TANDEM_SRC_CONFIG_RANGES_H_
#define TANDEM_SRC_CONFIG_RANGES_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace tandem {

// An interval of the real line. Both ends are finite: what is computed of settings within their ranges leaves
// no integer's range.
struct Range {
  const char* field;  // "Train.batch_size"
  double low;
  double high;
  bool low_open;
  bool high_open;

  bool Holds(double value) const;
  // "at least 1 and at most 1024", "more than 0 and less than 1".
  std::string Text() const;
};

// Null for a field without one: only unsigned fields, any value of which is accepted.
const Range* FindRange(const google::protobuf::FieldDescriptor& field);

// Checks every number that is set in `message` and below. `key` is the message's own, "" for the whole
// experiment.
absl::Status CheckRanges(const google::protobuf::Message& message, const std::string& key);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_RANGES_H_
