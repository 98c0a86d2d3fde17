// JSON as text, whatever bytes its strings are made of: names come from files, and needn't be UTF-8.
//
//   file->Append(JsonText(line) + "\n");
#ifndef TANDEM_SRC_UTIL_JSON_TEXT_H_
#define TANDEM_SRC_UTIL_JSON_TEXT_H_

#include <nlohmann/json.hpp>
#include <string>

namespace tandem {

// What isn't UTF-8 is written as U+FFFD, where dump() alone would throw. A negative `indent`: in one line.
template <class Json>
std::string JsonText(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_JSON_TEXT_H_
