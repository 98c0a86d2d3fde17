// Scores tiles of rows with a plain student: normalisation, layers and read-out one after another while the
// tile is in the cache, with the bits of Tower::Forward.
//
//   StudentScorer scorer(student, kernels);
//   AlignedFloats workspace(scorer.workspace_floats(32));
//   scorer.Score(x, linear, workspace.data(), logits);      // up to 32 rows
//
// Thread-safe after construction: each thread has a workspace of its own. Allocates nothing in Score.
#ifndef TANDEM_SRC_SERVE_STUDENT_SCORER_H_
#define TANDEM_SRC_SERVE_STUDENT_SCORER_H_

#include <cstdint>
#include <vector>

#include "src/serve/plain_student.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"

namespace tandem {

class StudentScorer {
 public:
  // Copies what it needs of `student`; `kernels` must outlive it.
  StudentScorer(const PlainStudent& student, const Kernels& kernels);

  int64_t workspace_floats(int rows) const;
  // x: [rows, input width], normalised in place; `linear`: the rows' linear sums, null where there are none.
  // Overwrites logits [rows].
  void Score(Matrix x, const float* linear, float* workspace, float* logits) const;

 private:
  struct Layer {
    int outputs;
    AlignedFloats packed, bias;
  };

  const Kernels& kernels_;
  AlignedFloats mean_, scale_;
  std::vector<Layer> layers_;
  AlignedFloats head_;
  float bias_;
  int64_t widest_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_STUDENT_SCORER_H_
