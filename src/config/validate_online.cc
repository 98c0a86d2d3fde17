// Checks of `online` and `daily`.
#include <algorithm>
#include <string>
#include <vector>

#include "src/config/validate.h"
#include "src/util/nearest_name.h"
#include "tandem/status.h"

namespace tandem {

absl::Status ValidateOnline(const proto::Online& online, const proto::Data& data) {
  const std::string& time = online.time_column();
  if (!time.empty() && time == data.label())
    return ConfigError("online.time_column: '", time, "' is the label; must be another column");
  const std::vector<std::string> columns = ListedColumns(data);
  if (!time.empty() && !columns.empty() && std::find(columns.begin(), columns.end(), time) == columns.end()) {
    return ConfigError("online.time_column: '", time, "' is not in data.delimited.column",
                       DidYouMean(time, columns));
  }
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
