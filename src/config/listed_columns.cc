#include "src/config/listed_columns.h"

#include <algorithm>

#include "src/util/nearest_name.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {

ListedColumns ListedColumnsOf(const proto::Data& data) {
  // Of the formats there are, only delimited text may lack names in its files.
  return {"data.delimited.column", {data.delimited().column().begin(), data.delimited().column().end()}};
}

absl::Status CheckListed(const std::string& key, const std::string& column, const ListedColumns& listed) {
  const std::vector<std::string>& names = listed.names;
  if (names.empty() || std::find(names.begin(), names.end(), column) != names.end()) return absl::OkStatus();
  return ConfigError(key, ": '", column, "' is not in ", listed.key, DidYouMean(column, names));
}

}  // namespace tandem
