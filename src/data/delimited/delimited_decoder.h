// Lines of delimited text become samples.
//
//   auto decoder = MakeDelimitedDecoder(schema, needs, options, {"label", "user"}, "logs/2000-11-20.tsv.gz");
#ifndef TANDEM_SRC_DATA_DELIMITED_DELIMITED_DECODER_H_
#define TANDEM_SRC_DATA_DELIMITED_DELIMITED_DECODER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/cell_decoder.h"
#include "tandem/row_decoder.h"
#include "tandem/schema.h"

namespace tandem {

struct DelimitedOptions {
  char delimiter = '\t';
  bool header = true;                // the first line names the columns...
  std::vector<std::string> columns;  // ...else these do
  char multi_value_separator = '|';
  char weight_separator = ':';
  int64_t max_line_bytes = 0;
  std::optional<char> quote = {};
};

// `columns` in file order. Errors as SampleFormat::MakeDecoder's.
absl::StatusOr<std::unique_ptr<const RowDecoder>> MakeDelimitedDecoder(const Schema& schema,
                                                                       const RowNeeds& needs,
                                                                       const DelimitedOptions& options,
                                                                       absl::Span<const std::string> columns,
                                                                       absl::string_view origin);
absl::StatusOr<std::unique_ptr<const CellDecoder>> MakeDelimitedCellDecoder(
    const Schema& schema, RowUse use, const DelimitedOptions& options, absl::Span<const std::string> columns,
    absl::string_view origin);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_DELIMITED_DECODER_H_
