// Scores tiles of rows with a plain student: normalisation, layers and read-out one after another while the
// tile is in the cache, in the precision that is served.
//
//   auto scorer = MakeStudentScorer(PlainStudentsOf(tower, parameters), Precision::kF32, kernels);
//   AlignedFloats workspace(scorer->workspace_floats(32));
//   scorer->Score(x, linear, workspace.data(), logits);      // up to 32 rows
//
// A student of several heads is scored head by head on a tile, and their mean is its logit.
//
// In float32 a logit has the bits of Tower::Forward. In bfloat16 weights and each layer's input are rounded;
// in int8 weights have a scale for each output, each layer's input one for each row
// (src/kernels/low_precision.h has the formulas). Biases and the read-out stay float32.
//
// Thread-safe after construction: each thread has a workspace of its own. Score allocates nothing. A row's
// logit doesn't depend on the rows around it.
#ifndef TANDEM_SRC_SERVE_STUDENT_SCORER_H_
#define TANDEM_SRC_SERVE_STUDENT_SCORER_H_

#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "src/serve/plain_student.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/precision.h"

namespace tandem {

class StudentScorer {
 public:
  virtual ~StudentScorer() = default;

  virtual int64_t workspace_floats(int rows) const = 0;
  // x: [rows, input width], normalised in place; `linear`: the rows' linear sums, null where there are none.
  // Overwrites logits [rows].
  virtual void Score(Matrix x, const float* linear, float* workspace, float* logits) const = 0;
  // Values of bfloat16 that a row of ScoreRounded takes; 0: there is no such thing in this precision, or the
  // input is normalised.
  virtual int64_t rounded_stride() const { return 0; }
  // Score of an x that is rounded to bfloat16 already, [rows, rounded_stride()] with zeros behind the input's
  // width: the same bits.
  virtual void ScoreRounded(const uint16_t* x, int rows, const float* linear, float* workspace,
                            float* logits) const;
  // Of the kernels: "avx512", "avx512vnni", ...
  virtual const char* variant() const = 0;
};

// Copies what it needs of the student's heads, at least one; `kernels` must outlive the scorer.
std::unique_ptr<StudentScorer> MakeStudentScorer(absl::Span<const PlainStudent> heads, Precision precision,
                                                 const Kernels& kernels);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_STUDENT_SCORER_H_
