// Feature-interaction layers: what a tower sees beyond the raw embeddings.
//
//   ParameterLayout layout;
//   auto layer = MakeInteraction(config, {/*fields=*/39, /*dim=*/16}, "interaction/0", kernels, &layout);
//   layer->Initialize(seed, parameters);
//   layer->Prepare(parameters);
//   layer->Forward(fields, workspace, out);                     // out: [rows, layer->width()]
//   layer->Backward(fields, workspace, d_output, d_fields, gradients);
//
// Life of a layer: (1) built from its config, it registers its parameters; (2) Initialize fills them from the
// seed; (3) Prepare repacks them, after every change of theirs; (4) any number of threads call Forward, then
// Backward, on shards of a batch, each with a workspace and gradients of its own; (5) an optimizer updates
// the parameters, and (3) follows. A layer keeps no state of a batch: that lives in the workspace.
//
// Shapes: `fields` is X0 = [rows, fields * dim], component d of field f of row r at
//
//   fields.row(r)[f * dim + d]
#ifndef TANDEM_INTERACTION_H_
#define TANDEM_INTERACTION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "tandem/axis.h"
#include "tandem/gradient_sum.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/parameters.h"

namespace tandem {

namespace proto {
class Interaction;
}  // namespace proto

// The fields that one feature makes: one, or a place each of a sequence.
struct FeatureFields {
  std::string name;
  int first;
  int count;
  bool sequence;
};

struct FieldShape {
  int fields;  // m
  int dim;     // D
  // By which a layer finds the fields that its config names. Read while a layer is built, and not kept; empty
  // where no layer asks. The fields of sequences come last.
  absl::Span<const FeatureFields> features = {};
};

// All fields but those of sequences, which only layers read that say so (ReadsSequences).
int PlainFields(const FieldShape& shape);

class Interaction {
 public:
  virtual ~Interaction() = default;

  // What the columns of the output row stand for: components for FM, pooled maps for CIN, components of
  // fields for a cross network. Weights that read the output have this axis.
  virtual const Axis& output() const = 0;
  int width() const { return output().size(); }
  // PARALLEL towers read the output out by its plain sum (FM) or by learned weights (all others).
  virtual bool learned_readout() const = 0;
  // Floats of workspace that Forward and Backward need for a shard of `rows`.
  virtual int64_t workspace_floats(int rows) const = 0;
  // Multiplications and additions of Forward for one sample.
  virtual int64_t flops_per_sample() const = 0;

  // Writes this layer's blocks of the tower's flat vector. A function of (seed, the layer's name).
  virtual void Initialize(uint64_t seed, float* parameters) const = 0;
  // Copies what the kernels need out of the tower's flat vector. Not concurrent with Forward and Backward.
  virtual void Prepare(const float* parameters) = 0;
  // Overwrites `output` [rows, width()].
  virtual void Forward(ConstMatrix fields, float* workspace, Matrix output) const = 0;
  // After Forward with the same fields and workspace. Adds to `d_fields` [rows, fields * dim], or leaves it
  // out where `d_fields.data` is null: not wanted. Overwrites this layer's blocks of the flat `gradients`.
  virtual void Backward(ConstMatrix fields, float* workspace, ConstMatrix d_output, Matrix d_fields,
                        const GradientSum& gradients) const = 0;
};

// Whether a layer's `shape` and `fields` include the sequences; else it is given the plain fields alone.
bool ReadsSequences(const proto::Interaction& config);

// Builds the layer that `config` names (validated before: a config without a kind is a CHECK failure).
// Registers its parameters in `layout` under `name`. `kernels` must outlive the layer.
std::unique_ptr<Interaction> MakeInteraction(const proto::Interaction& config, const FieldShape& shape,
                                             const std::string& name, const Kernels& kernels,
                                             ParameterLayout* layout);

}  // namespace tandem

#endif  // TANDEM_INTERACTION_H_
