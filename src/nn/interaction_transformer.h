// Self-attention over a behaviour sequence and the target item (BST, Chen et al. 2019; blocks as in Vaswani
// et al. 2017): what the user did lately, seen in the light of what is to be scored.
//
// Tokens of a row: the places of the sequence, place 0 the most recent one, then the target:
//   x_p = e_p + position_p
// A block, for the tokens that are present:
//   u = x + out(attention(x)),   y  = norm1(u)
//   v = y + ffn2(relu(ffn1(y))), x' = norm2(v)
// with, by heads, and over the D components of a token:
//   attention(x) = softmax(q kT / sqrt(D / heads)) v
//   norm(u) = scale (u - mean) / sqrt(variance + 1e-5) + shift
//
// A place whose vector is zero is absent, as an empty bag is: nobody attends to it, its output is the zero
// vector, and it costs nothing. Output: [rows, places * D], place by place. No dropout.
//
// Blocks: position [places, D]; for each block b b/qkv/weight [D, 3 D] (q, k, v, each head by head),
// b/out/weight [D, D], b/ffn1/weight [D, hidden], b/ffn2/weight [hidden, D], each [in, out] with its .../bias
// [out]; b/norm1/scale, b/norm1/shift, b/norm2/scale, b/norm2/shift [D]. First values: positions normal with
// deviation 0.01, matrices with Xavier's, scales one, biases and shifts zero.
#ifndef TANDEM_SRC_NN_INTERACTION_TRANSFORMER_H_
#define TANDEM_SRC_NN_INTERACTION_TRANSFORMER_H_

#include <memory>
#include <string>

#include "src/nn/layer_outline.h"
#include "tandem/interaction.h"

namespace tandem {

namespace proto {
class Transformer;
}  // namespace proto

// `shape.features` has what `config` names: a sequence, and a target of one field; `heads` divides the
// dimension (validated before).
std::unique_ptr<Interaction> MakeLayer(const proto::Transformer& config, const FieldShape& shape,
                                       const std::string& name, const Kernels& kernels,
                                       ParameterLayout* layout);
LayerOutline OutlineOf(const proto::Transformer& config, const LayerFields& fields);

}  // namespace tandem

#endif  // TANDEM_SRC_NN_INTERACTION_TRANSFORMER_H_
