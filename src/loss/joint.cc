// The joint loss of a shard: label and logit terms, and which hints count (tandem/loss.h; hint.cc has the
// hint itself).
#include <glog/logging.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "src/nn/initialize.h"
#include "tandem/batch.h"
#include "tandem/experiment.pb.h"
#include "tandem/loss.h"

namespace tandem {
namespace {

struct Value {
  double loss;
  double derivative;  // with respect to the logit that learns
};

// What either tower owes a label.
Value LabelLoss(double logit, double label) {
  return {BinaryCrossEntropy(logit, label), Sigmoid(logit) - label};
}

Value SquaredError(double student, double teacher) {
  const double difference = student - teacher;
  return {difference * difference, 2 * difference};
}

// T^2 keeps the gradient's size as T grows (Hinton et al. 2015, section 2).
Value SoftLabel(double student, double teacher, double temperature) {
  const double target = Sigmoid(teacher / temperature);
  return {temperature * temperature * BinaryCrossEntropy(student / temperature, target),
          temperature * (Sigmoid(student / temperature) - target)};
}

Value LogitLoss(proto::Distill::LogitLoss kind, double student, double teacher, double temperature) {
  switch (kind) {
    case proto::Distill::MSE:
      return SquaredError(student, teacher);
    case proto::Distill::SOFT_LABEL:
      return SoftLabel(student, teacher, temperature);
  }
  LOG(FATAL) << "a logit loss without a formula: " << kind;
}

// The sum over rows, and the gradient of the batch's mean; null: not wanted.
double TeacherLabelLoss(const LossShard& shard, const LogitPart& part) {
  double sum = 0;
  for (int row = 0; row < shard.rows; ++row) {
    const Value value = LabelLoss(part.logits[row], shard.labels[row]);
    const double weight = shard.weight(row);
    sum += weight * value.loss;
    if (part.d_logits == nullptr) continue;
    part.d_logits[row] =
        static_cast<float>(part.share * weight * value.derivative / static_cast<double>(shard.batch_rows));
  }
  return sum;
}

}  // namespace

JointLoss::JointLoss(const proto::Distill& config, const std::vector<int>& teacher_widths,
                     const std::vector<int>& student_widths, const Kernels& kernels)
    : student_label_weight_(config.student_label_weight()),
      logit_weight_(config.logit_weight()),
      hint_weight_(config.hint_weight()),
      temperature_(config.temperature()),
      logit_loss_(config.logit_loss()),
      hint_normalize_(config.hint_normalize()),
      kernels_(kernels),
      pairs_(teacher_widths.size()) {
  CHECK_EQ(teacher_widths.size(), student_widths.size());
  for (int k = 0; k < pairs(); ++k) {
    Pair& pair = pairs_[k];
    pair.teacher_width = teacher_widths[k];
    pair.student_width = student_widths[k];
    pair.adapted = pair.teacher_width != pair.student_width;
    if (pair.adapted) {
      pair.weight = layout_.Add(absl::StrCat("adapter/", k, "/weight"),
                                {pair.student_width, pair.teacher_width}, ParameterKind::kWeight);
      pair.bias =
          layout_.Add(absl::StrCat("adapter/", k, "/bias"), {pair.teacher_width}, ParameterKind::kBias);
    }
    if (hint_normalize_) {
      pair.statistics = layout_.Add(absl::StrCat("hint/", k, "/statistics"), {3}, ParameterKind::kStatistic);
    }
  }
}

void JointLoss::Initialize(uint64_t seed, float* parameters) const {
  std::fill_n(parameters, layout_.size(), 0.0f);
  for (const ParameterBlock& block : layout_.blocks()) {
    if (block.kind != ParameterKind::kWeight) continue;
    InitializeNormal(seed, block.name, block.size, XavierDeviation(block.shape[0], block.shape[1]),
                     parameters + block.offset);
  }
}

LossWorkspace JointLoss::MakeWorkspace(int rows) const {
  int64_t widest = 0;
  for (const Pair& pair : pairs_) widest = std::max<int64_t>(widest, pair.teacher_width);
  LossWorkspace workspace;
  workspace.difference.resize(rows * widest);
  return workspace;
}

void JointLoss::Compute(const LossShard& shard, LossWorkspace* workspace, LossGradients* gradients,
                        LossTerms* sums) const {
  *sums = LossTerms();
  if (gradients->parameters != nullptr) std::fill_n(gradients->parameters, layout_.size(), 0.0f);
  if (shard.teacher_logits != nullptr && shard.labels != nullptr) ComputeTeachers(shard, gradients, sums);
  if (shard.student_logits != nullptr && shard.student_parts.empty())
    ComputeStudent(shard, {shard.student_logits, gradients->d_student_logits}, sums);
  for (const LogitPart& part : shard.student_parts) ComputeStudent(shard, part, sums);
  if (shard.teacher_logits != nullptr && shard.student_logits != nullptr && hint_weight_ != 0 &&
      !shard.teacher_hidden.empty()) {
    for (int k = 0; k < pairs(); ++k) ComputeHint(k, shard, workspace, gradients, sums);
  }
  sums->total = sums->teacher_label + student_label_weight_ * sums->student_label +
                logit_weight_ * sums->logit + hint_weight_ * sums->hint;
}

void JointLoss::ComputeTeachers(const LossShard& shard, LossGradients* gradients, LossTerms* sums) const {
  if (shard.teacher_parts.empty()) {
    sums->teacher_label = TeacherLabelLoss(shard, {shard.teacher_logits, gradients->d_teacher_logits});
    return;
  }
  double towers = 0;
  for (const LogitPart& part : shard.teacher_parts) towers += part.share;
  for (const LogitPart& part : shard.teacher_parts)
    sums->teacher_label += part.share * TeacherLabelLoss(shard, part) / towers;
}

void JointLoss::ComputeStudent(const LossShard& shard, const LogitPart& part, LossTerms* sums) const {
  const bool stored = shard.stored_logits != nullptr;
  const float* const targets = stored ? shard.stored_logits : shard.teacher_logits;
  const bool distill = targets != nullptr && logit_weight_ != 0;
  for (int row = 0; row < shard.rows; ++row) {
    const double logit = part.logits[row], weight = part.share * shard.weight(row);
    double derivative = 0;
    if (shard.labels != nullptr) {
      const Value value = LabelLoss(logit, shard.labels[row]);
      sums->student_label += weight * value.loss;
      derivative = student_label_weight_ * value.derivative;
    }
    if (distill && !(stored && IsAbsent(targets[row]))) {
      const double teacher = targets[row];
      const Value value = LogitLoss(logit_loss_, logit, teacher, temperature_);
      sums->logit += weight * value.loss;
      derivative += logit_weight_ * value.derivative;
    }
    if (part.d_logits == nullptr) continue;
    part.d_logits[row] = static_cast<float>(weight * derivative / static_cast<double>(shard.batch_rows));
  }
}

}  // namespace tandem
