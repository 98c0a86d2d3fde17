// What a run serves: bundles of its checkpoints, and the link `published` to the one in place.
//
//   Publisher publisher(fs, "run", kernels);
//   TANDEM_RETURN_IF_ERROR(publisher.Export(checkpoint, "bundles/step-000400"));
//   TANDEM_RETURN_IF_ERROR(publisher.Point("bundles/step-000400"));
//   TANDEM_RETURN_IF_ERROR(publisher.KeepNewest("bundles/step-000400", /*keep=*/3));
//
// Paths are relative to the run's directory. Each call, repeated after a kill, does what is left to do: the
// link always leads to a whole bundle. Not thread-safe.
#ifndef TANDEM_SRC_SERVE_PUBLISHER_H_
#define TANDEM_SRC_SERVE_PUBLISHER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"

namespace tandem {

class Publisher {
 public:
  // Both outlive it.
  Publisher(FileSystem& fs, std::string run_dir, const Kernels& kernels);

  // The student of a checkpoint as a bundle, unless it is there. Its folder is made where it is missing.
  absl::Status Export(const std::string& checkpoint, const std::string& bundle) const;
  // From here on `published` leads to the bundle.
  absl::Status Point(const std::string& bundle) const;
  // Of "step-N" in the folder of `bundle` the newest go on being there, `keep` with the bundle itself.
  absl::Status KeepNewest(const std::string& bundle, int keep) const;
  // Removes from `folder` what `stays` is false of, and what interrupted writes left. Fine if there is none.
  absl::Status Prune(const std::string& folder,
                     const std::function<bool(const std::string& name)>& stays) const;

 private:
  std::string Path(absl::string_view relative) const;

  FileSystem& fs_;
  const std::string run_dir_;
  const Kernels& kernels_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_PUBLISHER_H_
