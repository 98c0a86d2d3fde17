// The number format that a bundle serves in: of its embedding rows and of its MLP's weights and activations.
//
//   TANDEM_ASSIGN_OR_RETURN(const Precision precision, ParsePrecision("int8"));
//   std::cout << PrecisionName(precision);                     // "int8"
//
// Functions are thread-safe.
#ifndef TANDEM_PRECISION_H_
#define TANDEM_PRECISION_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tandem {

enum class Precision {
  kF32,
  kBf16,  // bfloat16: float32 with 8 bits of mantissa, sums in float32
  kInt8,  // a scale for each row of a table, output of a layer and row of activations; sums in int32
};

// "f32", "bf16" or "int8".
const char* PrecisionName(Precision precision);
// A ConfigError for any other name.
absl::StatusOr<Precision> ParsePrecision(absl::string_view name);

}  // namespace tandem

#endif  // TANDEM_PRECISION_H_
