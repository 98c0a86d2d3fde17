// Delimited text: a line a row, cells between delimiters, lists within a cell. With a quote a cell may hold
// delimiters, line breaks and, doubled, quotes (RFC 4180; src/data/delimited/quoted_rows.h). Blank lines and
// the header once more are passed over; a header of other columns is a fault that ends the reading.
//
//   label,user,tags,interests
//   1,u17,a|b,c:3|d:1
//   0,"Smith, ""J""",a,
#ifndef TANDEM_SRC_DATA_DELIMITED_DELIMITED_FORMAT_H_
#define TANDEM_SRC_DATA_DELIMITED_DELIMITED_FORMAT_H_

#include <memory>

#include "tandem/sample_format.h"

namespace tandem {

namespace proto {
class Data;
}  // namespace proto

// Of `data`'s `delimited` and `quote`.
std::unique_ptr<const SampleFormat> MakeDelimitedFormat(const proto::Data& data);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_DELIMITED_FORMAT_H_
