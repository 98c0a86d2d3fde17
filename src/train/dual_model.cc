#include "tandem/dual_model.h"

#include <utility>
#include <vector>

#include "src/config/methods.h"
#include "src/config/optimizers.h"
#include "src/config/teachers.h"
#include "src/train/tower_kernels.h"
#include "tandem/experiment.pb.h"
#include "tandem/optimizer.h"
#include "tandem/status.h"

namespace tandem {
namespace {

int FromEnd(int layer, int layers) { return layer < 0 ? layers + layer : layer; }

void Allocate(const ParameterLayout& layout, int slots, bool trained, bool averages,
              DenseParameters* parameters) {
  parameters->values.assign(layout.size(), 0);
  if (!trained) return;
  parameters->slots.assign(layout.size() * slots, 0);
  if (averages) parameters->averages.assign(layout.size(), 0);
}

std::vector<FeatureFields> FeaturesOf(const Schema& schema, const EmbeddingView& view) {
  std::vector<FeatureFields> features;
  for (size_t i = 0; i < view.fields.size(); ++i) {
    const Field& field = schema.fields()[view.fields[i]];
    if (field.place > 0) continue;
    const bool sequence = !field.sequence.empty();
    features.push_back(
        {sequence ? field.sequence : field.name, static_cast<int>(i), sequence ? field.places : 1, sequence});
  }
  return features;
}

std::unique_ptr<RowStore> OrLocal(std::unique_ptr<RowStore> store, const proto::Experiment& experiment,
                                  const Schema& schema, bool trained) {
  return store != nullptr ? std::move(store) : MakeLocalRowStore(experiment, schema, trained);
}

}  // namespace

// Of the shared tables, and of the student's own, where the method has such.
struct DualModel::Stores {
  std::unique_ptr<RowStore> shared, own;
};

DualModel::DualModel(const proto::Experiment& experiment, const Kernels& kernels, bool trained)
    : DualModel(experiment, kernels, trained, Stores()) {}

absl::StatusOr<std::unique_ptr<DualModel>> DualModel::Make(const proto::Experiment& experiment,
                                                           const Kernels& kernels, bool trained,
                                                           const RowStoreFactory& row_stores) {
  Stores stores;
  if (row_stores != nullptr) {
    const Schema schema(experiment);
    TANDEM_ASSIGN_OR_RETURN(stores.shared, row_stores({experiment, schema, trained, /*of_student=*/false}));
    if (PlanOf(experiment).own_embedding) {
      const proto::Experiment alone = StudentAlone(experiment);
      TANDEM_ASSIGN_OR_RETURN(stores.own, row_stores({alone, schema, trained, /*of_student=*/true}));
    }
  }
  return std::unique_ptr<DualModel>(new DualModel(experiment, kernels, trained, std::move(stores)));
}

DualModel::DualModel(const proto::Experiment& experiment, const Kernels& kernels, bool trained, Stores stores)
    : experiment_(std::make_unique<proto::Experiment>(experiment)),
      schema_(*experiment_),
      kernels_(kernels),
      tower_kernels_(trained ? TowerKernels(experiment.train(), kernels) : kernels),
      trained_(trained),
      embedding_(*experiment_, schema_, OrLocal(std::move(stores.shared), *experiment_, schema_, trained)) {
  const proto::Model& model = experiment_->model();
  const MethodPlan plan = PlanOf(*experiment_);
  if (plan.own_embedding) {
    const proto::Experiment alone = StudentAlone(*experiment_);
    own_embedding_.emplace(alone, schema_, OrLocal(std::move(stores.own), alone, schema_, trained));
  }
  std::vector<FeatureFields> features;
  const auto shape = [&](const EmbeddingView& view, int dim) {
    features = FeaturesOf(schema_, view);
    return FieldShape{static_cast<int>(view.fields.size()), dim, features};
  };
  if (plan.teacher) {
    teacher_input_ = embedding_.all_fields();
    served_teacher_input_ = {teacher_input_.fields, TeacherReadsSlowCopy(*experiment_)};
    teacher_.emplace(*experiment_, shape(teacher_input_, experiment_->embedding().dim()), tower_kernels_);
  }
  if (plan.student) {
    for (int f = 0; f < embedding_.fields(); ++f) {
      if (!schema_.fields()[f].teacher_only) student_input_.fields.push_back(f);
    }
    served_student_input_ = {student_input_.fields, StudentReadsSlowCopy(*experiment_)};
    student_input_.slow = served_student_input_.slow && !plan.trains_embedding;
    student_.emplace(model.student(), shape(student_input_, student_embedding().dim()), "student",
                     tower_kernels_);
  }

  std::vector<int> teacher_widths, student_widths;
  if (has_teacher() && has_student()) {
    for (const proto::Hint& hint : model.distill().hint()) {
      const int of_teacher = FromEnd(hint.teacher_layer(), teacher_->hidden_layers());
      const int of_student = FromEnd(hint.student_layer(), student_->hidden_layers());
      hinted_layers_.emplace_back(of_teacher, of_student);
      teacher_widths.push_back(teacher_->hidden_width(of_teacher));
      student_widths.push_back(student_->hidden_width(of_student));
    }
  }
  loss_.emplace(DistillOf(*experiment_), teacher_widths, student_widths, kernels_);

  const int teacher_slots = MakeOptimizer(TeacherOptimizerOf(*experiment_))->slots();
  const int student_slots = MakeOptimizer(OptimizerOf(*experiment_, model.student()))->slots();
  const bool averages = experiment_->train().average_decay() > 0;
  if (has_teacher()) Allocate(teacher_->layout(), teacher_slots, trained, averages, &teacher_parameters_);
  if (has_student()) Allocate(student_->layout(), student_slots, trained, averages, &student_parameters_);
  Allocate(loss_->layout(), student_slots, trained, /*averages=*/false, &adapter_parameters_);
}

DualModel::~DualModel() = default;

void DualModel::Initialize(double first_logit) {
  const auto bias = static_cast<float>(first_logit);
  if (has_teacher()) teacher_->Initialize(teacher_parameters_.values.data(), bias);
  if (has_student()) student_->Initialize(StudentSeed(*experiment_), student_parameters_.values.data(), bias);
  loss_->Initialize(experiment_->train().seed(), adapter_parameters_.values.data());
  if (trained_) {
    const proto::Model& model = experiment_->model();
    for (DenseParameters* part : {&teacher_parameters_, &student_parameters_, &adapter_parameters_}) {
      const bool of_teacher = part == &teacher_parameters_;
      const std::unique_ptr<Optimizer> optimizer = MakeOptimizer(
          of_teacher ? TeacherOptimizerOf(*experiment_) : OptimizerOf(*experiment_, model.student()));
      const auto size = static_cast<int64_t>(part->values.size());
      optimizer->Initialize(size, part->values.data(), part->slots.data(), size);
      if (!part->averages.empty()) part->averages = part->values;
    }
  }
  Prepare();
}

void DualModel::Prepare() {
  if (has_teacher()) teacher_->Prepare(teacher_parameters_.values.data());
  PrepareStudent();
}

void DualModel::PrepareStudent() {
  if (has_student()) student_->Prepare(student_parameters_.values.data());
  loss_->Prepare(adapter_parameters_.values.data());
}

void DualModel::PrepareServed() {
  if (has_teacher()) PrepareServedTeacher();
  if (has_student()) student_->Prepare(student_parameters_.served().data());
}

void DualModel::PrepareServedTeacher() { teacher_->Prepare(teacher_parameters_.served().data()); }

void DualModel::SetCommitteeMean(const CommitteeMean& mean) {
  teacher_->SetMean(mean, teacher_parameters_.values.data());
  if (!teacher_parameters_.averages.empty()) teacher_->SetMean(mean, teacher_parameters_.averages.data());
}

}  // namespace tandem
