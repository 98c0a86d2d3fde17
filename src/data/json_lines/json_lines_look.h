// JSON lines, told by their first bytes: an object, or an array, which is said to be none.
#ifndef TANDEM_SRC_DATA_JSON_LINES_JSON_LINES_LOOK_H_
#define TANDEM_SRC_DATA_JSON_LINES_JSON_LINES_LOOK_H_

#include "tandem/format_look.h"

namespace tandem {

// Lives as long as the program.
const FormatLook& JsonLinesLook();

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_JSON_LINES_JSON_LINES_LOOK_H_
