// The version of what Tandem writes: one number for all files of a run, a checkpoint and a bundle.
//
//   TANDEM_RETURN_IF_ERROR(CheckFormatVersion(version, path));      // of what was read
//
// It grows when a file changes so that a Tandem of before would misread it, or when this one reads it another
// way than before; not for what others can leave out, such as a message's new field whose absence means what
// was. docs/file_formats.md says where each file carries it. Records have one digit for it: a tenth needs
// another magic number (records.cc).
#ifndef TANDEM_SRC_UTIL_FORMAT_VERSION_H_
#define TANDEM_SRC_UTIL_FORMAT_VERSION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/status.h"

namespace tandem {

class FileSystem;

// What is written. 1 had no version in its files, and other names of settings.
inline constexpr int kFormatVersion = 2;
// The oldest that is read.
inline constexpr int kOldestFormatVersion = 2;
// Of a file that says no version.
inline constexpr int kFormatWithoutVersion = 1;

// A ModelError that names `path` when this Tandem doesn't read the version.
inline absl::Status CheckFormatVersion(int version, absl::string_view path) {
  if (version > kFormatVersion) {
    return ModelError(path, ": was written by a newer Tandem (format ", version, ", this one reads up to ",
                      kFormatVersion, "). Nothing was loaded.");
  }
  if (version < kOldestFormatVersion) {
    return ModelError(path, ": was written by an older Tandem (format ", version, ", this one reads from ",
                      kOldestFormatVersion, " on): train it anew, or use that Tandem. Nothing was loaded.");
  }
  return absl::OkStatus();
}

// The same of a checkpoint or bundle, by the first line of its MANIFEST; one that can't be read is
// VerifyDirectory's to tell of.
absl::Status CheckDirectoryFormat(FileSystem& fs, const std::string& directory);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_FORMAT_VERSION_H_
