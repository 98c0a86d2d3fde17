// JSON lines: an object a line.
//
//   {"label": 1, "user": "u17", "age": 37, "tags": ["a", "b"], "interests": {"c": 3, "d": 1}}
//
// Keys are columns, in any order; one that is absent or null is a missing cell. Strings and numbers are
// cells, as they are written; true and false are 1 and 0. An array is a cell of several values, the last one
// the most recent; an object one of values with weights. A column twice is a malformed row.
#ifndef TANDEM_SRC_DATA_JSON_LINES_JSON_LINES_FORMAT_H_
#define TANDEM_SRC_DATA_JSON_LINES_JSON_LINES_FORMAT_H_

#include <memory>

#include "tandem/sample_format.h"

namespace tandem {

namespace proto {
class JsonLines;
}  // namespace proto

std::unique_ptr<const SampleFormat> MakeJsonLinesFormat(const proto::JsonLines& json_lines);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_JSON_LINES_JSON_LINES_FORMAT_H_
