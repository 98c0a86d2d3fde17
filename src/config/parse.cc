// The text format with the place of every fault, and the nearest name for an unknown one.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "src/config/clear.h"
#include "src/config/config_file.h"
#include "src/config/names.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::TextFormat;
namespace io = google::protobuf::io;

// Lines and columns from 0, as protobuf counts them.
struct Fault {
  int line = 0;
  int column = 0;
  std::string message;
};

class FirstFault : public io::ErrorCollector {
 public:
  void AddError(int line, io::ColumnNumber column, const std::string& message) override {
    if (!fault_) fault_ = Fault{std::max(line, 0), std::max(column, 0), message};
  }
  Fault fault() const { return fault_.value_or(Fault{0, 0, "not a configuration in text format"}); }

 private:
  std::optional<Fault> fault_;
};

// What stands before a fault.
struct Context {
  std::vector<std::string> path;  // the fields whose messages are open
  std::optional<Fault> name;      // the last token equal to the name looked for
  bool at_end = false;            // nothing stands after it
};

// Protobuf reports an unknown name at the token that follows it, and without the messages around it.
Context FindContext(absl::string_view text, const Fault& fault, const std::string& name) {
  io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  FirstFault ignored;
  io::Tokenizer tokens(&stream, &ignored);
  tokens.set_allow_f_after_float(true);
  tokens.set_comment_style(io::Tokenizer::SH_COMMENT_STYLE);
  tokens.set_require_space_after_number(false);
  tokens.set_allow_multiline_strings(true);

  Context context;
  std::string last_name;
  while (tokens.Next()) {
    const io::Tokenizer::Token& token = tokens.current();
    if (token.line > fault.line || (token.line == fault.line && token.column >= fault.column)) return context;
    if (token.text == name) context.name = Fault{token.line, token.column, ""};
    if (token.type == io::Tokenizer::TYPE_IDENTIFIER) {
      last_name = token.text;
    } else if (token.text == "{" || token.text == "<") {
      context.path.push_back(last_name);
    } else if ((token.text == "}" || token.text == ">") && !context.path.empty()) {
      last_name = context.path.back();  // of the next element of a list: interaction [ {...}, {...} ]
      context.path.pop_back();
    }
  }
  context.at_end = true;
  return context;
}

// The type of the message that the path leads to; null if the path isn't known.
const Descriptor* FindMessage(const std::vector<std::string>& path) {
  const Descriptor* message = proto::Experiment::descriptor();
  for (const std::string& name : path) {
    const FieldDescriptor* field = message->FindFieldByName(name);
    if (field == nullptr || field->message_type() == nullptr) return nullptr;
    message = field->message_type();
  }
  return message;
}

absl::Status ErrorAt(absl::string_view origin, const Fault& place, absl::string_view message) {
  return ConfigError(origin, ":", place.line + 1, ":", place.column + 1, ": ", message);
}

absl::Status Explain(absl::string_view text, absl::string_view origin, const Fault& fault) {
  // Message type "tandem.proto.Train" has no field named "batch_sise".
  // Unknown enumeration value of "LOGP" for field "transform".
  const std::vector<std::string> quoted = absl::StrSplit(fault.message, '"');
  const bool unknown_field = absl::StrContains(fault.message, "has no field named") && quoted.size() == 5;
  const bool unknown_value =
      absl::StartsWith(fault.message, "Unknown enumeration value") && quoted.size() == 5;
  const std::string name = unknown_field ? quoted[3] : unknown_value ? quoted[1] : "";
  const Context context = FindContext(text, fault, name);
  const std::string parent = absl::StrJoin(context.path, ".");
  const Descriptor* message = FindMessage(context.path);
  const Fault& place = context.name.value_or(fault);
  if (unknown_field && message != nullptr)
    return ErrorAt(origin, place, UnknownField(parent, name, *message));
  if (unknown_value && message != nullptr) {
    const FieldDescriptor* field = message->FindFieldByName(quoted[3]);
    if (field != nullptr && field->enum_type() != nullptr) {
      return ErrorAt(origin, place, UnknownValue(JoinKey(parent, quoted[3]), name, *field->enum_type()));
    }
  }
  if (context.at_end && !context.path.empty()) {
    return ErrorAt(origin, fault, absl::StrCat("the text ends within '", parent, "'; a '}' is missing"));
  }
  return ErrorAt(origin, fault,
                 absl::StrCat(fault.message, parent.empty() ? "" : absl::StrCat(" (in '", parent, "')")));
}

}  // namespace

absl::StatusOr<proto::Experiment> ParseExperiment(absl::string_view text, absl::string_view origin) {
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");  // editors put a byte order mark there
  TANDEM_RETURN_IF_ERROR(CheckConfigFormat(text, origin));
  FirstFault collector;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&collector);
  TextFormat::ParseInfoTree places;
  parser.WriteLocationsTo(&places);
  proto::Experiment experiment;
  io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  if (!parser.Parse(&stream, &experiment)) return Explain(text, origin, collector.fault());
  for (int i = 0; i < experiment.clear_size(); ++i) {
    const absl::Status status = CheckClearable(experiment.clear(i));
    if (status.ok()) continue;
    const FieldDescriptor* field = proto::Experiment::descriptor()->FindFieldByName("clear");
    const TextFormat::ParseLocation place = places.GetLocation(field, i);
    return ErrorAt(origin, Fault{place.line, place.column, ""}, absl::StrCat("clear: ", status.message()));
  }
  return experiment;
}

}  // namespace tandem
