// Every layer, the tower and the joint loss once more: forward only, in double, in the plainest loops that
// state the formula.
//
//   const reference::Parameters parameters(layer->layout(), values);
//   const reference::TowerOutput output = reference::Tower(config, shape, parameters, x, rows);
//
// Nothing here shares code with src/, so that the two check each other; gradients come from it by finite
// differences (tests/support/gradient_checker.h). Matrices are row-major, as everywhere.
#ifndef TANDEM_TESTS_SUPPORT_REFERENCE_H_
#define TANDEM_TESTS_SUPPORT_REFERENCE_H_

#include <optional>
#include <string>
#include <vector>

#include "tandem/experiment.pb.h"
#include "tandem/interaction.h"
#include "tandem/parameters.h"

namespace tandem::reference {

using Vector = std::vector<double>;

// The named blocks of a flat vector. Looks at both; owns neither.
class Parameters {
 public:
  Parameters(const ParameterLayout& layout, const Vector& values) : layout_(layout), values_(values) {}
  bool Has(const std::string& name) const { return layout_.Find(name) != nullptr; }
  // CHECKs that the block exists.
  const double* operator[](const std::string& name) const;

 private:
  const ParameterLayout& layout_;
  const Vector& values_;
};

// Output [rows, width] of the interaction registered under `name`. x: [rows, fields, dim]. Where `kink` isn't
// null, it is lowered to the smallest |argument| of a ReLU.
Vector Interaction(const proto::Interaction& config, const FieldShape& shape, const std::string& name,
                   const Parameters& parameters, const Vector& x, int rows, double* kink);

// The multipliers that dropout gives the units of each hidden layer, [rows, width] a layer; empty: none.
using DropoutMasks = std::vector<Vector>;

// The hidden layers after activation and dropout, [rows, width] a layer. With `head` that head of an MLP with
// rank-one factors: h = relu(((x * r) W) * s + b).
std::vector<Vector> Mlp(const proto::Mlp& config, int input_width, const std::string& name,
                        const Parameters& parameters, const Vector& x, int rows, const DropoutMasks& masks,
                        double* kink, std::optional<int> head = std::nullopt);

struct TowerOutput {
  Vector logits;                    // of several heads the mean
  std::vector<Vector> head_logits;  // one or more
  std::vector<Vector> hidden;       // of the first head
  double kink = 1e30;               // the smallest |argument| of a ReLU
};

// `linear` [rows], empty where the tower has no linear part.
TowerOutput Tower(const proto::Tower& config, const FieldShape& shape, const Parameters& parameters,
                  const Vector& x, const Vector& linear, int rows, const DropoutMasks& masks = {});

// One hinted pair of hidden layers. An empty adapter is the identity.
struct Hint {
  Vector teacher;  // [rows, teacher_width], frozen
  Vector student;  // [rows, student_width]
  int teacher_width, student_width;
  Vector weight, bias;          // adapter [student_width, teacher_width], [teacher_width]
  double inverse_variance = 1;  // of the teacher's layer, with hint_normalize
};

struct Losses {
  double teacher_label = 0, student_label = 0, logit = 0, hint = 0;
  double total = 0;  // weighted
};

// Means over rows, each row times its weight (empty: 1). `frozen_teacher` is sg(t): pass the same numbers,
// and differentiate with respect to `teacher` alone.
Losses JointLoss(const proto::Distill& config, const Vector& labels, const Vector& weights,
                 const Vector& teacher, const Vector& frozen_teacher, const Vector& student,
                 const std::vector<Hint>& hints);

}  // namespace tandem::reference

#endif  // TANDEM_TESTS_SUPPORT_REFERENCE_H_
