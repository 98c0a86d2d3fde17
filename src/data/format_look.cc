#include "tandem/format_look.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "tandem/experiment.pb.h"
#include "tandem/sample_format.h"

namespace tandem {
namespace {

// `data` in every format, with its defaults, in the order of the configuration.
std::vector<proto::Data> InEveryFormat(const proto::Data& data) {
  std::vector<proto::Data> all;
  const auto* const formats = proto::Data::descriptor()->FindOneofByName("format");
  for (int i = 0; i < formats->field_count(); ++i) {
    proto::Data& of_format = all.emplace_back(data);
    of_format.GetReflection()->ClearOneof(&of_format, formats);
    of_format.GetReflection()->MutableMessage(&of_format, formats->field(i));
  }
  return all;
}

}  // namespace

bool SetFormatLike(absl::string_view text, proto::Data* data) {
  for (const proto::Data& of_format : InEveryFormat(*data)) {
    if (!MakeSampleFormat(of_format)->look().IsLike(text)) continue;
    *data = of_format;
    return true;
  }
  return false;
}

std::string FormatHint(absl::string_view line) {
  std::string hints;
  for (const proto::Data& of_format : InEveryFormat(proto::Data())) {
    const std::string hint = MakeSampleFormat(of_format)->look().Hint(line);
    if (!hint.empty()) absl::StrAppend(&hints, " ", hint);
  }
  return hints;
}

}  // namespace tandem
