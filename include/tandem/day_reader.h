// The rows of one day's files, decoded, in blocks.
//
//   DayReader reader(fs, *format, schema, RowUse::kTrain, days[0].files, &quarantine, &workers);
//   for (bool more = true; more;) { TANDEM_ASSIGN_OR_RETURN(more, reader.ReadBlock(65536, &block)); ... }
#ifndef TANDEM_DAY_READER_H_
#define TANDEM_DAY_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/batch.h"
#include "tandem/file_system.h"
#include "tandem/quarantine.h"
#include "tandem/row_choice.h"
#include "tandem/row_decoder.h"
#include "tandem/sample_format.h"
#include "tandem/schema.h"

namespace tandem {

class Workers;

// One file after another. Decodes with `workers` where given. Not thread-safe. Errors are DataErrors that
// name the file.
class DayReader {
 public:
  // `quarantine` null: malformed rows are skipped in silence (a later pass over a file that was judged
  // before). `fs`, `format`, `schema`, `quarantine` and `workers` outlive the reader.
  // `quarantine` hears of every row, also of those that aren't chosen, but where held-out ones are: those
  // alone are decoded.
  DayReader(FileSystem& fs, const SampleFormat& format, const Schema& schema, RowUse use,
            std::vector<std::string> files, Quarantine* quarantine, Workers* workers,
            const RowChoice& choice = {});
  ~DayReader();

  // Rows are cheapest to read by so many at a time.
  static constexpr int kPieceRows = 1024;

  // Replaces `block` by the next rows, max_rows of them unless the day ends. False at the end, with no rows.
  absl::StatusOr<bool> ReadBlock(int max_rows, Batch* block);
  // Good rows so far that were held out and passed over.
  int64_t held_out() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem

#endif  // TANDEM_DAY_READER_H_
