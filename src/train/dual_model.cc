#include "tandem/dual_model.h"

#include <utility>
#include <vector>

#include "config/experiment.pb.h"

namespace tandem {
namespace {

int FromEnd(int layer, int layers) { return layer < 0 ? layers + layer : layer; }

void Allocate(const ParameterLayout& layout, int slots, bool trained, DenseParameters* parameters) {
  parameters->values.assign(layout.size(), 0);
  if (trained) parameters->slots.assign(layout.size() * slots, 0);
}

}  // namespace

DualModel::DualModel(const proto::Experiment& experiment, const Kernels& kernels, bool trained)
    : experiment_(std::make_unique<proto::Experiment>(experiment)),
      schema_(*experiment_),
      kernels_(kernels),
      trained_(trained),
      embedding_(*experiment_, schema_, trained) {
  const proto::Model& model = experiment_->model();
  const FieldShape shape{embedding_.fields(), embedding_.dim()};
  if (model.method() != proto::STUDENT_ALONE) teacher_.emplace(model.teacher(), shape, "teacher", kernels_);
  if (model.method() != proto::TEACHER_ALONE) student_.emplace(model.student(), shape, "student", kernels_);

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
  loss_.emplace(model.distill(), teacher_widths, student_widths, kernels_);

  const int slots = MakeOptimizer(experiment_->train().optimizer())->slots();
  if (has_teacher()) Allocate(teacher_->layout(), slots, trained, &teacher_parameters_);
  if (has_student()) Allocate(student_->layout(), slots, trained, &student_parameters_);
  Allocate(loss_->layout(), slots, trained, &adapter_parameters_);
}

DualModel::~DualModel() = default;

void DualModel::Initialize() {
  const uint64_t seed = experiment_->train().seed();
  if (has_teacher()) teacher_->Initialize(seed, teacher_parameters_.values.data());
  if (has_student()) student_->Initialize(seed, student_parameters_.values.data());
  loss_->Initialize(seed, adapter_parameters_.values.data());
  if (trained_) {
    const std::unique_ptr<Optimizer> optimizer = MakeOptimizer(experiment_->train().optimizer());
    for (DenseParameters* part : {&teacher_parameters_, &student_parameters_, &adapter_parameters_}) {
      const auto size = static_cast<int64_t>(part->values.size());
      optimizer->Initialize(size, part->values.data(), part->slots.data(), size);
    }
  }
  Prepare();
}

void DualModel::Prepare() {
  if (has_teacher()) teacher_->Prepare(teacher_parameters_.values.data());
  if (has_student()) student_->Prepare(student_parameters_.values.data());
  loss_->Prepare(adapter_parameters_.values.data());
}

}  // namespace tandem
