// The MLPs of a tower with their read-outs: one, or several side by side on one input, each with a logit and
// a loss of its own. The tower's logit is the mean of theirs.
//
//   Heads heads(config, Axis::OfFields(39, 16), kernels, &layout);       // config.heads() of config.mlp()
//   heads.Initialize(seed, parameters);
//   heads.Prepare(parameters);
//   HeadsWorkspace workspace = heads.MakeWorkspace(128);
//   heads.Forward(x, training, &workspace);
//   ... workspace.logits(k)[row] = what the tower adds + heads.ReadOut(k, workspace, row) ...
//   ... add the hints' gradients to workspace.mlps[0].HiddenGradient(l), the losses' to d_logits ...
//   heads.Backward(x, d_logits, &workspace, d_x, gradients);
//
// OWN: MLPs that share nothing but their input. RANK_ONE: one matrix a layer for all of them, each with
// factors and a bias of its own: they cost the time of as many MLPs and the parameters of little more than
// one.
//
// The first head begins, drops out and learns as the MLP of a tower with one; each other has a seed that
// follows from the tower's and its number.
//
// Blocks: mlp/... and head/weight (the read-out) of one head; heads/k/... with the same names of several; of
// RANK_ONE those of one head, whose biases, factors and read-outs have an axis of heads in front.
//
// Life, threads and ownership are those of an Interaction (tandem/interaction.h).
#ifndef TANDEM_HEADS_H_
#define TANDEM_HEADS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "tandem/axis.h"
#include "tandem/gradient_sum.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/mlp.h"
#include "tandem/parameters.h"

namespace tandem {

class RankOne;

namespace proto {
class Tower;
}  // namespace proto

// Activations and gradients of one shard; one a thread.
struct HeadsWorkspace {
  std::vector<MlpWorkspace> mlps;

  // Of several heads: their logits, and the gradients of their losses, [rows] each.
  float* logits(int head) { return logits_of.data() + static_cast<int64_t>(head) * rows; }
  float* d_logits(int head) { return d_logits_of.data() + static_cast<int64_t>(head) * rows; }

  int rows = 0;  // at most
  std::vector<float> logits_of, d_logits_of;
  AlignedFloats memory;
  Matrix d_x;                 // of one head
  float* d_folded = nullptr;  // RANK_ONE: the gradients of one head's parameters
};

class Heads {
 public:
  // `config` has an MLP and is validated before. `kernels` must outlive the heads.
  Heads(const proto::Tower& config, const Axis& input, const Kernels& kernels, ParameterLayout* layout);
  ~Heads();
  Heads(Heads&&) noexcept;

  int size() const { return static_cast<int>(heads_.size()); }
  // The shape of all of them.
  const Mlp& mlp() const { return heads_[0].mlp; }
  int top_width() const { return mlp().width(mlp().layers() - 1); }
  bool share_matrices() const { return rank_one_ != nullptr; }
  int64_t flops_per_sample() const;
  // What Backward leaves out when nobody wants `d_x`.
  int64_t data_gradient_flops() const { return size() * mlp().data_gradient_flops(); }

  // A head as an MLP and read-out that share nothing: where its parameters lie, as mlp().blocks() and
  // readout_offset() have them. Those of RANK_ONE are written to `folded`, the others found in `parameters`.
  const float* ParametersOf(int head, const float* parameters, AlignedFloats* folded) const;
  int64_t readout_offset() const { return readout_offset_; }

  void Initialize(uint64_t seed, float* parameters) const;
  void Prepare(const float* parameters);
  HeadsWorkspace MakeWorkspace(int rows) const;

  // `training` is null when scoring.
  void Forward(ConstMatrix x, const TrainingPass* training, HeadsWorkspace* workspace) const;
  // After Forward: what a head makes of a row.
  float ReadOut(int head, const HeadsWorkspace& workspace, int row) const;
  // After Forward with the same x. The gradient of a single head's logits is `d_logits` [rows]; several have
  // theirs in the workspace. Overwrites `d_x` (null: not wanted) and the trained blocks of `gradients`.
  void Backward(ConstMatrix x, const float* d_logits, HeadsWorkspace* workspace, const Matrix* d_x,
                const GradientSum& gradients) const;

  // Input normalisation: see Mlp.
  int statistics_size() const;
  void SumStatistics(ConstMatrix x, double* sums) const;
  void UpdateStatistics(const double* sums, int64_t rows, float* parameters) const;

 private:
  struct Head {
    Mlp mlp;
    AlignedFloats readout;
    int64_t begin;  // OWN: of its parameters in the flat vector
  };
  static uint64_t SeedOf(int head, uint64_t seed);
  // Whose statistics are kept: RANK_ONE has one set for all.
  int with_statistics() const { return share_matrices() ? 1 : size(); }

  const Kernels& kernels_;
  std::vector<Head> heads_;
  ParameterLayout own_;  // of one head
  int64_t readout_offset_ = 0;
  std::unique_ptr<RankOne> rank_one_;  // null: OWN
  AlignedFloats folded_;               // Prepare's
};

}  // namespace tandem

#endif  // TANDEM_HEADS_H_
