// The columns that a configuration lists where files don't name them.
//
//   const ListedColumns listed = ListedColumnsOf(experiment.data());
//   TANDEM_RETURN_IF_ERROR(CheckListed("data.label", experiment.data().label(), listed));
#ifndef TANDEM_SRC_CONFIG_LISTED_COLUMNS_H_
#define TANDEM_SRC_CONFIG_LISTED_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace tandem {

namespace proto {
class Data;
}  // namespace proto

struct ListedColumns {
  std::string key;  // of the list: "data.delimited.column"
  std::vector<std::string> names;
};

// No names where the files have them, or rows do.
ListedColumns ListedColumnsOf(const proto::Data& data);
// A ConfigError where there is a list, and `column`, which `key` names, isn't in it.
absl::Status CheckListed(const std::string& key, const std::string& column, const ListedColumns& listed);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_LISTED_COLUMNS_H_
