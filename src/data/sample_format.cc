// The one switch that builds a sample format.
#include "tandem/sample_format.h"

#include <utility>

#include "config/experiment.pb.h"
#include "src/data/delimited/delimited_format.h"
#include "src/data/json_lines/json_lines_format.h"

namespace tandem {

std::unique_ptr<const SampleFormat> MakeSampleFormat(const proto::Data& data) {
  switch (data.format_case()) {
    case proto::Data::kJsonLines:
      return MakeJsonLinesFormat(data.json_lines());
    case proto::Data::FORMAT_NOT_SET:
      break;
  }
  DelimitedOptions options;
  options.delimiter = data.delimiter()[0];
  options.header = data.header();
  options.columns.assign(data.column().begin(), data.column().end());
  options.multi_value_separator = data.multi_value_separator()[0];
  options.weight_separator = data.weight_separator()[0];
  options.max_line_bytes = data.max_line_bytes();
  return MakeDelimitedFormat(std::move(options));
}

}  // namespace tandem
