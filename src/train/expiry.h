// The days by which rows of the tables go (embedding.expire_days).
//
//   TANDEM_RETURN_IF_ERROR(CheckExpiry(experiment, options.days));
//   trainer.set_day(DayNumber(day.date));
//   TANDEM_RETURN_IF_ERROR(ExpireRows(experiment, day, &trainer));      // at its end
#ifndef TANDEM_SRC_TRAIN_EXPIRY_H_
#define TANDEM_SRC_TRAIN_EXPIRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tandem/day_files.h"
#include "tandem/trainer.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// Days since 1970-01-01, from 1; 0 for none, as for what came before.
uint32_t DayNumber(const std::string& date);

// A ConfigError where rows are to go by the days of a log that has none.
absl::Status CheckExpiry(const proto::Experiment& experiment, const std::vector<Day>& days);

// At the end of a day: what no batch read for so many days goes. That a store can't drop rows is known before
// the first is read: a run asks once for nothing.
absl::Status ExpireRows(const proto::Experiment& experiment, const Day& day, Trainer* trainer);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_EXPIRY_H_
