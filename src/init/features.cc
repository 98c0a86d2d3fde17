#include "src/init/features.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "src/init/knots.h"

namespace tandem {
namespace {

class FeatureMaker {
 public:
  FeatureMaker(const ColumnPlans& plans, int knots) : plans_(plans), knots_(knots) {
    // Names first: a sequence names another column's table.
    for (const ColumnPlan& plan : plans.columns) {
      if (IsUsed(plan.kind)) names_[plan.profile->name] = FeatureName(plan.profile->name, &taken_);
    }
  }

  std::vector<PlannedFeature> Make() {
    for (const ColumnPlan& plan : plans_.columns) {
      if (IsUsed(plan.kind)) Add(plan);
    }
    return std::move(features_);
  }

 private:
  proto::Feature* Begin(const ColumnPlan& plan, const std::string& name, std::string why) {
    features_.push_back({&plan, {}, std::move(why)});
    proto::Feature* feature = &features_.back().feature;
    feature->set_name(name);
    if (name != plan.profile->name) feature->set_column(plan.profile->name);
    return feature;
  }

  void Add(const ColumnPlan& plan) {
    const std::string& name = names_[plan.profile->name];
    switch (plan.kind) {
      case ColumnKind::kId:
        Begin(plan, name, plan.why)->mutable_sparse();
        return;
      case ColumnKind::kIdList:
        Begin(plan, name, plan.why)->mutable_sparse()->set_multi_valued(true);
        return;
      case ColumnKind::kWeightedList:
        Begin(plan, name, plan.why)->mutable_sparse()->set_weighted(true);
        return;
      case ColumnKind::kSequence:
        AddSequence(plan, name);
        return;
      case ColumnKind::kNumber:
        AddNumber(plan, name);
        return;
      case ColumnKind::kNumberAndIds: {
        AddNumber(plan, name);
        proto::Feature* ids =
            Begin(plan, FeatureName(absl::StrCat(name, "_id"), &taken_), "the same numbers as ids");
        ids->set_column(plan.profile->name);
        ids->mutable_sparse();
        return;
      }
      case ColumnKind::kTime:
        AddTime(plan, name);
        return;
      default:
        return;
    }
  }

  void AddNumber(const ColumnPlan& plan, const std::string& name) {
    std::vector<double> values;
    for (const SampledNumber& number : plan.profile->sample) values.push_back(number.value);
    const std::vector<double> knots = Knots(std::move(values), knots_);
    const bool all = static_cast<int64_t>(knots.size()) == plan.profile->distinct();
    auto* piecewise =
        Begin(plan, name,
              absl::StrCat(plan.why,
                           all ? ", a knot each" : absl::StrCat(", ", knots.size(), " knots at quantiles")))
            ->mutable_dense()
            ->mutable_piecewise();
    for (const double knot : knots) piecewise->add_knots(knot);
  }

  void AddTime(const ColumnPlan& plan, const std::string& name) {
    const auto add = [&](const char* ending, proto::Time::Part part, const char* what) {
      proto::Feature* feature =
          Begin(plan, FeatureName(absl::StrCat(name, ending), &taken_), absl::StrCat(plan.why, "; ", what));
      feature->set_column(plan.profile->name);
      feature->mutable_time()->set_part(part);
    };
    if (plan.hour) add("_hour", proto::Time::HOUR, "the hour");
    if (plan.weekday) add("_weekday", proto::Time::WEEKDAY, "the day of the week");
    if (plan.month) add("_month", proto::Time::MONTH, "the month");
  }

  // As a bag for both towers, and in its order for the teacher's transformer.
  void AddSequence(const ColumnPlan& plan, const std::string& name) {
    proto::Sparse* bag = Begin(plan, name, plan.why)->mutable_sparse();
    bag->set_multi_valued(true);
    bag->set_table(names_[plan.target]);
    proto::Feature* ordered = Begin(plan, FeatureName(absl::StrCat(name, "_in_order"), &taken_),
                                    "the same, place by place, for the teacher's attention");
    ordered->set_column(plan.profile->name);
    ordered->mutable_sparse()->mutable_sequence();
    ordered->mutable_sparse()->set_table(names_[plan.target]);
  }

  const ColumnPlans& plans_;
  const int knots_;
  std::map<std::string, std::string> names_;  // of features, by column
  std::set<std::string> taken_;
  std::vector<PlannedFeature> features_;
};

}  // namespace

std::string FeatureName(const std::string& column, std::set<std::string>* taken) {
  std::string name;
  for (const char c : column) {
    if (absl::ascii_isalnum(c) || c == '_') {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_' && (column.empty() || column.back() != '_')) name.pop_back();
  if (name.empty()) name = "column";
  std::string unique = name;
  for (int i = 2; !taken->insert(unique).second; ++i) unique = absl::StrCat(name, "_", i);
  return unique;
}

std::vector<PlannedFeature> FeaturesOf(const ColumnPlans& plans, int knots) {
  return FeatureMaker(plans, knots).Make();
}

}  // namespace tandem
