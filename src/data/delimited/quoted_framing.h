// Rows of a stream of quoted text: lines, or several of them where a line end is in quotes.
//
//   const std::unique_ptr<const RowFraming> framing = QuotedFraming({',', '"'}, max_row_bytes);
//
// Where a row ends: src/data/delimited/quoted_rows.h. Thread-safe.
#ifndef TANDEM_SRC_DATA_DELIMITED_QUOTED_FRAMING_H_
#define TANDEM_SRC_DATA_DELIMITED_QUOTED_FRAMING_H_

#include <cstdint>
#include <memory>

#include "src/data/delimited/quoted_rows.h"
#include "tandem/row_framing.h"

namespace tandem {

std::unique_ptr<const RowFraming> QuotedFraming(Quoting quoting, int64_t max_row_bytes);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_QUOTED_FRAMING_H_
