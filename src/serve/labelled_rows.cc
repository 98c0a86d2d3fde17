#include "src/serve/labelled_rows.h"

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kBlockRows = 65536;

std::string Shown(const std::vector<std::string>& files) {
  if (files.empty()) return "no file";
  return files.size() == 1 ? files[0] : absl::StrCat(files[0], " and ", files.size() - 1, " more");
}

}  // namespace

LabelledRows::LabelledRows(const Predictor& predictor, const std::vector<std::string>& files,
                           Workers* workers, const RowChoice& choice, bool judged)
    : files_(Shown(files)),
      negative_weight_(static_cast<float>(1 / predictor.experiment().data().negative_keep_rate())),
      quarantine_(judged ? std::nullopt
                         : std::make_optional<Quarantine>(predictor.file_system(), "",
                                                          predictor.experiment().data().max_bad_fraction())),
      reader_(predictor.file_system(), predictor.format(), predictor.schema(), RowUse::kEvaluate, files,
              judged ? nullptr : &*quarantine_, workers, choice) {}

absl::StatusOr<bool> LabelledRows::Next(Batch* block) {
  TANDEM_ASSIGN_OR_RETURN(const bool more, reader_.ReadBlock(kBlockRows, block));
  if (more) {
    unlabelled_ += block->TakeUnlabelled(nullptr);
    rows_ += block->rows();
    return true;
  }
  if (rows_ == 0) {
    return DataError(
        files_, ": not one row ",
        unlabelled_ > 0 ? absl::StrCat("with a label (", unlabelled_, " without)") : "to evaluate");
  }
  if (malformed() > 0) LOG(WARNING) << malformed() << " malformed rows were left out";
  return false;
}

}  // namespace tandem
