// A file that a command's data goes to: whole in its place, or not there.
//
//   TANDEM_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Open(fs, "scores.tsv"));
//   TANDEM_RETURN_IF_ERROR(file.Write(text));
//   return file.Finish();                    // synced, and renamed to its place; destroyed without that, it is removed
//
// Errors are those of the file system, and name the place. Not thread-safe.
#ifndef TANDEM_SRC_UTIL_OUTPUT_FILE_H_
#define TANDEM_SRC_UTIL_OUTPUT_FILE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "src/util/aside.h"
#include "tandem/file_system.h"

namespace tandem {

class OutputFile {
 public:
  static absl::StatusOr<OutputFile> Open(FileSystem& fs, const std::string& path);

  // Where it lies until Finish.
  const std::string& aside() const { return aside_.path(); }
  absl::Status Write(absl::string_view bytes) { return aside_.Named(file_->Append(bytes)); }
  absl::Status Finish();

 private:
  OutputFile(Aside aside, std::unique_ptr<WritableFile> file)
      : aside_(std::move(aside)), file_(std::move(file)) {}

  Aside aside_;
  std::unique_ptr<WritableFile> file_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_OUTPUT_FILE_H_
