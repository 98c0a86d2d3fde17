// The one switch that builds a sample format.
#include "tandem/sample_format.h"

#include "src/data/delimited/delimited_format.h"
#include "src/data/json_lines/json_lines_format.h"
#include "tandem/experiment.pb.h"

namespace tandem {

std::unique_ptr<const SampleFormat> MakeSampleFormat(const proto::Data& data) {
  switch (data.format_case()) {
    case proto::Data::kJsonLines:
      return MakeJsonLinesFormat(data.json_lines());
    case proto::Data::kDelimited:
    case proto::Data::FORMAT_NOT_SET:
      return MakeDelimitedFormat(data);
  }
  return MakeDelimitedFormat(data);
}

}  // namespace tandem
