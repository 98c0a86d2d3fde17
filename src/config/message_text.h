// Configurations as text for people: what is set, a section on one line where it fits, and comments that
// wrap.
//
//   text += Wrapped(Printable(why), "# ", kTextWidth);
//   text += MessageText("embedding", experiment.embedding());      // ParseExperiment reads it
#ifndef TANDEM_SRC_CONFIG_MESSAGE_TEXT_H_
#define TANDEM_SRC_CONFIG_MESSAGE_TEXT_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>

namespace tandem {

constexpr size_t kTextWidth = 110;

// A message in braces after its name; on one line where it fits, else a field a line.
std::string MessageText(const std::string& name, const google::protobuf::Message& message, int indent = 0);

// Words in lines of at most `width` bytes, each begun with `prefix`.
std::string Wrapped(const std::string& text, const std::string& prefix, size_t width);

// Bytes that a terminal shows as they are.
std::string Printable(const std::string& text);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_MESSAGE_TEXT_H_
