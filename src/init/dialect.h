// How a log is to be read, told from its first bytes: format, delimiter, quotes, header, encoding.
//
//   TANDEM_ASSIGN_OR_RETURN(const Dialect dialect, FindDialect(text, whole, "clicks.csv", given));
//   MakeSampleFormat(dialect.data);                // from here on the data area reads
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_SRC_INIT_DIALECT_H_
#define TANDEM_SRC_INIT_DIALECT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/cell_reader.h"
#include "tandem/experiment.pb.h"

namespace tandem {

struct Dialect {
  proto::Data data;                   // the format, the quote
  std::vector<std::string> findings;  // what was found, each in a few words
  std::vector<std::string> notes;     // what the reader of a configuration may wonder about, each a sentence
  ListColumns lists;                  // of formats whose cells say so
};

// `text`: the first bytes of a file, uncompressed; `whole`: all of them. What `given` sets stands as it is.
// DataErrors that name `origin` for what isn't read, ConfigErrors for what can't be told.
absl::StatusOr<Dialect> FindDialect(absl::string_view text, bool whole, absl::string_view origin,
                                    const proto::Data& given);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_DIALECT_H_
