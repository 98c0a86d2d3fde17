#include "src/config/ranges.h"

#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/config/names.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr Range Closed(const char* field, double low, double high) {
  return {field, low, high, false, false};
}
constexpr Range AtLeast(const char* field, double low) { return {field, low, kInfinity, false, false}; }
constexpr Range MoreThan(const char* field, double low) { return {field, low, kInfinity, true, false}; }
constexpr Range Any(const char* field) { return {field, -kInfinity, kInfinity, false, false}; }
// [0, 1): shares of which something must be left.
constexpr Range BelowOne(const char* field) { return {field, 0, 1, false, true}; }

// Upper bounds of widths and counts are far above what is sensible: they turn a slip into a message instead
// of an exhausted memory.
constexpr Range kRanges[] = {
    {"Data.negative_keep_rate", 0, 1, true, false},
    Closed("Data.max_bad_fraction", 0, 1),
    AtLeast("JsonLines.max_line_bytes", 1),
    AtLeast("Delimited.max_line_bytes", 1),
    Closed("Sequence.max_length", 1, 1000),
    Any("Dense.mean"),
    MoreThan("Dense.deviation", 0),
    MoreThan("Dense.max_magnitude", 0),
    Any("Bucketize.boundaries"),
    Any("Piecewise.knots"),
    Closed("Piecewise.max_knots", 2, 4096),
    Closed("Piecewise.init_slope", 0, 100),
    Closed("Embedding.dim", 1, 1024),
    AtLeast("Embedding.init_deviation", 0),
    AtLeast("Embedding.min_count", 1),
    BelowOne("Embedding.id_dropout"),
    AtLeast("Embedding.l2", 0),
    AtLeast("Embedding.weight_decay", 0),
    AtLeast("Embedding.max_rows", 0),
    Closed("Embedding.expire_days", 0, 36500),
    {"SlowCopy.decay", 0, 1, true, true},
    Closed("Mlp.hidden", 1, 65536),
    BelowOne("Mlp.dropout"),
    BelowOne("Mlp.normalize_decay"),
    Closed("Member.copies", 1, 64),
    Closed("Cin.layers", 1, 65536),
    Closed("Cross.layers", 1, 1000),
    Closed("Cross.rank", 0, 65536),
    Closed("Transformer.heads", 1, 1024),
    Closed("Transformer.blocks", 1, 100),
    Closed("Transformer.hidden", 1, 65536),
    AtLeast("Distill.student_label_weight", 0),
    AtLeast("Distill.logit_weight", 0),
    MoreThan("Distill.temperature", 0),
    AtLeast("Distill.hint_weight", 0),
    Any("Hint.teacher_layer"),
    Any("Hint.student_layer"),
    MoreThan("Distill.lr_multiplier", 0),
    AtLeast("Replay.steps", 1),
    Closed("Replay.batches", 1, 1 << 20),
    MoreThan("StudentPhase.fraction", 0),
    AtLeast("StudentPhase.steps_per_row", 1),
    Closed("StudentPhase.final", 0, 1),
    MoreThan("StudentPhase.lr_multiplier", 0),
    AtLeast("StudentPhase.recombined_batches", 0),
    Closed("StudentPhase.recombined_share", 0, 1),
    Closed("Train.window_days", 1, 36500),
    AtLeast("Train.epochs", 1),
    Closed("Train.batch_size", 1, 1 << 24),
    Closed("Train.shard_rows", 1, 1 << 24),
    AtLeast("Train.shuffle_rows", 0),
    AtLeast("Train.l2", 0),
    AtLeast("Train.weight_decay", 0),
    AtLeast("Train.clip_norm", 0),
    BelowOne("Train.average_decay"),
    {"Validation.share", 0, 1, true, true},
    Closed("Validation.days", 1, 36500),
    AtLeast("Validation.patience", 1),
    AtLeast("Schedule.warmup_steps", 0),
    AtLeast("Schedule.decay_steps", 0),
    Closed("Schedule.final", 0, 1),
    MoreThan("Sgd.lr", 0),
    MoreThan("Adagrad.lr", 0),
    AtLeast("Adagrad.initial_accumulator", 0),
    MoreThan("Adagrad.epsilon", 0),
    MoreThan("Adam.lr", 0),
    BelowOne("Adam.beta1"),
    BelowOne("Adam.beta2"),
    MoreThan("Adam.epsilon", 0),
    MoreThan("Ftrl.lr", 0),
    AtLeast("Ftrl.beta", 0),
    AtLeast("Ftrl.l1", 0),
    AtLeast("Ftrl.l2", 0),
    MoreThan("Muon.lr", 0),
    BelowOne("Muon.momentum"),
    Closed("Muon.iterations", 1, 6),
    Closed("Online.batch_rows", 1, 1 << 24),
    AtLeast("Online.max_delay_seconds", 0),
    MoreThan("Online.lr_multiplier", 0),
    MoreThan("Online.embedding_lr_multiplier", 0),
    AtLeast("Online.max_rows", 0),
    Closed("Online.window_rows", 1, 1 << 28),
    AtLeast("Online.checkpoint_rows", 0),
    AtLeast("Online.checkpoint_seconds", 0),
    AtLeast("Online.keep_bundles", 1),
    AtLeast("Online.guard_limit", 0),
    AtLeast("Online.guard_patience", 1),
    AtLeast("Online.label_delay", 0),
    AtLeast("Online.label_queue_rows", 1),
    Closed("Daily.warm_days", 1, 36500),
    MoreThan("Daily.warm_lr_multiplier", 0),
    MoreThan("Daily.finetune_lr_multiplier", 0),
    AtLeast("Daily.finetune_epochs", 1),
    Closed("Gate.max_auc_loss", 0, 1),
    AtLeast("Gate.max_logloss_growth", 0),
    AtLeast("Gate.min_copc", 0),
    AtLeast("Gate.max_copc", 0),
    AtLeast("Gate.min_rows", 0),
    AtLeast("Gate.min_rows_share", 0),
    Closed("Gate.max_bad_fraction", 0, 1),
    Closed("Gate.min_auc", 0, 1),
    Closed("Runtime.threads", 0, 1024),
    AtLeast("Runtime.log_every_steps", 1),
    AtLeast("Runtime.checkpoint_every_steps", 0),
    AtLeast("Runtime.keep_checkpoints", 1),
    AtLeast("Runtime.memory_limit", 0),
};

// The numbers of a singular or repeated field; none for one that holds no numbers.
std::vector<double> Numbers(const Message& message, const FieldDescriptor* field) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<double> numbers;
  const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
  for (int i = 0; i < size; ++i) {
    const bool repeated = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        numbers.push_back(repeated ? reflection.GetRepeatedInt32(message, field, i)
                                   : reflection.GetInt32(message, field));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        numbers.push_back(static_cast<double>(repeated ? reflection.GetRepeatedInt64(message, field, i)
                                                       : reflection.GetInt64(message, field)));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        numbers.push_back(repeated ? reflection.GetRepeatedDouble(message, field, i)
                                   : reflection.GetDouble(message, field));
        break;
      default:
        break;
    }
  }
  return numbers;
}

// "feature[2]", or "feature[age]" where the element has a name.
std::string ElementKey(const std::string& key, int index, const Message& element) {
  const FieldDescriptor* name = element.GetDescriptor()->FindFieldByName("name");
  if (name == nullptr || !element.GetReflection()->HasField(element, name))
    return absl::StrCat(key, "[", index, "]");
  return absl::StrCat(key, "[", element.GetReflection()->GetString(element, name), "]");
}

// What takes away that of which somebody wanted none.
std::string HowToHaveNone(const FieldDescriptor& field, const std::string& key) {
  if (field.full_name() != proto::Mlp::descriptor()->full_name() + ".hidden") return "";
  return absl::StrCat("; to have no MLP where an earlier file sets one: clear: '",
                      key.substr(0, key.rfind('.')), "'");
}

absl::Status CheckField(const Message& message, const FieldDescriptor* field, const std::string& key) {
  const Reflection& reflection = *message.GetReflection();
  if (field->message_type() != nullptr) {
    if (!field->is_repeated()) return CheckRanges(reflection.GetMessage(message, field), key);
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      const Message& element = reflection.GetRepeatedMessage(message, field, i);
      TANDEM_RETURN_IF_ERROR(CheckRanges(element, ElementKey(key, i, element)));
    }
    return absl::OkStatus();
  }
  const Range* range = FindRange(*field);
  if (range == nullptr) return absl::OkStatus();
  const std::vector<double> numbers = Numbers(message, field);
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (range->Holds(numbers[i])) continue;
    return ConfigError(key, field->is_repeated() ? absl::StrCat("[", i, "]") : "", ": ", numbers[i],
                       "; must be ", range->Text(), numbers[i] == 0 ? HowToHaveNone(*field, key) : "");
  }
  return absl::OkStatus();
}

// 16777216, where StrCat writes 1.67772e+07.
std::string Number(double value) { return absl::StrFormat("%.10g", value); }

}  // namespace

bool Range::Holds(double value) const {
  // Also false for NaN.
  if (!(std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max()))) return false;
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}

std::string Range::Text() const {
  const bool has_low = std::isfinite(low);
  const bool has_high = std::isfinite(high);
  if (!has_low && !has_high) return "any finite number";
  return absl::StrCat(has_low ? absl::StrCat(low_open ? "more than " : "at least ", Number(low)) : "",
                      has_low && has_high ? " and " : "",
                      has_high ? absl::StrCat(high_open ? "less than " : "at most ", Number(high)) : "");
}

const Range* FindRange(const FieldDescriptor& field) {
  const std::string name = absl::StrCat(field.containing_type()->name(), ".", field.name());
  for (const Range& range : kRanges) {
    if (name == range.field) return &range;
  }
  return nullptr;
}

absl::Status CheckRanges(const Message& message, const std::string& key) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    TANDEM_RETURN_IF_ERROR(CheckField(message, field, JoinKey(key, field->name())));
  }
  return absl::OkStatus();
}

}  // namespace tandem
