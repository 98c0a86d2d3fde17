// What the config of an interaction tells of its layer before there is one.
//
//   LayerOutline OutlineOf(const proto::Cin& config, const LayerFields& fields);       // one a layer, in its file
//
// In double, and without a layer: a config may ask for more than an int64 counts or any memory holds, and is
// to be refused before anything of it is built. (A layout doesn't do: its axes are vectors, one a field.)
#ifndef TANDEM_SRC_NN_LAYER_OUTLINE_H_
#define TANDEM_SRC_NN_LAYER_OUTLINE_H_

#include <functional>
#include <string>

namespace tandem {

namespace proto {
class Interaction;
}  // namespace proto

// What the tower reads.
struct LayerFields {
  double fields = 0;  // sequences aside
  double dim = 0;
  // Places of the sequence of that name, 0 where there is none.
  std::function<double(const std::string& sequence)> places = [](const std::string&) { return 0.0; };
};

struct LayerOutline {
  // The setting that asks for the most, behind ".interaction.": "cin.layers".
  std::string setting;
  // Biases may be left out. Never more than the layer has: a model's file that holds fewer is refused.
  double weights = 0;
  // About what a row takes on its way through the layer and back: most numbers twice, as each has a gradient.
  double activations = 0;
  // Of the output.
  double width = 0;
  // Whether its `shape` and `fields` include the sequences (tandem/interaction.h).
  bool reads_sequences = false;
};

// Of the arm that is set; without one, nothing.
LayerOutline OutlineOf(const proto::Interaction& config, const LayerFields& fields);

}  // namespace tandem

#endif  // TANDEM_SRC_NN_LAYER_OUTLINE_H_
