// Loads, merges, overrides and checks the configuration of an experiment (docs/config.md has every setting
// and its default).
//
//   absl::StatusOr<proto::Experiment> experiment = LoadExperiment(
//       {"configs/movielens.pbtxt", "configs/teacher/deepfm.pbtxt"}, {"train.batch_size=512"});
//   ResolveDefaults(&*experiment);        // what a run stores: later defaults don't change old runs
//   TANDEM_RETURN_IF_ERROR(ValidateExperiment(*experiment));
//
// Errors are ConfigErrors and say where: file:line:column for a file, the override itself for an override,
// the dotted key for a value that doesn't fit; an unknown name comes with the nearest known one. Callers that
// look into an experiment include "tandem/experiment.pb.h" as well. All functions are thread-safe.
#ifndef TANDEM_EXPERIMENT_H_
#define TANDEM_EXPERIMENT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/file_system.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// Reads the files in order, each over the ones before, then the `key=value` overrides. Doesn't validate.
absl::StatusOr<proto::Experiment> LoadExperiment(absl::Span<const std::string> files,
                                                 absl::Span<const std::string> overrides,
                                                 FileSystem& fs = FileSystem::Default());
// The same over an experiment that there is, e.g. a model's own. On an error it is in between.
absl::Status LoadOver(absl::Span<const std::string> files, absl::Span<const std::string> overrides,
                      proto::Experiment* experiment, FileSystem& fs = FileSystem::Default());

// Parses one text; `origin` stands for the file in messages. Lines and columns count from 1. Reports the
// first fault:
//   movielens.pbtxt:14:3: unknown field 'train.batch_sise'; did you mean 'batch_size'?
absl::StatusOr<proto::Experiment> ParseExperiment(absl::string_view text, absl::string_view origin);

// `over` onto `base`: what `over` clears is taken away from `base`; then singular messages merge, a repeated
// field that `over` sets replaces the whole, a oneof arm replaces another and merges with itself. Fails where
// `over.clear` holds an unknown key, which ParseExperiment lets none through with.
absl::Status MergeOver(const proto::Experiment& over, proto::Experiment* base);

// Applies `key=value`, e.g. "train.batch_size=1024" or "embedding.optimizer.adam.lr=0.01" (which also chooses
// that arm). On an error the experiment is unchanged.
//   numbers   in the range of their type, finite
//   bools     true, false, 1, 0
//   enums     by name
//   strings   with C escapes ("data.delimited.delimiter=\\t"); an empty value is the empty string
//   repeated  comma-separated ("model.teacher.mlp.hidden=400,400"); an empty value is the empty list
//   messages  only an empty value: the message is there, with its defaults, and chosen where it is a oneof
//             arm ("embedding.optimizer.adam="); repeated messages (features, interactions, hints) change
//             only by file
//   clear     the keys that aren't there afterwards: "clear=model.student.mlp,train.schedule"
// So a number is off at 0 ("train.l2=0"), and a part by its absence ("clear=train.validation"). A setting
// with a default has it again when it is cleared.
absl::Status ApplyOverride(absl::string_view override_text, proto::Experiment* experiment);

// Every check that needs no data: required names, ranges, duplicate features, layers that hints name, odd
// layers that split, methods without their towers. Reports the first fault. A tower that `model.method`
// doesn't use may be there; only its numbers are checked.
absl::Status ValidateExperiment(const proto::Experiment& experiment);

// Writes every default out, so that the configuration means the same when defaults change: the declared
// default of each field that isn't set, delimited text, adagrad for an embedding and adam for towers without
// an optimizer, multi_valued for weighted features. Sections that aren't there are added, towers are not.
// `clear` is dropped. Does nothing the second time.
void ResolveDefaults(proto::Experiment* experiment);

// The resolved configuration in text format; ParseExperiment reads it back to a message equal to the resolved
// one.
std::string ExperimentText(const proto::Experiment& experiment);

// The differences of two configurations outside of `runtime` and `daily.gate`, as "run/config.pbtxt has
// train.batch_size 1024, this call 2048; train.seed 1, this call 2" with the names given for a and b; "" when
// they mean the same. The first eight are told, and how many more there are. Entries of a repeated section
// count from 0: feature[2].name.
std::string ConfigDifferences(const proto::Experiment& a, const proto::Experiment& b,
                              absl::string_view a_name, absl::string_view b_name);

}  // namespace tandem

#endif  // TANDEM_EXPERIMENT_H_
