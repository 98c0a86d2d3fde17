#include "src/train/expiry.h"

#include <glog/logging.h>

#include <algorithm>

#include "absl/time/civil_time.h"
#include "src/util/progress.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {

uint32_t DayNumber(const std::string& date) {
  absl::CivilDay day;
  if (date.empty() || !absl::ParseCivilTime(date, &day)) return 0;
  return static_cast<uint32_t>(std::clamp<int64_t>(day - absl::CivilDay(1970, 1, 1), 0, UINT32_MAX));
}

absl::Status CheckExpiry(const proto::Experiment& experiment, const std::vector<Day>& days) {
  if (experiment.embedding().expire_days() == 0) return absl::OkStatus();
  for (const Day& day : days) {
    if (day.date.empty()) {
      return ConfigError("embedding.expire_days: ", experiment.embedding().expire_days(),
                         " counts days of the log, and data.path (", experiment.data().path(),
                         ") has none: a {date} in it names them");
    }
    if (DayNumber(day.date) == 0)
      return ConfigError("embedding.expire_days: the log's day ", day.date, " isn't after 1970-01-01");
  }
  return absl::OkStatus();
}

absl::Status ExpireRows(const proto::Experiment& experiment, const Day& day, Trainer* trainer) {
  const int days = experiment.embedding().expire_days();
  if (days == 0) return absl::OkStatus();
  trainer->set_day(DayNumber(day.date));
  TANDEM_ASSIGN_OR_RETURN(const int64_t dropped, trainer->EndDay());
  if (dropped > 0) {
    LOG(INFO) << day.date << ": " << FormatCount(dropped) << " ids that no batch read for " << days
              << " days left the tables (embedding.expire_days)";
  }
  return absl::OkStatus();
}

}  // namespace tandem
