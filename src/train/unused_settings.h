// Settings that a run has no place for.
#ifndef TANDEM_SRC_TRAIN_UNUSED_SETTINGS_H_
#define TANDEM_SRC_TRAIN_UNUSED_SETTINGS_H_

#include <string>
#include <vector>

#include "tandem/trainer.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// A sentence for each, with the setting and why it has no effect. Not errors: a comparison gives all its
// methods the same settings. `experiment` is resolved and valid.
std::vector<std::string> UnusedSettings(const proto::Experiment& experiment, TrainedParts parts);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_UNUSED_SETTINGS_H_
