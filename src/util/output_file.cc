#include "src/util/output_file.h"

#include <utility>

#include "tandem/status.h"

namespace tandem {

absl::StatusOr<OutputFile> OutputFile::Open(FileSystem& fs, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(Aside aside, Aside::File(fs, path));
  absl::StatusOr<std::unique_ptr<WritableFile>> file = fs.OpenForAppend(aside.path(), 0);
  if (!file.ok()) return aside.Named(file.status());
  return OutputFile(std::move(aside), *std::move(file));
}

absl::Status OutputFile::Finish() {
  TANDEM_RETURN_IF_ERROR(aside_.Named(file_->Sync()));
  TANDEM_RETURN_IF_ERROR(aside_.Named(file_->Close()));
  return aside_.Commit();
}

}  // namespace tandem
