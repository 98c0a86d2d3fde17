// data.quote, whose default depends on the delimiter.
#ifndef TANDEM_SRC_CONFIG_QUOTE_H_
#define TANDEM_SRC_CONFIG_QUOTE_H_

#include <string>

#include "tandem/experiment.pb.h"

namespace tandem {

// What cells of delimited text are quoted with; empty: nothing.
inline std::string QuoteOf(const proto::Data& data) {
  if (data.has_quote()) return data.quote();
  return data.delimited().delimiter() == "\t" ? "" : "\"";
}

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_QUOTE_H_
