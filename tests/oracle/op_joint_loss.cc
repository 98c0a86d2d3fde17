// Oracle cases of the joint loss.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/loss.h"
#include "tests/oracle/ops.h"

namespace tandem {
namespace {

proto::Distill Config(const nlohmann::json& settings) {
  proto::Distill config;
  config.set_logit_loss(settings.at("logit_loss") == "soft" ? proto::Distill::SOFT_LABEL
                                                            : proto::Distill::MSE);
  config.set_temperature(settings.at("temperature").get<double>());
  config.set_student_label_weight(settings.at("student_label_weight").get<double>());
  config.set_logit_weight(settings.at("logit_weight").get<double>());
  config.set_hint_weight(settings.at("hint_weight").get<double>());
  return config;
}

// "adapter/1/weight" is the oracle's adapter1_w.
std::string OracleName(const ParameterBlock& block) {
  const size_t slash = block.name.find('/');
  const std::string pair = block.name.substr(slash + 1, block.name.rfind('/') - slash - 1);
  return absl::StrCat("adapter", pair, block.kind == ParameterKind::kWeight ? "_w" : "_b");
}

// The case's inputs, and gradients of NaN where a gradient must be written.
struct Towers {
  Towers(const OracleCase& oracle, int pairs)
      : labels(oracle.array("inputs", "label").floats()),
        teacher_logits(oracle.array("inputs", "teacher_logit").floats()),
        student_logits(oracle.array("inputs", "student_logit").floats()),
        d_teacher(labels.size(), std::numeric_limits<float>::quiet_NaN()),
        d_student(labels.size(), std::numeric_limits<float>::quiet_NaN()) {
    for (int k = 0; k < pairs; ++k) {
      teacher_hidden.push_back(oracle.array("inputs", absl::StrCat("teacher_hidden", k)).floats());
      student_hidden.push_back(oracle.array("inputs", absl::StrCat("student_hidden", k)).floats());
      d_student_hidden.emplace_back(student_hidden.back().size(), 0.0f);
    }
  }

  Matrix View(AlignedFloats* values) const {
    const int rows = static_cast<int>(labels.size()), width = static_cast<int>(values->size()) / rows;
    return {values->data(), rows, width, width};
  }

  LossShard Shard() {
    LossShard shard;
    shard.rows = static_cast<int>(labels.size());
    shard.batch_rows = shard.rows;
    shard.labels = labels.data();
    shard.teacher_logits = teacher_logits.data();
    shard.student_logits = student_logits.data();
    for (AlignedFloats& hidden : teacher_hidden) shard.teacher_hidden.push_back(View(&hidden));
    for (AlignedFloats& hidden : student_hidden) shard.student_hidden.push_back(View(&hidden));
    return shard;
  }

  LossGradients Gradients(float* parameters) {
    LossGradients gradients;
    gradients.d_teacher_logits = d_teacher.data();
    gradients.d_student_logits = d_student.data();
    for (AlignedFloats& hidden : d_student_hidden) gradients.d_student_hidden.push_back(View(&hidden));
    gradients.parameters = parameters;
    return gradients;
  }

  AlignedFloats labels, teacher_logits, student_logits, d_teacher, d_student;
  std::vector<AlignedFloats> teacher_hidden, student_hidden, d_student_hidden;
};

void CheckTerms(const OracleCase& oracle, const LossTerms& terms) {
  const auto expect = [&](const char* name, double value) {
    ExpectOracle(name, oracle.array("outputs", name), std::vector<double>{value});
  };
  expect("teacher_label", terms.teacher_label);
  expect("student_label", terms.student_label);
  expect("logit", terms.logit);
  expect("hint", terms.hint);
  expect("total", terms.total);
}

void CheckWith(const OracleCase& oracle, const Kernels& kernels) {
  std::vector<int> teacher_widths, student_widths;
  for (const auto& pair : oracle.config().at("pairs")) {
    teacher_widths.push_back(pair.at(0).get<int>());
    student_widths.push_back(pair.at(1).get<int>());
  }
  JointLoss loss(Config(oracle.config()), teacher_widths, student_widths, kernels);
  AlignedFloats parameters(loss.layout().size()), gradients(loss.layout().size());
  for (const ParameterBlock& block : loss.layout().blocks()) {
    const AlignedFloats values = oracle.array("params", OracleName(block)).floats();
    ASSERT_EQ(static_cast<int64_t>(values.size()), block.size) << block.name;
    std::copy(values.begin(), values.end(), parameters.begin() + block.offset);
  }
  loss.Prepare(parameters.data());

  Towers towers(oracle, loss.pairs());
  const LossShard shard = towers.Shard();
  LossGradients wanted = towers.Gradients(gradients.data());
  LossWorkspace workspace = loss.MakeWorkspace(shard.rows);
  LossTerms terms;
  loss.Compute(shard, &workspace, &wanted, &terms);
  terms.Divide(static_cast<double>(shard.batch_rows));

  CheckTerms(oracle, terms);
  ExpectOracle("gradient of teacher_logit", oracle.array("grads", "teacher_logit"), towers.d_teacher);
  ExpectOracle("gradient of student_logit", oracle.array("grads", "student_logit"), towers.d_student);
  for (int k = 0; k < loss.pairs(); ++k) {
    const std::string name = absl::StrCat("student_hidden", k);
    ExpectOracle("gradient of " + name, oracle.array("grads", name), towers.d_student_hidden[k]);
  }
  for (const ParameterBlock& block : loss.layout().blocks()) {
    const auto begin = gradients.begin() + block.offset;
    ExpectOracle("gradient of " + OracleName(block), oracle.array("grads", OracleName(block)),
                 AlignedFloats(begin, begin + block.size));
  }
}

}  // namespace

void CheckJointLoss(const OracleCase& oracle) {
  for (const Kernels* kernels : AvailableKernels()) {
    SCOPED_TRACE(kernels->name());
    CheckWith(oracle, *kernels);
  }
}

}  // namespace tandem
