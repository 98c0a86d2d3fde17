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

// Far above what is sensible, and far below where sums and products of a few of them leave an int32, an
// int64 or a float: a slip becomes a message instead of an exhausted memory or a number that has turned over.
constexpr double kMuch = 1e6;      // weights, rates, multipliers
constexpr double kMany = 1e9;      // counts in 32 bits, seconds
constexpr double kCounted = 1e15;  // counts in 64 bits
constexpr double kFar = 1e30;      // numbers of a log
constexpr double kFarthest = std::numeric_limits<float>::max();
constexpr double kMostPasses = 1e5;
constexpr double kMostSteps = 1e4;  // student steps for every batch

constexpr Range Closed(const char* field, double low, double high) {
  return {field, low, high, false, false};
}
// (0, high]
constexpr Range Positive(const char* field, double high) { return {field, 0, high, true, false}; }
// [0, 1): shares of which something must be left.
constexpr Range BelowOne(const char* field) { return {field, 0, 1, false, true}; }

constexpr Range kRanges[] = {
    Positive("Data.negative_keep_rate", 1),
    Closed("Data.max_bad_fraction", 0, 1),
    Closed("JsonLines.max_line_bytes", 1, 1 << 30),
    Closed("Delimited.max_line_bytes", 1, 1 << 30),
    Closed("Sequence.max_length", 1, 1000),
    Closed("Dense.mean", -kFar, kFar),
    Positive("Dense.deviation", kFar),
    Positive("Dense.max_magnitude", kFar),
    Closed("Bucketize.boundaries", -kFarthest, kFarthest),
    Closed("Piecewise.knots", -kFarthest, kFarthest),
    Closed("Piecewise.max_knots", 2, 4096),
    Closed("Piecewise.init_slope", 0, 100),
    Closed("Embedding.dim", 1, 1024),
    Closed("Embedding.init_deviation", 0, kMuch),
    Closed("Embedding.min_count", 1, kMany),
    BelowOne("Embedding.id_dropout"),
    Closed("Embedding.l2", 0, kMuch),
    Closed("Embedding.weight_decay", 0, kMuch),
    Closed("Embedding.max_rows", 0, kCounted),
    Closed("Embedding.expire_days", 0, kMuch),
    {"SlowCopy.decay", 0, 1, true, true},
    Closed("CommitteeMember.copies", 1, 64),
    Closed("Tower.heads", 1, 64),
    Closed("OwnEmbedding.dim", 1, 1024),
    Closed("OwnEmbedding.init_deviation", 0, kMuch),
    Closed("OwnEmbedding.min_count", 1, kMany),
    Closed("OwnEmbedding.l2", 0, kMuch),
    Closed("Mlp.hidden", 1, 65536),
    BelowOne("Mlp.dropout"),
    BelowOne("Mlp.normalize_decay"),
    Closed("Cin.layers", 1, 65536),
    Closed("Cross.layers", 1, 1000),
    Closed("Cross.rank", 0, 65536),
    Closed("Transformer.heads", 1, 1024),
    Closed("Transformer.blocks", 1, 100),
    Closed("Transformer.hidden", 1, 65536),
    Closed("Distill.student_label_weight", 0, kMuch),
    Closed("Distill.logit_weight", 0, kMuch),
    Positive("Distill.temperature", kMuch),
    Closed("Distill.hint_weight", 0, kMuch),
    Closed("Hint.teacher_layer", -kMuch, kMuch),
    Closed("Hint.student_layer", -kMuch, kMuch),
    Positive("Distill.lr_multiplier", kMuch),
    Closed("Replay.steps", 1, kMostSteps),
    Closed("Replay.batches", 1, 1 << 20),
    Positive("StudentPhase.fraction", 1000),
    Closed("StudentPhase.steps_per_row", 1, kMostSteps),
    Closed("StudentPhase.final", 0, 1),
    Positive("StudentPhase.lr_multiplier", kMuch),
    Closed("StudentPhase.recombined_batches", 0, kMostSteps),
    Closed("StudentPhase.recombined_share", 0, 1),
    BelowOne("StudentPhase.recombined_unknown"),
    Closed("Train.window_days", 1, 36500),
    Closed("Train.epochs", 1, kMostPasses),
    Closed("Train.batch_size", 1, 1 << 24),
    Closed("Train.shard_rows", 1, 1 << 24),
    Closed("Train.shuffle_rows", 0, 1 << 30),
    Closed("Train.l2", 0, kMuch),
    Closed("Train.weight_decay", 0, kMuch),
    Closed("Train.clip_norm", 0, kFar),
    BelowOne("Train.average_decay"),
    {"Validation.share", 0, 1, true, true},
    Closed("Validation.days", 1, 36500),
    Closed("Validation.patience", 1, kMany),
    Closed("Schedule.warmup_steps", 0, kCounted),
    Closed("Schedule.decay_steps", 0, kCounted),
    Closed("Schedule.final", 0, 1),
    Positive("Sgd.lr", kFarthest),
    Positive("Adagrad.lr", kFarthest),
    Closed("Adagrad.initial_accumulator", 0, kFar),
    Positive("Adagrad.epsilon", kMuch),
    Positive("Adam.lr", kFarthest),
    BelowOne("Adam.beta1"),
    BelowOne("Adam.beta2"),
    Positive("Adam.epsilon", kMuch),
    Positive("Ftrl.lr", kFarthest),
    Closed("Ftrl.beta", 0, kMuch),
    Closed("Ftrl.l1", 0, kMuch),
    Closed("Ftrl.l2", 0, kMuch),
    Positive("Muon.lr", kFarthest),
    BelowOne("Muon.momentum"),
    Closed("Muon.iterations", 1, 6),
    Closed("Online.batch_rows", 1, 1 << 24),
    Closed("Online.max_delay_seconds", 0, kMany),
    Positive("Online.lr_multiplier", kMuch),
    Positive("Online.embedding_lr_multiplier", kMuch),
    Closed("Online.max_rows", 0, kCounted),
    Closed("Online.window_rows", 1, 1 << 28),
    Closed("Online.checkpoint_rows", 0, kCounted),
    Closed("Online.checkpoint_seconds", 0, kMany),
    Closed("Online.keep_bundles", 1, kMany),
    Closed("Online.guard_limit", 0, kMuch),
    Closed("Online.guard_patience", 1, kMany),
    Closed("Online.label_delay", 0, kMany),
    Closed("Online.label_queue_rows", 1, kCounted),
    Closed("Daily.warm_days", 1, 36500),
    Positive("Daily.warm_lr_multiplier", kMuch),
    Positive("Daily.finetune_lr_multiplier", kMuch),
    Closed("Daily.finetune_epochs", 1, kMostPasses),
    Closed("Gate.max_auc_loss", 0, 1),
    Closed("Gate.max_logloss_growth", 0, kMuch),
    Closed("Gate.min_copc", 0, kMuch),
    Closed("Gate.max_copc", 0, kMuch),
    Closed("Gate.min_rows", 0, kCounted),
    Closed("Gate.min_rows_share", 0, kMuch),
    Closed("Gate.max_bad_fraction", 0, 1),
    Closed("Gate.min_auc", 0, 1),
    Closed("Runtime.threads", 0, 1024),
    Closed("Runtime.log_every_steps", 1, kMany),
    Closed("Runtime.checkpoint_every_steps", 0, kMany),
    Closed("Runtime.keep_checkpoints", 1, kMany),
    Closed("Runtime.memory_limit", 0, kCounted * 1000),
};

// 16777216, where StrCat writes 1.67772e+07.
std::string Number(double value) { return absl::StrFormat("%.10g", value); }

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
    return ConfigError(key, field->is_repeated() ? absl::StrCat("[", i, "]") : "", ": ", Number(numbers[i]),
                       "; must be ", range->Text(), numbers[i] == 0 ? HowToHaveNone(*field, key) : "");
  }
  return absl::OkStatus();
}

}  // namespace

bool Range::Holds(double value) const {
  // Also false for NaN.
  if (!(std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max()))) return false;
  return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
}

std::string Range::Text() const {
  return absl::StrCat(low_open ? "more than " : "at least ", Number(low), " and ",
                      high_open ? "less than " : "at most ", Number(high));
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
