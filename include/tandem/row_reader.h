// Reads rows of the embedding tables, wherever they are: all that scoring needs of a store.
//
//   std::vector<TableRows> tables(schema.tables().size());
//   tables[0].keys = {key};
//   TANDEM_RETURN_IF_ERROR(reader.Read(absl::MakeSpan(tables)));
//
// Read and ReadAgain from any thread, while nothing else is asked of the store.
#ifndef TANDEM_ROW_READER_H_
#define TANDEM_ROW_READER_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tandem/row_shape.h"
#include "tandem/table_rows.h"

namespace tandem {

// Reads rows.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual const RowShape& shape() const = 0;
  // Answers all tables, in the schema's order; some may ask for nothing. Changes no row.
  virtual absl::Status Read(absl::Span<TableRows> tables) const = 0;
  // The same keys after the store has learned. `tables` hold an answer, or refer to one.
  virtual absl::Status ReadAgain(absl::Span<TableRows> tables) const { return Read(tables); }
};

}  // namespace tandem

#endif  // TANDEM_ROW_READER_H_
