// What a tuning varies, and what each of it may be: a list of choices about the configuration as it is, which
// is one of them.
//
//   const SearchSpace space = SearchSpace::Around(experiment);
//   for (const Dimension& dimension : space.dimensions()) ...      // "embedding.dim": 4, [8], 16
//   TANDEM_RETURN_IF_ERROR(ApplySettings({{"embedding.dim", "16"}}, &experiment));
//
// Rates of every optimizer in use go from a quarter to four times on a logarithmic scale; widths from half to
// twice; regularisation, averages, the teacher's kind and the student's levers have lists of their own. What
// a configuration doesn't use isn't varied, nor what alone would make it invalid. Batches keep their size
// where a schedule counts in steps. Thread-safe.
#ifndef TANDEM_SRC_TUNE_SEARCH_SPACE_H_
#define TANDEM_SRC_TUNE_SEARCH_SPACE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tandem/experiment.pb.h"

namespace tandem {

// A key as `key=value` has it, or one that no override reaches: those of a committee's kinds of members
// ("model.committee.member[0].tower.mlp.hidden": of all its copies), and the two below.
struct Setting {
  std::string key, value;
};
inline bool operator==(const Setting& a, const Setting& b) { return a.key == b.key && a.value == b.value; }
using Settings = std::vector<Setting>;

// All interactions of the teacher but those that read sequences: "none", or an arm of Interaction.kind, "cin".
constexpr char kTeachersKind[] = "model.teacher.interaction";
// Of all piecewise numbers: "every second".
constexpr char kKnots[] = "feature.dense.piecewise.knots";

// Changes the experiment, resolved or not. ConfigErrors as ApplyOverride's.
absl::Status ApplySettings(const Settings& settings, proto::Experiment* experiment);
// "embedding.dim 16, train.batch_size 128"; "as it is" where there are none.
std::string SettingsText(const Settings& settings);

struct Dimension {
  std::string key;
  std::vector<std::string> values;
  int base = 0;         // index of the configuration's own
  bool ordered = true;  // neighbours in the list are alike
};

class SearchSpace {
 public:
  // `base`: resolved and valid.
  static SearchSpace Around(const proto::Experiment& base);

  const std::vector<Dimension>& dimensions() const { return dimensions_; }
  // An index a dimension; what a key that isn't there says is left out.
  std::vector<int> ChoicesOf(const Settings& settings) const;
  // Those that differ from the base.
  Settings SettingsOf(const std::vector<int>& choices) const;

 private:
  explicit SearchSpace(std::vector<Dimension> dimensions) : dimensions_(std::move(dimensions)) {}

  std::vector<Dimension> dimensions_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_SEARCH_SPACE_H_
