// The one switch that builds a sample format.
#include "tandem/sample_format.h"

#include <string>
#include <utility>

#include "src/config/quote.h"
#include "src/data/delimited/delimited_format.h"
#include "src/data/json_lines/json_lines_format.h"
#include "tandem/experiment.pb.h"

namespace tandem {

namespace {

DelimitedOptions OptionsOf(const proto::Data& data) {
  const proto::Delimited& delimited = data.delimited();
  DelimitedOptions options;
  const std::string quote = QuoteOf(data);
  if (!quote.empty()) options.quote = quote[0];
  options.delimiter = delimited.delimiter()[0];
  options.header = delimited.header();
  options.columns.assign(delimited.column().begin(), delimited.column().end());
  options.multi_value_separator = delimited.multi_value_separator()[0];
  options.weight_separator = delimited.weight_separator()[0];
  options.max_line_bytes = delimited.max_line_bytes();
  return options;
}

}  // namespace

std::unique_ptr<const SampleFormat> MakeSampleFormat(const proto::Data& data) {
  switch (data.format_case()) {
    case proto::Data::kJsonLines:
      return MakeJsonLinesFormat(data.json_lines());
    case proto::Data::kDelimited:
    case proto::Data::FORMAT_NOT_SET:
      return MakeDelimitedFormat(OptionsOf(data));
  }
  return MakeDelimitedFormat(OptionsOf(data));
}

}  // namespace tandem
