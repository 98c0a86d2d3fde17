#include "src/config/message_text.h"

#include <google/protobuf/text_format.h>

#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace tandem {
namespace {

std::string OnOneLine(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(message, &text);
  absl::StripTrailingAsciiWhitespace(&text);
  return absl::StrReplaceAll(text, {{"{ }", "{}"}});
}

}  // namespace

std::string MessageText(const std::string& name, const google::protobuf::Message& message, int indent) {
  const std::string margin(indent, ' ');
  const std::string body = OnOneLine(message);
  const std::string line =
      absl::StrCat(margin, name, body.empty() ? " {}" : absl::StrCat(" { ", body, " }"), "\n");
  if (line.size() <= kTextWidth) return line;
  std::string text = absl::StrCat(margin, name, " {\n");
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE;
    if (is_message && field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i)
        text += MessageText(field->name(), reflection.GetRepeatedMessage(message, field, i), indent + 2);
    } else if (is_message) {
      text += MessageText(field->name(), reflection.GetMessage(message, field), indent + 2);
    } else {
      const std::unique_ptr<google::protobuf::Message> alone(message.New());
      alone->CopyFrom(message);
      for (const google::protobuf::FieldDescriptor* other : fields) {
        if (other != field) reflection.ClearField(alone.get(), other);
      }
      text += Wrapped(OnOneLine(*alone), margin + "  ", kTextWidth);
    }
  }
  return absl::StrCat(text, margin, "}\n");
}

std::string Printable(const std::string& text) {
  std::string shown;
  for (const char c : text) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return shown;
}

std::string Wrapped(const std::string& text, const std::string& prefix, size_t width) {
  std::string lines;
  std::string line = prefix;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (line.size() > prefix.size() && line.size() + 1 + word.size() > width) {
      absl::StrAppend(&lines, line, "\n");
      line = prefix;
    }
    absl::StrAppend(&line, line.size() > prefix.size() ? " " : "", word);
  }
  return absl::StrCat(lines, line, "\n");
}

}  // namespace tandem
