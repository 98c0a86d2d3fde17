// Files, and directories of them, that are there whole or not at all, whenever the power fails.
//
//   TANDEM_RETURN_IF_ERROR(WriteDirectory(fs, "run/checkpoints/step-000400", [&](const std::string& aside) {
//     TANDEM_ASSIGN_OR_RETURN(auto writer, RecordWriter::Create(fs, aside + "/teacher.bin"));
//     TANDEM_RETURN_IF_ERROR(writer->Append(bytes));
//     return writer->Close();
//   }));                                                   // then MANIFEST, syncs, and the rename
//
//   TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs, "run/checkpoints/step-000400"));
//
// Errors are those of the file system; a file's name the place it was to have. Thread-safe: functions that
// keep nothing.
#ifndef TANDEM_DURABLE_FILES_H_
#define TANDEM_DURABLE_FILES_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"

namespace tandem {

// Writes aside, syncs, renames: a reader sees the old file or the whole new one.
absl::Status WriteFileAtomically(FileSystem& fs, const std::string& path, absl::string_view bytes);

// Calls fill(aside) on a fresh directory beside `path` (tmp-NAME.tandem-..., a name that nothing else has;
// what writers that were killed left there is removed first), syncs the files it wrote, adds a MANIFEST of
// them, and renames the whole to `path`, which must not exist. Only files go in, no directories. A failure
// leaves nothing at `path`; a crash nothing or a whole directory.
//
// MANIFEST is text: "format 2" (docs/file_formats.md), then "name size checksum" a line, sorted by name;
// the checksum is XXH3-128 in hex (what `xxhsum -H2` prints), so:
//
//   format 2
//   embedding.bin 1048576 5f8c9a2e0e1d7c3b4a5968778695a4b3
//   state.pbtxt 211 99aa06d3014798d86001c324468d497f
//   MANIFEST 113 0d1c2b3a495867768594a3b2c1d0efee           size and checksum of the lines above
absl::Status WriteDirectory(FileSystem& fs, const std::string& path,
                            const std::function<absl::Status(const std::string& aside)>& fill);
// Checks MANIFEST and every file against it; a file more or less is an error too.
absl::Status VerifyDirectory(FileSystem& fs, const std::string& path);
// Renames `path` aside, then removes it: a crash on the way leaves no half directory at `path`.
absl::Status RemoveDirectory(FileSystem& fs, const std::string& path);

}  // namespace tandem

#endif  // TANDEM_DURABLE_FILES_H_
