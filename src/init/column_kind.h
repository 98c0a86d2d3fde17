// What each column is to a model, and why.
//
//   TANDEM_ASSIGN_OR_RETURN(const ColumnPlans plans,
//                           PlanColumns(log, label, asked, /*cells_say_lists=*/false, /*weighted=*/{}));
//   plans.columns[3].kind;        // ColumnKind::kNumber
//   plans.columns[3].why;         // "integers from 17 to 98", for the table and the configuration's comments
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_SRC_INIT_COLUMN_KIND_H_
#define TANDEM_SRC_INIT_COLUMN_KIND_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/init/label.h"
#include "src/init/log_profile.h"

namespace tandem {

enum class ColumnKind {
  kLabel,
  kId,
  kIdList,
  kWeightedList,
  kSequence,
  kNumber,
  kNumberAndIds,  // two features: order tells, and so does each value
  kTime,
  // -- left out
  kDropped,
  kUnnamed,
  kTwice,
  kEmpty,
  kConstant,
  kLeak,
  kKey,
  kAllDistinct,
  kTellsNothing,  // ids, rare ones
};

// "number", "ids", "leak-like", ...
const char* KindName(ColumnKind kind);
// A feature reads it.
bool IsUsed(ColumnKind kind);
bool IsNumber(ColumnKind kind);

struct ColumnPlan {
  const ColumnProfile* profile = nullptr;
  ColumnKind kind = ColumnKind::kId;
  std::string why;
  std::set<std::string> missing;  // texts of it that data.missing_value is to name
  // Of times: which parts differ in the log.
  bool hour = false, weekday = false, month = false;
  std::string target;  // of a sequence: the column of the same ids
};

struct AskedColumns {
  std::vector<std::string> drop;
  std::vector<std::string> keep;  // whatever is odd about them
  std::string group;              // read as a feature, too
  std::string date;
};

struct ColumnPlans {
  std::vector<ColumnPlan> columns;  // as in the log
  char list_separator = '|';
  bool has_lists = false;
};

// `cells_say_lists`: FormatLook's; what no cell says is a list isn't taken for one then. `weighted`: columns
// whose cells say that they are lists with weights. A ConfigError where a column that is asked for isn't
// there.
absl::StatusOr<ColumnPlans> PlanColumns(const LogProfile& log, const Label& label, const AskedColumns& asked,
                                        bool cells_say_lists, const std::set<std::string>& weighted);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_COLUMN_KIND_H_
