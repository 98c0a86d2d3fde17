// Shape of one layer of a compressed interaction network (kernels.h).
//
// Plain values.
#ifndef TANDEM_CIN_SHAPE_H_
#define TANDEM_CIN_SHAPE_H_

namespace tandem {

struct CinShape {
  int maps;        // H, maps of this layer
  int previous;    // maps of the layer below that it reads
  int fields;      // m
  bool symmetric;  // the first layer: X^k is X^0 (previous == fields), and only pairs j >= i are computed,
                   // with folded weights
};

}  // namespace tandem

#endif  // TANDEM_CIN_SHAPE_H_
