#include "src/serve/publisher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/util/aside.h"
#include "src/util/links.h"
#include "src/util/paths.h"
#include "tandem/durable_files.h"
#include "tandem/export.h"
#include "tandem/status.h"

namespace tandem {

Publisher::Publisher(FileSystem& fs, std::string run_dir, const Kernels& kernels)
    : fs_(fs), run_dir_(std::move(run_dir)), kernels_(kernels) {}

std::string Publisher::Path(absl::string_view relative) const {
  return absl::StrCat(run_dir_, "/", relative);
}

absl::Status Publisher::Export(const std::string& checkpoint, const std::string& bundle) const {
  const std::string path = Path(bundle);
  if (fs_.Exists(path)) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(fs_.CreateDirectories(ParentPath(path)));
  ExportOptions options;
  options.kernels = &kernels_;
  // Whether it is published is for others to decide.
  options.accept_poor_model = true;
  return ExportBundle(fs_, checkpoint, path, options).status();
}

absl::Status Publisher::Point(const std::string& bundle) const {
  const std::string link = Path("published");
  return LinkTarget(fs_, link) == bundle ? absl::OkStatus() : PointLink(fs_, link, bundle);
}

absl::Status Publisher::KeepNewest(const std::string& bundle, int keep) const {
  const std::string folder = ParentPath(Path(bundle));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(folder));
  std::vector<std::pair<int64_t, std::string>> others;
  for (const std::string& name : names) {
    absl::string_view number = name;
    int64_t step = 0;
    if (absl::StrCat(folder, "/", name) != Path(bundle) && absl::ConsumePrefix(&number, "step-") &&
        absl::SimpleAtoi(number, &step))
      others.emplace_back(step, name);
  }
  std::sort(others.begin(), others.end());
  for (int old = 0; old + keep - 1 < static_cast<int>(others.size()); ++old)
    TANDEM_RETURN_IF_ERROR(RemoveDirectory(fs_, absl::StrCat(folder, "/", others[old].second)));
  return absl::OkStatus();
}

absl::Status Publisher::Prune(const std::string& folder,
                              const std::function<bool(const std::string& name)>& stays) const {
  const std::string path = Path(folder);
  if (!fs_.Exists(path)) return absl::OkStatus();
  RemoveOrphans(fs_, path);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(path));
  for (const std::string& name : names) {
    if (!IsAside(name) && !stays(name))
      TANDEM_RETURN_IF_ERROR(RemoveDirectory(fs_, absl::StrCat(path, "/", name)));
  }
  return absl::OkStatus();
}

}  // namespace tandem
