// What the methods are: presets over a few switches, so that they can be compared on equal terms.
//
//   const MethodPlan plan = PlanOf(experiment);
//   if (plan.joint) ...
//
// | method           | joint | phase after | student reads     | logit loss | hint | its gradient reaches |
// | CO_TRAIN         | yes   | if asked    | shared            | yes        | yes  | its tower            |
// | ROCKET_LAUNCHING | yes   | no          | shared            | MSE        | no   | the shared embedding |
// | TWO_STAGE_KD     | no    | all passes  | its own           | soft       | no   | its own embedding    |
// | FEATURE_TRANSFER | no    | all passes  | shared, frozen    | no         | no   | its tower            |
// | TWO_STAGE_FULL   | no    | all passes  | shared, frozen    | yes        | yes  | its tower            |
//
// (dual-DNN; Zhou et al. 2018; Hinton et al. 2015; Baidu CTR 3.0.) model.distill.switches overrides a preset.
// A student alone has the logit loss where model.distill.stored_logits names a teacher's scores.
#ifndef TANDEM_SRC_CONFIG_METHODS_H_
#define TANDEM_SRC_CONFIG_METHODS_H_

#include "tandem/experiment.pb.h"

namespace tandem {

struct MethodPlan {
  bool teacher = true;
  bool student = true;
  // Both towers learn in one phase.
  bool joint = true;
  // Passes over the window of a phase in which the student learns alone; 0: there is none.
  double phase_passes = 0;
  // The student reads tables of its own.
  bool own_embedding = false;
  // The student's gradient reaches the embedding that it reads.
  bool trains_embedding = false;
  // Student steps a batch, in the joint phase and in the student's.
  int joint_steps = 1;
  int phase_steps = 1;
  // Batches of recombined rows for each of the phase, a student step each.
  int recombined_batches = 0;
};

// The same with the student alone, on the tables that it has: its own, where there are such.
proto::Experiment StudentAlone(proto::Experiment experiment);

MethodPlan PlanOf(const proto::Experiment& experiment);
inline bool HasTeacher(const proto::Model& model) { return model.method() != proto::STUDENT_ALONE; }
inline bool HasStudent(const proto::Model& model) { return model.method() != proto::TEACHER_ALONE; }
// The weights of the student's loss that the method leaves, and the logit term's kind.
double LogitWeightOf(const proto::Experiment& experiment);
double HintWeightOf(const proto::Experiment& experiment);
proto::Distill::LogitLoss LogitLossOf(const proto::Model& model);
// The model's `distill` with those in it.
proto::Distill DistillOf(const proto::Experiment& experiment);
// Whether the student learns from model.distill.stored_logits.
bool ReadsStoredLogits(const proto::Experiment& experiment);
// Which of the towers that there are is evaluated and served on embedding.slow_copy.
bool TeacherReadsSlowCopy(const proto::Experiment& experiment);
bool StudentReadsSlowCopy(const proto::Experiment& experiment);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_METHODS_H_
