// The students that an online run takes up: its base's, and those of its own checkpoints.
//
//   TANDEM_ASSIGN_OR_RETURN(BaseStudent student, LoadBaseStudent(fs, base, experiment, kernels));
//   StartOver(base, student, has_cut, &run, &stream);
//   TANDEM_ASSIGN_OR_RETURN(OwnStudent student, LoadOwnStudent(fs, checkpoint, experiment, kernels));
//
// `experiment` is an OnlineExperiment. Errors: ConfigError where the base doesn't fit the experiment,
// ModelError for what is damaged.
#ifndef TANDEM_SRC_ONLINE_ONLINE_STUDENT_H_
#define TANDEM_SRC_ONLINE_ONLINE_STUDENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/dual_model.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/online.h"
#include "tandem/state.pb.h"

namespace tandem {

struct BaseStudent {
  std::unique_ptr<DualModel> model;
  // The optimizers go on from the base's: that many updates; 0: they begin anew.
  bool keeps_optimizer = false;
  int64_t optimizer_steps = 0;
};

// The student as the base serves it: averaged weights, and the rows that it reads, slow ones where it has
// them.
absl::StatusOr<BaseStudent> LoadBaseStudent(FileSystem& fs, const Base& base,
                                            const proto::Experiment& experiment, const Kernels& kernels);

// Nothing is known of the stream any more but where its days begin, and the run goes on at its step with the
// base's student. Where `has_cut`, samples before the base's cut are the base's own.
void StartOver(const Base& base, const BaseStudent& student, bool has_cut, proto::RunState* run,
               proto::OnlineState* stream);

struct OwnStudent {
  std::unique_ptr<DualModel> model;
  proto::RunState run;
};

// The caller has verified the checkpoint.
absl::StatusOr<OwnStudent> LoadOwnStudent(FileSystem& fs, const std::string& checkpoint,
                                          const proto::Experiment& experiment, const Kernels& kernels);

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_ONLINE_STUDENT_H_
