// What is written beside its place, and renamed when it is whole: under a name of its own, locked while it is
// written.
//
//   TANDEM_ASSIGN_OR_RETURN(Aside aside, Aside::Directory(fs, "run/checkpoints/step-000400"));
//   ...                                      // write into aside.path()
//   return aside.Commit();                   // takes its place; destroyed without that, it is removed
//
// The name, tmp-NAME.tandem-0123456789abcdef, ends in 64 random bits: no other writer has it, and no user's
// file. What a killed writer left has such a name and no lock: the next writer in the same directory removes
// it. On a file system without locks it stays.
//
// Errors are those of the file system. Not thread-safe; any number of writers may have the same place, and
// the first directory, or the last file, keeps it.
#ifndef TANDEM_SRC_UTIL_ASIDE_H_
#define TANDEM_SRC_UTIL_ASIDE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"

namespace tandem {

class Aside {
 public:
  // An empty file, or directory, beside `path`. Removes the orphans there first. `fs` outlives it.
  static absl::StatusOr<Aside> File(FileSystem& fs, const std::string& path);
  static absl::StatusOr<Aside> Directory(FileSystem& fs, const std::string& path);
  Aside(Aside&& other) noexcept;
  Aside& operator=(Aside&&) = delete;
  ~Aside();

  const std::string& path() const { return aside_; }
  // An error of what is written there, with the name of the place: nobody else knows the other.
  absl::Status Named(const absl::Status& status) const;
  // Renames it to its place, and makes that durable. A file replaces the one that is there; a directory that
  // is there is an error, and stays.
  absl::Status Commit();

 private:
  Aside(FileSystem& fs, const std::string& path, bool directory);
  // Under a new name; false where another one took it for an orphan before it was locked.
  absl::StatusOr<bool> Make();
  static absl::StatusOr<Aside> Open(FileSystem& fs, const std::string& path, bool directory);

  FileSystem& fs_;
  const std::string path_;
  const bool directory_;
  std::string aside_;  // empty: committed, or moved from
  std::unique_ptr<FileLock> lock_;
};

// A new name beside `path`.
std::string AsidePath(const std::string& path);
// Whether a name, without its directory, is one that AsidePath gives.
bool IsAside(absl::string_view name);
// Removes what writers that are gone left in `directory`. What can't be listed, locked or removed stays: the
// next one tries again.
void RemoveOrphans(FileSystem& fs, const std::string& directory);

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_ASIDE_H_
