#include "src/config/old_keys.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tandem {
namespace {

constexpr char kTheRate[] = ", the rate itself and no factor";
constexpr char kBothTowers[] = ", one for both towers (embedding.slow_copy.towers)";

constexpr OldKey kOldKeys[] = {
    {"data.delimiter", "data.delimited.delimiter", ""},
    {"data.header", "data.delimited.header", ""},
    {"data.column", "data.delimited.column", ""},
    {"data.multi_value_separator", "data.delimited.multi_value_separator", ""},
    {"data.weight_separator", "data.delimited.weight_separator", ""},
    {"data.max_line_bytes", "data.delimited.max_line_bytes", ""},
    {"data.teacher_column", "model.distill.stored_logits.column", ""},
    {"data.teacher_column_is", "model.distill.stored_logits.is", ""},
    {"train.student_lr_multiplier", "model.distill.lr_multiplier", ""},
    {"train.student_schedule", "model.distill.schedule", ""},
    {"train.student_steps", "model.distill.replay.steps", ""},
    {"train.replay_batches", "model.distill.replay.batches", ""},
    {"train.student_phase", "model.distill.phase", ""},
    {"model.switches.student_phase", "model.distill.switches.phase", ""},
    {"model.switches", "model.distill.switches", ""},
    {"model.distill.switches.student_phase", "model.distill.switches.phase", ""},
    {"model.teacher.slow_embedding", "embedding.slow_copy", kBothTowers},
    {"model.student.slow_embedding", "embedding.slow_copy", kBothTowers},
    {"model.teacher.muon.lr_multiplier", "model.teacher.optimizer.muon.lr", kTheRate},
    {"model.student.muon.lr_multiplier", "model.student.optimizer.muon.lr", kTheRate},
    {"model.teacher.muon", "model.teacher.optimizer.muon", ""},
    {"model.student.muon", "model.student.optimizer.muon", ""},
    {"model.teacher.optimizer.muon.lr_multiplier", "model.teacher.optimizer.muon.lr", kTheRate},
    {"model.student.optimizer.muon.lr_multiplier", "model.student.optimizer.muon.lr", kTheRate},
};

}  // namespace

absl::Span<const OldKey> OldKeys() { return kOldKeys; }

std::string NewKeyOf(absl::string_view key) {
  for (const OldKey& old : kOldKeys) {
    absl::string_view below = key;
    if (!absl::ConsumePrefix(&below, old.old_key) || (!below.empty() && below[0] != '.')) continue;
    return absl::StrCat("'", old.new_key, below, "'", old.note);
  }
  return "";
}

}  // namespace tandem
