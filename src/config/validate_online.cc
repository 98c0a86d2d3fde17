// Checks of `online` and `daily`.
#include <string>

#include "src/config/listed_columns.h"
#include "src/config/validate.h"
#include "tandem/status.h"

namespace tandem {

absl::Status ValidateOnline(const proto::Online& online, const proto::Data& data) {
  const std::string& time = online.time_column();
  if (!time.empty() && time == data.label())
    return ConfigError("online.time_column: '", time, "' is the label; must be another column");
  if (!time.empty()) TANDEM_RETURN_IF_ERROR(CheckListed("online.time_column", time, ListedColumnsOf(data)));
  if (online.label_delay() == 0) return absl::OkStatus();
  if (time.empty()) {
    return ConfigError("online.label_delay: ", online.label_delay(),
                       " needs online.time_column, the samples' own time");
  }
  if (data.key_columns().empty()) {
    return ConfigError("online.label_delay: ", online.label_delay(),
                       " needs data.key_columns: they say which row a click belongs to");
  }
  return absl::OkStatus();
}

absl::Status ValidateDaily(const proto::Daily& daily) {
  const proto::Gate& gate = daily.gate();
  if (gate.max_copc() > 0 && gate.min_copc() > gate.max_copc()) {
    return ConfigError("daily.gate.min_copc: ", gate.min_copc(), " is more than daily.gate.max_copc ",
                       gate.max_copc(), "; nothing would pass");
  }
  return absl::OkStatus();
}

}  // namespace tandem
