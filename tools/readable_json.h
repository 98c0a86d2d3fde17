// JSON for people to read: an object's members on lines of their own, the objects of an array a line each.
#ifndef TANDEM_TOOLS_READABLE_JSON_H_
#define TANDEM_TOOLS_READABLE_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

namespace tandem {

// Ends with a newline.
std::string ReadableJson(const nlohmann::ordered_json& json);

}  // namespace tandem

#endif  // TANDEM_TOOLS_READABLE_JSON_H_
