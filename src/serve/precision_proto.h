// Between the public names of the precisions and of what they cost, and those in a bundle's files.
#ifndef TANDEM_SRC_SERVE_PRECISION_PROTO_H_
#define TANDEM_SRC_SERVE_PRECISION_PROTO_H_

#include "src/embedding/stored_precision.h"
#include "tandem/precision_report.h"
#include "tandem/state.pb.h"

namespace tandem {

proto::PrecisionReport ToProto(const PrecisionReport& report);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_PRECISION_PROTO_H_
