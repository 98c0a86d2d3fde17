#include "src/init/writer.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tandem {
namespace {

std::string Quoted(const std::string& text) { return absl::StrCat("\"", absl::CEscape(text), "\""); }

std::string Comment(const std::string& text) { return Wrapped(Printable(text), "# ", kTextWidth); }

std::string DataText(const ConfigurationParts& parts) {
  const proto::Data& data = *parts.data;
  std::string text = "data {\n";
  const auto add = [&](const std::string& key, const std::string& value) {
    absl::StrAppend(&text, "  ", key, ": ", Quoted(value), "\n");
  };
  const auto comment = [&](const std::string& sentence) {
    text += Wrapped(Printable(sentence), "  # ", kTextWidth);
  };
  add("path", data.path());
  for (const std::string& note : parts.data_notes) comment(note);
  std::string format;
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(false);
  proto::Data only_format;
  const auto* const formats = proto::Data::descriptor()->FindOneofByName("format");
  const auto* const format_field = data.GetReflection()->GetOneofFieldDescriptor(data, formats);
  if (format_field != nullptr) {
    only_format.GetReflection()
        ->MutableMessage(&only_format, format_field)
        ->CopyFrom(data.GetReflection()->GetMessage(data, format_field));
  }
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
    text +=
        Wrapped(Printable(absl::StrCat(name, ": ", KindName(plan.kind), ", ", plan.why)), "#   ", kTextWidth);
  }
  return text.empty() ? "" : absl::StrCat("# Left out:\n", text, "\n");
}

}  // namespace

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
