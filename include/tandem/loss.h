// The joint loss of teacher and student, with gradients.
//
//   L =  BCE(t, y)                                                       teacher_label
//     +  student_label_weight * BCE(s, y)                                student_label
//     +  logit_weight * [ (s - sg(t))^2  or  T^2 BCE(s/T, sigmoid(sg(t)/T)) ]   logit, t maybe a stored one
//     +  hint_weight * sum_k mean((A_k h^s_k - sg(h^t_k))^2)             hint
//
// (dual-DNN ranking with online knowledge distillation; soft labels: Hinton et al. 2015, eq. 2-4; hints:
// Romero et al. 2015, eq. 3). Means are over the batch (the hint's over its teacher layer's units too): a
// row's loss is multiplied by its sample weight and divided by the rows of the batch. sg() is stop-gradient:
// there is no way, in this interface, for a distillation term to reach the teacher. A term of weight 0 is
// neither computed nor logged, but for student_label, which is always logged. Without one of the towers its
// label term and all of distillation are 0, but for the logit term where a teacher's logits were stored; a
// row without one adds 0 to its mean.
//
// Several teachers each have a teacher_label of their own, from the labels alone; t is the mean of their
// logits, and what is logged as teacher_label is the mean of theirs. A tower of several heads
// (tandem/heads.h) has the mean of its heads' label and logit terms.
//
//   JointLoss loss(config, teacher_widths, student_widths, kernels);
//   loss.Initialize(seed, parameters);
//   loss.Prepare(parameters);
//   loss.Compute(shard, &workspace, &gradients, &sums);      // a shard each; add the sums in shard order
//   sums.Divide(batch_rows);
//
// With hint_normalize a pair's hint is divided by (v + 1e-5), v the variance of the teacher's layer over rows
// and units, as it ran until the step before; by 1 at the first step. A constant to the gradient.
//
// Thread-safe as an Interaction is: Prepare after the parameters changed, then Compute from any thread, a
// workspace each.
#ifndef TANDEM_LOSS_H_
#define TANDEM_LOSS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/parameters.h"

namespace tandem {

namespace proto {
class Distill;
enum Distill_LogitLoss : int;
}  // namespace proto

// Stable forms of sigmoid and of the binary cross entropy of a logit.
double Sigmoid(double logit);
double BinaryCrossEntropy(double logit, double label);

// The terms, unweighted, each already weighted by the samples' weights. Sums over rows until divided by the
// batch's rows.
struct LossTerms {
  double teacher_label = 0;
  double student_label = 0;
  double logit = 0;
  double hint = 0;
  double total = 0;  // weighted: what is minimised

  void Add(const LossTerms& other);
  void Divide(double rows);
};

// Logits that have a loss of their own, where a tower's is the mean of several.
struct LogitPart {
  const float* logits;  // [rows]
  float* d_logits;      // [rows], overwritten; null: not wanted
  double share = 1;     // of its loss in what is minimised: of each of K heads 1 / K
};

// A shard of a batch as the loss sees it. Null logits: that tower isn't there.
struct LossShard {
  int rows = 0;
  int64_t batch_rows = 0;          // divides the gradients
  const float* labels = nullptr;   // [rows], 0 or 1; null: the rows have none, and no label loss
  const float* weights = nullptr;  // [rows], or null: 1
  const float* teacher_logits = nullptr;
  const float* student_logits = nullptr;
  // What they are the means of: the members of a committee, the heads of a tower. Empty: of themselves.
  std::vector<LogitPart> teacher_parts, student_parts;
  // What the student's logits must come near in place of teacher_logits: a teacher's of another time, kAbsent
  // (tandem/batch.h) for a row without one. Null: none are stored.
  const float* stored_logits = nullptr;
  // The hinted layers' activations, pair by pair, [rows, width]. Read only where both towers are there.
  // Empty: the teacher's are not at hand, and there is no hint.
  std::vector<ConstMatrix> teacher_hidden;
  std::vector<ConstMatrix> student_hidden;

  double weight(int row) const { return weights == nullptr ? 1 : weights[row]; }
};

// Where gradients of the batch's mean loss go. Null or empty: not wanted.
struct LossGradients {
  // [rows], overwritten; untouched without that tower, or where its parts have theirs.
  float* d_teacher_logits = nullptr;
  float* d_student_logits = nullptr;
  std::vector<Matrix> d_student_hidden;  // pair by pair, added to
  float* parameters = nullptr;           // flat, of the adapters; overwritten
};

struct LossWorkspace {
  AlignedFloats difference;  // [rows, the widest teacher layer]: A h^s - h^t, then its gradient
};

class JointLoss {
 public:
  // Widths of the hinted pairs, one a `hint` of the config: the layers are resolved and checked before. Empty
  // where a tower is missing. `kernels` must outlive the loss.
  JointLoss(const proto::Distill& config, const std::vector<int>& teacher_widths,
            const std::vector<int>& student_widths, const Kernels& kernels);

  int pairs() const { return static_cast<int>(pairs_.size()); }
  // Adapters ("adapter/0/weight" [student, teacher], "adapter/0/bias" [teacher]), where the widths differ,
  // and with hint_normalize the running statistics of the teacher's layers ("hint/0/statistics": mean, mean
  // square, steps). They belong to the student, and are there whatever hint_weight is.
  const ParameterLayout& layout() const { return layout_; }
  // Weights: Xavier normal; biases and statistics 0.
  void Initialize(uint64_t seed, float* parameters) const;
  void Prepare(const float* parameters);
  LossWorkspace MakeWorkspace(int rows) const;

  // Overwrites `sums` with the shard's sums.
  void Compute(const LossShard& shard, LossWorkspace* workspace, LossGradients* gradients,
               LossTerms* sums) const;

  // hint_normalize only: doubles that a shard sums (per pair: sum h, sum h^2 over rows and units), 0 when
  // off; and the update of the running statistics after a step, `rows` those of the batch. The first step
  // sets them; step t keeps min(0.99, t / (t + 1)).
  int statistics_size() const;
  void SumStatistics(const LossShard& shard, double* sums) const;
  void UpdateStatistics(const double* sums, int64_t rows, float* parameters) const;

 private:
  struct Pair {
    int teacher_width = 0, student_width = 0;
    bool adapted = false;
    // In the flat vector; -1: not there.
    int64_t weight = -1, bias = -1, statistics = -1;
    AlignedFloats packed, packed_transposed, packed_bias;
    double inverse_variance = 1;
  };

  void ComputeTeachers(const LossShard& shard, LossGradients* gradients, LossTerms* sums) const;
  void ComputeStudent(const LossShard& shard, const LogitPart& part, LossTerms* sums) const;
  void ComputeHint(int k, const LossShard& shard, LossWorkspace* workspace, LossGradients* gradients,
                   LossTerms* sums) const;
  void BackwardHint(int k, ConstMatrix student, ConstMatrix d_adapted, LossGradients* gradients) const;

  const double student_label_weight_, logit_weight_, hint_weight_, temperature_;
  const proto::Distill_LogitLoss logit_loss_;
  const bool hint_normalize_;
  const Kernels& kernels_;
  ParameterLayout layout_;
  std::vector<Pair> pairs_;
};

}  // namespace tandem

#endif  // TANDEM_LOSS_H_
