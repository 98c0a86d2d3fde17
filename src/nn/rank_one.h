// Networks of one matrix a layer that differ in rank-one scalings of it: BatchEnsemble (Wen et al. 2020, eq.
// 2), as TabM has it (Gorishniy et al. 2025). Head k reads a layer's input x as
//
//   h = relu(((x * r_k) W) * s_k + b_k)  =  relu(x W_k + b_k),   W_k = diag(r_k) W diag(s_k)
//
// so that each is a plain network of the folded matrix W_k: it is folded whenever parameters change, and its
// gradient unfolded into those of W, r_k and s_k.
//
//   RankOne rank_one(heads, layout_of_one_network, kernels, &layout);
//   rank_one.Prepare(parameters);
//   rank_one.Fold(k, parameters, of_network);                      // of_network: as the one's layout has it
//   ... a plain network's forward and backward on of_network ...
//   rank_one.Unfold(k, d_of_network, gradients);                   // heads in ascending order
//
// Blocks: for each matrix of the network name [in, out], name_inputs [heads, in] and name_outputs [heads,
// out]; its statistics as they are, which all share; every other block with an axis of heads in front.
// Factors are neither decayed nor pulled by L2: they begin at 1 and -1.
//
// Threads: Unfold from any number of them, gradients of its own each, after a Prepare.
#ifndef TANDEM_SRC_NN_RANK_ONE_H_
#define TANDEM_SRC_NN_RANK_ONE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/parameters.h"

namespace tandem {

class RankOne {
 public:
  // Where the network has statistics, they are its first blocks (CHECK). `kernels` must outlive it.
  RankOne(int heads, const ParameterLayout& network, const Kernels& kernels, ParameterLayout* layout);

  // Where the statistics lie in the flat vector, one block after another as in the network's layout.
  int64_t statistics_begin() const { return begin_; }

  // First values: the matrices and statistics of `networks[0]`, all else of its own network (each as the
  // network's layout has it). The factors of the first matrix's inputs are random signs, the others 1.
  void Initialize(uint64_t seed, absl::Span<const AlignedFloats> networks, float* parameters) const;
  // Keeps what Unfold reads.
  void Prepare(const float* parameters);
  // Overwrites `network` with head's parameters.
  void Fold(int head, const float* parameters, float* network) const;
  // Overwrites a head's own gradients, and those of the matrices with its part of them, to which the next
  // heads' are added. Uses `d_network` up.
  void Unfold(int head, float* d_network, float* gradients) const;

 private:
  struct Block {
    enum Kind { kShared, kMatrix, kOwn } kind;
    std::string name;
    int64_t network, flat;  // where it lies
    int64_t size;           // in the network
    int inputs = 0, outputs = 0;
    int64_t factors_in = 0, factors_out = 0;  // of the first head, in the flat vector
  };

  const int heads_;
  const Kernels& kernels_;
  std::vector<Block> blocks_;
  int64_t begin_ = 0, end_ = 0;  // in the flat vector
  AlignedFloats prepared_;       // from begin_ on
};

}  // namespace tandem

#endif  // TANDEM_SRC_NN_RANK_ONE_H_
