#include "src/init/writer.h"

#include <google/protobuf/text_format.h>

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace tandem {
namespace {

constexpr size_t kWidth = 110;

std::string OnOneLine(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(message, &text);
  absl::StripTrailingAsciiWhitespace(&text);
  return absl::StrReplaceAll(text, {{"{ }", "{}"}});
}

// A message in braces; on one line where it fits, else a field a line.
std::string MessageText(const std::string& name, const google::protobuf::Message& message, int indent = 0) {
  const std::string margin(indent, ' ');
  const std::string body = OnOneLine(message);
  const std::string line =
      absl::StrCat(margin, name, body.empty() ? " {}" : absl::StrCat(" { ", body, " }"), "\n");
  if (line.size() <= kWidth) return line;
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
      text += Wrapped(OnOneLine(*alone), margin + "  ", kWidth);
    }
  }
  return absl::StrCat(text, margin, "}\n");
}

std::string Quoted(const std::string& text) { return absl::StrCat("\"", absl::CEscape(text), "\""); }

std::string Comment(const std::string& text) { return Wrapped(Printable(text), "# ", kWidth); }

std::string DataText(const ConfigurationParts& parts) {
  const proto::Data& data = *parts.data;
  std::string text = "data {\n";
  const auto add = [&](const std::string& key, const std::string& value) {
    absl::StrAppend(&text, "  ", key, ": ", Quoted(value), "\n");
  };
  const auto comment = [&](const std::string& sentence) {
    text += Wrapped(Printable(sentence), "  # ", kWidth);
  };
  add("path", data.path());
  for (const std::string& note : parts.data_notes) comment(note);
  std::string format;
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(false);
  proto::Data only_format;
  if (data.has_json_lines()) *only_format.mutable_json_lines() = data.json_lines();
  if (data.has_delimited()) *only_format.mutable_delimited() = data.delimited();
  printer.PrintToString(only_format, &format);
  for (const absl::string_view line : absl::StrSplit(format, '\n', absl::SkipEmpty()))
    absl::StrAppend(&text, "  ", line, "\n");
  if (data.has_quote()) add("quote", data.quote());
  comment(absl::StrCat("The label: ", parts.label->why, "."));
  add("label", data.label());
  for (const std::string& positive : data.positive()) add("positive", positive);
  for (const std::string& negative : data.negative()) add("negative", negative);
  if (data.has_unlabelled())
    absl::StrAppend(&text, "  unlabelled: ", proto::Data::Unlabelled_Name(data.unlabelled()), "\n");
  if (!data.key_columns().empty()) comment("What `predict` carries to its output, to tell rows by.");
  for (const std::string& key : data.key_columns()) add("key_columns", key);
  if (data.has_group_column()) add("group_column", data.group_column());
  if (!data.missing_value().empty()) comment("Cells with these texts have no value.");
  for (const std::string& missing : data.missing_value()) add("missing_value", missing);
  if (data.has_max_bad_fraction())
    absl::StrAppend(&text, "  max_bad_fraction: ", data.max_bad_fraction(), "\n");
  return text + "}\n";
}

std::string LeftOutText(const ColumnPlans& columns) {
  std::string text;
  for (const ColumnPlan& plan : columns.columns) {
    if (IsUsed(plan.kind) || plan.kind == ColumnKind::kLabel) continue;
    const std::string name = plan.profile->name.empty() ? "(no name)" : plan.profile->name;
    text += Wrapped(Printable(absl::StrCat(name, ": ", KindName(plan.kind), ", ", plan.why)), "#   ", kWidth);
  }
  return text.empty() ? "" : absl::StrCat("# Left out:\n", text, "\n");
}

}  // namespace

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

std::string ConfigurationText(const ConfigurationParts& parts) {
  std::string text;
  for (const std::string& sentence : parts.head) text += Comment(sentence);
  text += "#\n";
  for (const std::string& command : parts.commands) absl::StrAppend(&text, "#   ", command, "\n");
  text += "\n";
  absl::StrAppend(&text, DataText(parts), "\n");
  for (const PlannedFeature& planned : *parts.features) {
    text += Comment(absl::StrCat(planned.column->profile->name, ": ", planned.why, "."));
    text += MessageText("feature", planned.feature);
  }
  absl::StrAppend(&text, "\n", LeftOutText(*parts.columns));
  const proto::Experiment& settings = parts.recipe->settings;
  absl::StrAppend(&text, Comment(parts.recipe->why_embedding), MessageText("embedding", settings.embedding()),
                  "\n");
  absl::StrAppend(&text, Comment(parts.recipe->why_model), MessageText("model", settings.model()), "\n");
  absl::StrAppend(&text, Comment(parts.recipe->why_train), MessageText("train", settings.train()));
  return text;
}

}  // namespace tandem
