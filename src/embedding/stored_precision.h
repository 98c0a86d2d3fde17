// Between the public names of the precisions and those in a bundle's files.
#ifndef TANDEM_SRC_EMBEDDING_STORED_PRECISION_H_
#define TANDEM_SRC_EMBEDDING_STORED_PRECISION_H_

#include "tandem/embedding_file.pb.h"
#include "tandem/precision.h"

namespace tandem {

inline proto::StoredPrecision ToProto(Precision precision) {
  return precision == Precision::kBf16   ? proto::BF16
         : precision == Precision::kInt8 ? proto::INT8
                                         : proto::F32;
}

inline Precision FromProto(proto::StoredPrecision precision) {
  return precision == proto::BF16   ? Precision::kBf16
         : precision == proto::INT8 ? Precision::kInt8
                                    : Precision::kF32;
}

}  // namespace tandem

#endif  // TANDEM_SRC_EMBEDDING_STORED_PRECISION_H_
