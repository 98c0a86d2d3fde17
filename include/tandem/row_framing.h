// How rows lie one after another in bytes, each with its end: what tells them apart in a stream that isn't
// all there yet, and how they are written when they are set aside.
//
//   const RowFraming& framing = format.framing();
//   if (const auto size = framing.RowBytes(bytes, /*scanned=*/0); size.has_value())
//     row = framing.Row(bytes.substr(0, *size), /*first=*/false);
//
// Thread-safe.
#ifndef TANDEM_ROW_FRAMING_H_
#define TANDEM_ROW_FRAMING_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tandem {

class RowFraming {
 public:
  virtual ~RowFraming() = default;
  // How many of `bytes`, which begin in a row, belong to it, its end included. Not set where its end isn't
  // among them: then all of them do. The first `scanned` were looked at before, to no avail.
  virtual std::optional<size_t> RowBytes(absl::string_view bytes, size_t scanned) const = 0;
  // What is the row's own of its bytes, e.g. without a line end. `first`: of the file.
  virtual absl::string_view Row(absl::string_view bytes, bool first) const = 0;
  // What ends a row, e.g. "\n"; the last one of a file may lack it.
  virtual absl::string_view end() const = 0;
  // Appends the row's bytes: RowBytes and Row give it back.
  virtual void Append(absl::string_view row, std::string* bytes) const = 0;
};

}  // namespace tandem

#endif  // TANDEM_ROW_FRAMING_H_
