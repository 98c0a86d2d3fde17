// Shape of one layer of a compressed interaction network (kernels.h).
//
//   const CinShape first{/*maps=*/64, /*previous=*/39, /*fields=*/39, /*symmetric=*/true};
//   const CinShape second{/*maps=*/32, /*previous=*/first.maps, first.fields, /*symmetric=*/false};
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
