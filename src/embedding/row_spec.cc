#include "src/embedding/row_spec.h"

#include "src/config/methods.h"
#include "src/config/teachers.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

RowShape ShapeOf(const proto::Experiment& experiment, const RowSpec& spec) {
  const proto::Model& model = experiment.model();
  RowShape shape;
  shape.trained = spec.trained;
  shape.dim = experiment.embedding().dim() * static_cast<int>(spec.seeds.size());
  for (const MemberConfig& teacher : TeachersOf(experiment))
    shape.teacher_linear += teacher.tower->linear() ? 1 : 0;
  shape.student_linear = spec.has_student && model.student().linear() && !PlanOf(experiment).own_embedding;
  shape.width = shape.dim + shape.teacher_linear + (shape.student_linear ? 1 : 0);
  // Not trained, the weights themselves are what is served where all towers are served on one copy.
  shape.slow =
      (spec.slow_teacher || spec.slow_student) &&
      (spec.trained || spec.slow_teacher != spec.has_teacher || spec.slow_student != spec.has_student);
  if (spec.trained) {
    shape.slots = spec.optimizer->slots();
    shape.updates = spec.optimizer->counts_updates();
    shape.last_steps = experiment.embedding().weight_decay() > 0 || shape.slow;
    shape.last_days = experiment.embedding().expire_days() > 0;
  }
  if (shape.slow) shape.slow_at = shape.width * (1 + shape.slots);
  return shape;
}

}  // namespace

RowSpec::RowSpec(const proto::Experiment& experiment, bool trained)
    : trained(trained),
      has_teacher(HasTeacher(experiment.model())),
      has_student(HasStudent(experiment.model())),
      slow_teacher(TeacherReadsSlowCopy(experiment)),
      slow_student(StudentReadsSlowCopy(experiment)),
      optimizer(MakeOptimizer(experiment.embedding().optimizer())),
      seeds(SeedsOfVectors(experiment)),
      shape(ShapeOf(experiment, *this)),
      init_deviation(experiment.embedding().init_deviation()),
      min_count(experiment.embedding().min_count()),
      l2(experiment.embedding().l2()),
      l2_whole_table(l2 > 0 && experiment.embedding().l2_scope() == proto::Embedding::TABLE),
      weight_decay(experiment.embedding().weight_decay()),
      slow_decay(experiment.embedding().slow_copy().decay()) {}

}  // namespace tandem
