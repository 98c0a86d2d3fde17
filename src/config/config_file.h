// A run's config.pbtxt: its configuration, every default written out, under a line that says the format and
// one that has a checksum.
//
//   TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs, run_dir + "/config.pbtxt", ConfigFileText(experiment)));
//
// The lines are comments of text format, so that the file is a configuration like any other; where it lies in
// a run's directory, it has to be the one that was written.
#ifndef TANDEM_SRC_CONFIG_CONFIG_FILE_H_
#define TANDEM_SRC_CONFIG_CONFIG_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

std::string ConfigFileText(const proto::Experiment& experiment);

// A ModelError where `text`, which came from `origin`, begins with the line and this Tandem doesn't read that
// format. What a person wrote needs no line.
absl::Status CheckConfigFormat(absl::string_view text, absl::string_view origin);

// A ModelError unless `text`, a run's config.pbtxt, is as ConfigFileText wrote it. One without the line that
// has the checksum, of an earlier version, is taken as it is.
absl::Status CheckConfigUnchanged(absl::string_view text, absl::string_view origin);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_CONFIG_FILE_H_
