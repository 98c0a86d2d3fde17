#include "src/config/names.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/config/old_keys.h"
#include "src/util/nearest_name.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

// Keys of all fields called `name`. The configuration's message types don't nest in themselves.
void FindField(const Descriptor& message, absl::string_view parent, absl::string_view name,
               std::vector<std::string>* keys) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string key = JoinKey(parent, field.name());
    if (field.name() == name) keys->push_back(key);
    if (field.message_type() != nullptr) FindField(*field.message_type(), key, name, keys);
  }
}

// Where the learning rate is that somebody looks for one message too high; "" where `name` is no such thing.
std::string RateBelow(absl::string_view parent, absl::string_view name, const Descriptor& message) {
  if (name != "lr" && name != "learning_rate" && name != "rate") return "";
  const char* const arm = absl::StartsWith(parent, "embedding") ? "adagrad" : "adam";
  if (message.full_name() == proto::Optimizer::descriptor()->full_name())
    return absl::StrCat(parent, ".", arm, ".lr");
  if (parent.empty()) return "train.optimizer.adam.lr";
  const FieldDescriptor* const optimizer = message.FindFieldByName("optimizer");
  return optimizer == nullptr ? "" : absl::StrCat(parent, ".optimizer.", arm, ".lr");
}

}  // namespace

std::vector<std::string> FieldNames(const Descriptor& message) {
  std::vector<std::string> names;
  names.reserve(message.field_count());
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
  return names;
}

std::vector<std::string> ValueNames(const EnumDescriptor& type) {
  std::vector<std::string> names;
  names.reserve(type.value_count());
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return names;
}

std::string JoinKey(absl::string_view parent, absl::string_view name) {
  return absl::StrCat(parent, parent.empty() ? "" : ".", name);
}

std::string UnknownField(absl::string_view parent, absl::string_view name, const Descriptor& message,
                         absl::string_view below) {
  const std::string key = JoinKey(parent, name);
  const std::string start = absl::StrCat("unknown field '", key, "'");
  const std::string now = NewKeyOf(below.empty() ? key : JoinKey(key, below));
  if (!now.empty()) return absl::StrCat(start, "; it is ", now, " now");
  const std::string rate = RateBelow(parent, name, message);
  if (!rate.empty()) return absl::StrCat(start, "; the rate is its optimizer's: '", rate, "'");
  const std::vector<std::string> known = FieldNames(message);
  if (NearestName(name, known).empty()) {
    std::vector<std::string> elsewhere;
    FindField(*proto::Experiment::descriptor(), "", name, &elsewhere);
    // The highest place, where it is one.
    const auto depth = [](const std::string& place) { return std::count(place.begin(), place.end(), '.'); };
    std::stable_sort(elsewhere.begin(), elsewhere.end(),
                     [&](const std::string& a, const std::string& b) { return depth(a) < depth(b); });
    if (elsewhere.size() == 1 || (elsewhere.size() > 1 && depth(elsewhere[0]) < depth(elsewhere[1])))
      return absl::StrCat(start, "; did you mean '", elsewhere[0], "'?");
  }
  return absl::StrCat(start, DidYouMean(name, known));
}

absl::StatusOr<std::vector<const FieldDescriptor*>> FindKey(absl::string_view key,
                                                            absl::string_view of_list) {
  const std::vector<std::string> names = absl::StrSplit(key, '.');
  std::vector<const FieldDescriptor*> path;
  const Descriptor* message = proto::Experiment::descriptor();
  std::string parent;
  for (size_t i = 0; i < names.size(); ++i) {
    if (message == nullptr) return ConfigError(parent, " is a value and has no field '", names[i], "'");
    if (!path.empty() && path.back()->is_repeated())
      return ConfigError(parent, " is a list of messages, which ", of_list);
    path.push_back(message->FindFieldByName(names[i]));
    if (path.back() == nullptr) {
      const std::string below = absl::StrJoin(names.begin() + static_cast<int64_t>(i) + 1, names.end(), ".");
      return ConfigError(UnknownField(parent, names[i], *message, below));
    }
    message = path.back()->message_type();
    parent = JoinKey(parent, names[i]);
  }
  return path;
}

std::string UnknownValue(absl::string_view key, absl::string_view value, const EnumDescriptor& type) {
  const std::vector<std::string> known = ValueNames(type);
  const std::string nearest = NearestName(value, known);
  return absl::StrCat("unknown value '", value, "' of '", key, "'; ",
                      nearest.empty() ? "" : absl::StrCat("did you mean '", nearest, "'? "),
                      "accepted: ", absl::StrJoin(known, ", "));
}

}  // namespace tandem
