// The column that is learned, and which of its texts mean 1.
//
//   TANDEM_ASSIGN_OR_RETURN(const Label label, ChooseLabel(first_look, {"y", {"yes"}}));
//   label.IsPositive("yes");
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_SRC_INIT_LABEL_H_
#define TANDEM_SRC_INIT_LABEL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "src/init/log_profile.h"

namespace tandem {

struct Label {
  std::string column;
  // As the log writes them; both empty for a label of 0 and 1.
  std::vector<std::string> positive, negative;
  std::string why;  // why this column, why these texts

  bool IsPositive(absl::string_view text) const;
};

// What is asked for; empty: the likely one.
struct AskedLabel {
  std::string column;
  std::vector<std::string> positive;
};

// By the columns of a log, or of a first look at it. ConfigErrors say what there is to choose from.
absl::StatusOr<Label> ChooseLabel(const LogProfile& log, const AskedLabel& asked);
// The same column again, once all of its texts are known.
absl::Status CheckLabel(const LogProfile& log, Label* label);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_LABEL_H_
