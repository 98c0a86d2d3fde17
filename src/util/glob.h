// The files that a pattern names, as a shell has it: `*`, `?` and `[]` within the parts of a path, `\` before
// what stands for itself. A name that begins with a dot is met by none of them.
//
//   TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, Glob(fs, "logs/2000-11-*/part-?.tsv"));
#ifndef TANDEM_SRC_UTIL_GLOB_H_
#define TANDEM_SRC_UTIL_GLOB_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"

namespace tandem {

// In name order, whatever the locale's; none is fine. What is there by the pattern's own name, clicks[1].tsv,
// is found where nothing matches. A directory that the pattern names and that can't be listed is an error of
// the file system; one that it only meets is passed over.
absl::StatusOr<std::vector<std::string>> Glob(FileSystem& fs, const std::string& pattern);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_GLOB_H_
