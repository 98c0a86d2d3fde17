#include "src/train/run_state.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <cmath>
#include <vector>

#include "src/config/methods.h"
#include "tandem/row_fault.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int64_t kMostIn32 = 1000000000;
constexpr int64_t kMostIn64 = 1000000000000000;
// Batches of a window: with the passes over it, the products stay in an int64.
constexpr int64_t kMostBatches = 1000000000000;

template <typename... Args>
absl::Status Impossible(const std::string& path, const Args&... args) {
  return ModelError(path, ": ", args..., "; no run stood there: the file is damaged, or of something else. ",
                    "Nothing was loaded.");
}

// What the parser has to say is said by us, in a line.
class Silent : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int /*column*/, const std::string& message) override {
    if (fault_.empty()) fault_ = absl::StrCat(line + 1, ": ", message);
  }
  void AddWarning(int /*line*/, int /*column*/, const std::string& /*message*/) override {}
  const std::string& fault() const { return fault_; }

 private:
  std::string fault_;
};

absl::Status CheckNumber(const Message& message, const FieldDescriptor* field, int i,
                         const std::string& path) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field->is_repeated();
  int64_t number = 0, most = kMostIn64;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      most = kMostIn32;
      number =
          repeated ? reflection.GetRepeatedInt32(message, field, i) : reflection.GetInt32(message, field);
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      number =
          repeated ? reflection.GetRepeatedInt64(message, field, i) : reflection.GetInt64(message, field);
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double real =
          repeated ? reflection.GetRepeatedDouble(message, field, i) : reflection.GetDouble(message, field);
      return std::isnan(real) ? Impossible(path, field->name(), " is no number") : absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return CheckCounters(
          repeated ? reflection.GetRepeatedMessage(message, field, i) : reflection.GetMessage(message, field),
          path);
    default:
      break;
  }
  if (number >= 0 && number <= most) return absl::OkStatus();
  return Impossible(path, field->name(), " is ", number, ", where 0 to ", most, " is possible");
}

absl::Status CheckPlaces(const proto::RunState& state, const std::string& path) {
  const int days = state.day_size();
  if (state.day_index() > 0 && state.day_index() >= days)
    return Impossible(path, "day_index is ", state.day_index(), " of ", days, " days");
  if (state.held_out_days() > 0 && state.held_out_days() >= days)
    return Impossible(path, "held_out_days is ", state.held_out_days(), " of ", days, " days");
  if (state.day_batches_size() > days)
    return Impossible(path, "day_batches are of ", state.day_batches_size(), " days of ", days);
  if (state.rows_bad_size() > kRowFaults)
    return Impossible(path, "rows_bad has ", state.rows_bad_size(), " kinds of faults, not ", kRowFaults);
  double batches = 0;
  for (const int64_t of_day : state.day_batches()) batches += static_cast<double>(of_day);
  if (batches > static_cast<double>(kMostBatches)) return Impossible(path, "day_batches add up to ", batches);
  if (state.joint_steps() + state.distilled_steps() > state.step())
    return Impossible(path, "joint_steps ", state.joint_steps(), " and distilled_steps ",
                      state.distilled_steps(), " are more than step ", state.step());
  if (state.validation().undone_steps() > state.step())
    return Impossible(path, "undone_steps ", state.validation().undone_steps(), " are more than step ",
                      state.step());
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCounters(const Message& message, const std::string& path) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) TANDEM_RETURN_IF_ERROR(CheckNumber(message, field, i, path));
  }
  return absl::OkStatus();
}

absl::StatusOr<proto::RunState> ParseRunState(absl::string_view text, const std::string& path) {
  proto::RunState state;
  Silent faults;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&faults);
  if (!parser.ParseFromString(std::string(text), &state))
    return ModelError(path, ":", faults.fault(), "; can't be parsed. Nothing was loaded.");
  // Written before there were student phases.
  if (!state.has_joint_steps()) {
    state.set_joint_steps(state.step());
    state.set_student_optimizer_steps(state.optimizer_steps());
  }
  TANDEM_RETURN_IF_ERROR(CheckCounters(state, path));
  TANDEM_RETURN_IF_ERROR(CheckPlaces(state, path));
  return state;
}

absl::Status CheckCanGoOn(const proto::Experiment& experiment, const proto::RunState& state,
                          const std::string& path) {
  const proto::Train& train = experiment.train();
  if (train.has_validation() != state.has_validation())
    return Impossible(path, "validation is ", state.has_validation() ? "set" : "not set",
                      ", against train.validation of the configuration");
  const int held_out = train.validation().days();
  if (state.held_out_days() != 0 && state.held_out_days() != held_out)
    return Impossible(path, "held_out_days is ", state.held_out_days(), ", train.validation.days ", held_out);
  const int last_pass = train.epochs() + static_cast<int>(std::ceil(PlanOf(experiment).phase_passes)) + 1;
  if (state.pass() > last_pass)
    return Impossible(path, "pass is ", state.pass(), " of ", last_pass, " at most");
  const int learned = state.day_size() - held_out;
  const int counted = state.pass() > 0 ? learned : state.day_index();
  if (state.day_batches_size() != counted)
    return Impossible(path, "day_batches are of ", state.day_batches_size(), " days where ", counted,
                      " are done");
  return absl::OkStatus();
}

}  // namespace tandem
