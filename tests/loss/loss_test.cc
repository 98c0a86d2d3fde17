// The joint loss against its formula, and its gradients against slopes.
#include "tandem/loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tandem/batch.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

constexpr int kRows = 13;
const std::vector<int> kTeacherWidths = {6, 5, 3};
const std::vector<int> kStudentWidths = {6, 3, 20};

proto::Distill Config(const std::string& text) { return ParseText<proto::Distill>(text); }

std::vector<float> Normals(uint64_t key, int n, double mean, double deviation) {
  const Random random(23, RandomPurpose::kSynthetic, {key});
  std::vector<float> values(n);
  for (int i = 0; i < n; ++i) values[i] = static_cast<float>(mean + deviation * random.Normal(i));
  return values;
}

// A batch of two towers' outputs, all of it float and owned here.
struct Towers {
  explicit Towers(bool weighted)
      : teacher_logits(Normals(1, kRows, 0, 2)), student_logits(Normals(2, kRows, 0, 2)) {
    for (const float x : Normals(3, kRows, 0, 1)) labels.push_back(x > 0.5f ? 1 : 0);
    if (weighted) {
      for (const float x : Normals(4, kRows, 0, 1)) weights.push_back(std::abs(x));
      weights[5] = 0;
    }
    for (size_t k = 0; k < kTeacherWidths.size(); ++k) {
      teacher_hidden.push_back(Normals(10 + k, kRows * kTeacherWidths[k], 0.5, 1));
      student_hidden.push_back(Normals(20 + k, kRows * kStudentWidths[k], 0.5, 1));
    }
  }

  // The rows [begin, end) as a shard of the batch.
  LossShard Shard(int begin, int end) const {
    LossShard shard;
    shard.rows = end - begin;
    shard.batch_rows = kRows;
    shard.labels = labels.data() + begin;
    shard.weights = weights.empty() ? nullptr : weights.data() + begin;
    shard.teacher_logits = teacher_logits.data() + begin;
    shard.student_logits = student_logits.data() + begin;
    for (size_t k = 0; k < kTeacherWidths.size(); ++k) {
      shard.teacher_hidden.push_back(View(teacher_hidden[k], kTeacherWidths[k], begin, end));
      shard.student_hidden.push_back(View(student_hidden[k], kStudentWidths[k], begin, end));
    }
    return shard;
  }

  static ConstMatrix View(const std::vector<float>& data, int width, int begin, int end) {
    return {data.data() + begin * width, end - begin, width, width};
  }

  std::vector<float> labels, weights, teacher_logits, student_logits;
  std::vector<std::vector<float>> teacher_hidden, student_hidden;
};

// A loss with its parameters, and room for the gradients of a batch.
struct Fixture {
  explicit Fixture(const std::string& config)
      : distill(Config(config)),
        loss(distill, kTeacherWidths, kStudentWidths, *FindKernels("auto").value()),
        parameters(loss.layout().size()),
        workspace(loss.MakeWorkspace(kRows)),
        d_parameters(loss.layout().size(), kUnset),
        d_teacher(kRows, kUnset),
        d_student(kRows, kUnset) {
    loss.Initialize(5, parameters.data());
    uint64_t key = 30;
    for (const ParameterBlock& block : loss.layout().blocks()) {
      if (block.kind != ParameterKind::kBias) continue;
      const std::vector<float> bias = Normals(key++, block.size, 0, 0.3);
      std::copy(bias.begin(), bias.end(), parameters.begin() + block.offset);
    }
    loss.Prepare(parameters.data());
    for (const int width : kStudentWidths) d_hidden.emplace_back(kRows * width, 0.0f);
  }

  LossGradients Gradients(int begin, int end) {
    LossGradients gradients;
    gradients.d_teacher_logits = d_teacher.data() + begin;
    gradients.d_student_logits = d_student.data() + begin;
    for (size_t k = 0; k < d_hidden.size(); ++k) {
      const int width = kStudentWidths[k];
      gradients.d_student_hidden.push_back({d_hidden[k].data() + begin * width, end - begin, width, width});
    }
    gradients.parameters = d_parameters.data();
    return gradients;
  }

  LossTerms Compute(const LossShard& shard, int begin = 0, int end = kRows) {
    LossGradients gradients = Gradients(begin, end);
    LossTerms sums;
    loss.Compute(shard, &workspace, &gradients, &sums);
    return sums;
  }

  // Sets the running statistics from the batch, as a step does.
  void Step(const Towers& towers) {
    std::vector<double> sums(loss.statistics_size());
    loss.SumStatistics(towers.Shard(0, kRows), sums.data());
    loss.UpdateStatistics(sums.data(), kRows, parameters.data());
    loss.Prepare(parameters.data());
  }

  static constexpr float kUnset = -77;
  proto::Distill distill;
  JointLoss loss;
  AlignedFloats parameters;
  LossWorkspace workspace;
  AlignedFloats d_parameters;
  std::vector<float> d_teacher, d_student;
  std::vector<std::vector<float>> d_hidden;
};

// The joint loss as it is written in the header, in double, of inputs that a test may shift. What sg()
// protects is held apart.
struct Reference {
  Reference(const Towers& towers, const Fixture& fixture)
      : config(fixture.distill),
        layout(fixture.loss.layout()),
        labels(Doubles(towers.labels)),
        weights(towers.weights.empty() ? std::vector<double>(kRows, 1) : Doubles(towers.weights)),
        teacher_logits(Doubles(towers.teacher_logits)),
        stopped_logits(teacher_logits),
        student_logits(Doubles(towers.student_logits)),
        has_logit(kRows, true),
        parameters(fixture.parameters.begin(), fixture.parameters.end()),
        variances(kTeacherWidths.size(), 1) {
    for (const auto& hidden : towers.teacher_hidden) stopped_hidden.push_back(Doubles(hidden));
    for (const auto& hidden : towers.student_hidden) student_hidden.push_back(Doubles(hidden));
  }

  static std::vector<double> Doubles(const std::vector<float>& values) {
    return {values.begin(), values.end()};
  }

  static double Sigma(double x) { return 1 / (1 + std::exp(-x)); }
  static double Entropy(double logit, double target) {
    return -target * std::log(Sigma(logit)) - (1 - target) * std::log(Sigma(-logit));
  }

  double Parameter(const std::string& name, int64_t i) const {
    for (const ParameterBlock& block : layout.blocks()) {
      if (block.name == name) return parameters[block.offset + i];
    }
    ADD_FAILURE() << name;
    return 0;
  }

  double Adapted(int k, int row, int unit) const {
    const int in = kStudentWidths[k], out = kTeacherWidths[k];
    if (in == out) return student_hidden[k][row * in + unit];
    const std::string name = "adapter/" + std::to_string(k);
    double sum = Parameter(name + "/bias", unit);
    for (int i = 0; i < in; ++i) {
      sum += student_hidden[k][row * in + i] * Parameter(name + "/weight", i * out + unit);
    }
    return sum;
  }

  double LogitLoss(double student, double teacher) const {
    const double T = config.temperature();
    switch (config.logit_loss()) {
      case proto::Distill::MSE:
        return (student - teacher) * (student - teacher);
      case proto::Distill::SOFT_LABEL:
        return T * T * Entropy(student / T, Sigma(teacher / T));
    }
    return kAbsent;  // equals nothing
  }

  LossTerms Means() const {
    LossTerms terms;
    for (int row = 0; row < kRows; ++row) {
      const double w = weights[row] / kRows, s = student_logits[row], t = stopped_logits[row];
      if (has_labels) terms.teacher_label += w * Entropy(teacher_logits[row], labels[row]);
      if (has_labels) terms.student_label += w * Entropy(s, labels[row]);
      if (has_logit[row]) terms.logit += w * LogitLoss(s, t);
      for (size_t k = 0; k < kTeacherWidths.size(); ++k) {
        const int width = kTeacherWidths[k];
        for (int unit = 0; unit < width; ++unit) {
          const double difference = Adapted(k, row, unit) - stopped_hidden[k][row * width + unit];
          terms.hint += w * difference * difference / width / variances[k];
        }
      }
    }
    terms.total = terms.teacher_label + config.student_label_weight() * terms.student_label +
                  config.logit_weight() * terms.logit + config.hint_weight() * terms.hint;
    return terms;
  }

  // Central difference of the total.
  double Slope(double* input) const {
    const double value = *input, step = 1e-5;
    *input = value + step;
    const double above = Means().total;
    *input = value - step;
    const double below = Means().total;
    *input = value;
    return (above - below) / (2 * step);
  }

  proto::Distill config;
  ParameterLayout layout;
  std::vector<double> labels, weights, teacher_logits, stopped_logits, student_logits;
  bool has_labels = true;
  std::vector<bool> has_logit;
  std::vector<double> parameters, variances;
  std::vector<std::vector<double>> stopped_hidden, student_hidden;
};

template <typename Floats>
void ExpectSlopes(const Reference& reference, const Floats& gradients, std::vector<double>* inputs,
                  const std::string& name) {
  for (size_t i = 0; i < inputs->size(); ++i) {
    const double slope = reference.Slope(&(*inputs)[i]);
    ASSERT_NEAR(slope, gradients[i], 1e-6 + 1e-4 * std::abs(slope)) << name << " " << i;
  }
}

void ExpectEqual(const LossTerms& expected, const LossTerms& actual, double tolerance) {
  EXPECT_NEAR(expected.teacher_label, actual.teacher_label, tolerance);
  EXPECT_NEAR(expected.student_label, actual.student_label, tolerance);
  EXPECT_NEAR(expected.logit, actual.logit, tolerance);
  EXPECT_NEAR(expected.hint, actual.hint, tolerance);
  EXPECT_NEAR(expected.total, actual.total, tolerance);
}

class EverySwitch : public testing::TestWithParam<std::string> {
 protected:
  // With hint_normalize, the variance that the step before left.
  static std::vector<double> Variances(const Fixture& fixture, const Towers& towers) {
    std::vector<double> variances(kTeacherWidths.size(), 1);
    if (!fixture.distill.hint_normalize()) return variances;
    for (size_t k = 0; k < variances.size(); ++k) {
      double mean = 0, square = 0;
      for (const float h : towers.teacher_hidden[k]) {
        mean += h / towers.teacher_hidden[k].size();
        square += static_cast<double>(h) * h / towers.teacher_hidden[k].size();
      }
      variances[k] = square - mean * mean + 1e-5;
    }
    return variances;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Settings, EverySwitch,
    testing::Values("", "logit_loss: SOFT_LABEL", "logit_loss: SOFT_LABEL temperature: 2.5 logit_weight: 0.7",
                    "student_label_weight: 0.3 logit_weight: 0", "student_label_weight: 0 hint_weight: 0.2",
                    "hint_weight: 0 logit_weight: 2", "hint_normalize: true hint_weight: 0.6",
                    "logit_weight: 0 hint_weight: 0"));

TEST_P(EverySwitch, GradientsAreTheSlopesOfTheLossAsItIsWritten) {
  for (const bool weighted : {false, true}) {
    const Towers towers(weighted);
    Fixture fixture(GetParam());
    if (fixture.distill.hint_normalize()) fixture.Step(towers);
    LossTerms terms = fixture.Compute(towers.Shard(0, kRows));
    terms.Divide(kRows);

    Reference reference(towers, fixture);
    reference.variances = Variances(fixture, towers);
    LossTerms expected = reference.Means();
    if (fixture.distill.logit_weight() == 0) expected.logit = 0;
    if (fixture.distill.hint_weight() == 0) expected.hint = 0;
    ExpectEqual(expected, terms, 1e-5);

    ExpectSlopes(reference, fixture.d_teacher, &reference.teacher_logits, "teacher logit");
    ExpectSlopes(reference, fixture.d_student, &reference.student_logits, "student logit");
    for (size_t k = 0; k < kTeacherWidths.size(); ++k) {
      ExpectSlopes(reference, fixture.d_hidden[k], &reference.student_hidden[k], "student hidden");
    }
    for (const ParameterBlock& block : reference.layout.blocks()) {
      for (int64_t i = block.offset; i < block.offset + block.size; ++i) {
        const bool statistic = block.kind == ParameterKind::kStatistic;
        const double slope = statistic ? 0 : reference.Slope(&reference.parameters[i]);
        ASSERT_NEAR(slope, fixture.d_parameters[i], 1e-6 + 1e-4 * std::abs(slope))
            << block.name << " at " << i;
      }
    }
  }
}

TEST_P(EverySwitch, TheTeachersGradientHasTheSameBitsWithAndWithoutAStudent) {
  const Towers towers(true);
  Fixture together(GetParam());
  together.Compute(towers.Shard(0, kRows));

  JointLoss alone(Config(GetParam()), {}, {}, *FindKernels("auto").value());
  LossShard shard = towers.Shard(0, kRows);
  shard.student_logits = nullptr;
  shard.teacher_hidden.clear();
  shard.student_hidden.clear();
  std::vector<float> d_teacher(kRows);
  LossGradients gradients;
  gradients.d_teacher_logits = d_teacher.data();
  LossWorkspace workspace = alone.MakeWorkspace(kRows);
  LossTerms sums;
  alone.Compute(shard, &workspace, &gradients, &sums);
  EXPECT_EQ(d_teacher, together.d_teacher);
  EXPECT_EQ(sums.total, sums.teacher_label);
}

// Logits of another teacher, none for every fourth row.
std::vector<float> StoredLogits() {
  std::vector<float> stored = Normals(7, kRows, 0.5, 2);
  for (int row = 1; row < kRows; row += 4) stored[row] = kAbsent;
  return stored;
}

TEST_P(EverySwitch, StoredLogitsTakeThePlaceOfTheTeachers) {
  const Towers towers(true);
  const std::vector<float> stored = StoredLogits();
  Fixture live(GetParam()), fixture(GetParam());
  live.Compute(towers.Shard(0, kRows));
  LossShard shard = towers.Shard(0, kRows);
  shard.stored_logits = stored.data();
  LossTerms terms = fixture.Compute(shard);
  terms.Divide(kRows);

  Reference reference(towers, fixture);
  for (int row = 0; row < kRows; ++row) {
    reference.has_logit[row] = !IsAbsent(stored[row]);
    if (reference.has_logit[row]) reference.stopped_logits[row] = stored[row];
  }
  LossTerms expected = reference.Means();
  if (fixture.distill.logit_weight() == 0) expected.logit = 0;
  if (fixture.distill.hint_weight() == 0) expected.hint = 0;
  ExpectEqual(expected, terms, 1e-5);
  ExpectSlopes(reference, fixture.d_student, &reference.student_logits, "student logit");
  EXPECT_EQ(fixture.d_teacher, live.d_teacher);
  EXPECT_EQ(fixture.d_hidden, live.d_hidden);

  // Without a teacher: the same gradient of the logit.
  const std::vector<float> d_student = fixture.d_student;
  shard.teacher_logits = nullptr;
  shard.teacher_hidden.clear();
  const LossTerms alone = fixture.Compute(shard);
  EXPECT_EQ(fixture.d_student, d_student);
  EXPECT_NEAR(alone.logit / kRows, terms.logit, 1e-12);
  EXPECT_EQ(alone.teacher_label, 0);
  EXPECT_EQ(alone.hint, 0);
}

TEST_P(EverySwitch, RowsWithoutALabelHaveTheDistillationAlone) {
  const Towers towers(true);
  Fixture labelled(GetParam()), fixture(GetParam());
  labelled.Compute(towers.Shard(0, kRows));
  LossShard shard = towers.Shard(0, kRows);
  shard.labels = nullptr;
  LossTerms terms = fixture.Compute(shard);
  terms.Divide(kRows);

  Reference reference(towers, fixture);
  reference.has_labels = false;
  LossTerms expected = reference.Means();
  if (fixture.distill.logit_weight() == 0) expected.logit = 0;
  if (fixture.distill.hint_weight() == 0) expected.hint = 0;
  ExpectEqual(expected, terms, 1e-5);
  ExpectSlopes(reference, fixture.d_student, &reference.student_logits, "student logit");
  EXPECT_EQ(fixture.d_hidden, labelled.d_hidden);
  EXPECT_EQ(fixture.d_teacher[0], Fixture::kUnset);
}

TEST_P(EverySwitch, ShardsAddUpToTheBatch) {
  const Towers towers(true);
  Fixture whole(GetParam()), sharded(GetParam());
  const LossTerms expected = whole.Compute(towers.Shard(0, kRows));
  LossTerms sums;
  AlignedFloats d_parameters(whole.d_parameters.size());
  for (const auto& [begin, end] : {std::pair(0, 4), std::pair(4, 12), std::pair(12, kRows)}) {
    sums.Add(sharded.Compute(towers.Shard(begin, end), begin, end));
    for (size_t i = 0; i < d_parameters.size(); ++i) d_parameters[i] += sharded.d_parameters[i];
  }
  ExpectEqual(expected, sums, 1e-12);
  EXPECT_EQ(whole.d_teacher, sharded.d_teacher);
  EXPECT_EQ(whole.d_student, sharded.d_student);
  EXPECT_EQ(whole.d_hidden, sharded.d_hidden);
  for (size_t i = 0; i < d_parameters.size(); ++i)
    ASSERT_NEAR(whole.d_parameters[i], d_parameters[i], 1e-6f) << i;
}

TEST(JointLoss, AStudentAloneLearnsFromItsLabelsOnly) {
  const Towers towers(true);
  Fixture fixture("student_label_weight: 0.3 logit_weight: 5 hint_weight: 5");
  LossShard shard = towers.Shard(0, kRows);
  shard.teacher_logits = nullptr;
  shard.teacher_hidden.clear();
  const LossTerms sums = fixture.Compute(shard);
  EXPECT_EQ(0, sums.teacher_label);
  EXPECT_EQ(0, sums.logit);
  EXPECT_EQ(0, sums.hint);
  EXPECT_DOUBLE_EQ(0.3 * sums.student_label, sums.total);
  EXPECT_EQ(Fixture::kUnset, fixture.d_teacher[0]);
  for (int row = 0; row < kRows; ++row) {
    const double expected = 0.3 * towers.weights[row] *
                            (Reference::Sigma(towers.student_logits[row]) - towers.labels[row]) / kRows;
    ASSERT_NEAR(expected, fixture.d_student[row], 1e-7) << "row " << row;
  }
}

TEST(JointLoss, HintGradientsAreAddedToWhatIsThere) {
  const Towers towers(false);
  Fixture from_zero(""), from_one("");
  for (auto& hidden : from_one.d_hidden) std::fill(hidden.begin(), hidden.end(), 1.0f);
  from_zero.Compute(towers.Shard(0, kRows));
  from_one.Compute(towers.Shard(0, kRows));
  for (size_t k = 0; k < kTeacherWidths.size(); ++k) {
    for (size_t i = 0; i < from_zero.d_hidden[k].size(); ++i) {
      ASSERT_NEAR(1 + from_zero.d_hidden[k][i], from_one.d_hidden[k][i], 1e-6f) << "pair " << k << ", " << i;
    }
  }
}

TEST(JointLoss, GradientsThatNobodyWantsMayBeNull) {
  const Towers towers(false);
  Fixture fixture("");
  const LossTerms expected = fixture.Compute(towers.Shard(0, kRows));
  LossGradients none;
  LossTerms sums;
  fixture.loss.Compute(towers.Shard(0, kRows), &fixture.workspace, &none, &sums);
  ExpectEqual(expected, sums, 0);
}

TEST(JointLoss, ATermOfWeightZeroReadsNothing) {
  const Towers towers(false);
  Fixture fixture("hint_weight: 0 hint_normalize: true");
  LossShard shard = towers.Shard(0, kRows);
  shard.teacher_hidden.clear();
  shard.student_hidden.clear();
  EXPECT_EQ(0, fixture.Compute(shard).hint);
  EXPECT_EQ(0, fixture.loss.statistics_size());
  for (const float d : fixture.d_parameters) ASSERT_EQ(0, d);
}

TEST(JointLoss, StatisticsRunAsAveragesOfTheFirstStepsAndThenDecay) {
  const Towers towers(false);
  Fixture fixture("hint_normalize: true");
  ASSERT_EQ(6, fixture.loss.statistics_size());
  const ParameterBlock* first = nullptr;
  for (const ParameterBlock& block : fixture.loss.layout().blocks()) {
    if (block.name == "hint/0/statistics") first = &block;
  }
  ASSERT_NE(nullptr, first);
  EXPECT_EQ(ParameterKind::kStatistic, first->kind);
  const float* const statistics = fixture.parameters.data() + first->offset;

  // Batches whose units are all `value`.
  const auto step = [&](double value) {
    std::vector<double> sums(6);
    sums[0] = value * kRows * kTeacherWidths[0];
    sums[1] = value * value * kRows * kTeacherWidths[0];
    fixture.loss.UpdateStatistics(sums.data(), kRows, fixture.parameters.data());
  };
  step(3);
  EXPECT_FLOAT_EQ(3, statistics[0]);
  EXPECT_FLOAT_EQ(9, statistics[1]);
  step(6);
  EXPECT_FLOAT_EQ(4.5, statistics[0]);
  step(0);
  EXPECT_FLOAT_EQ(3, statistics[0]);
  for (int i = 3; i < 1000; ++i) step(1);
  const float before = statistics[0];
  step(11);
  EXPECT_NEAR(0.99 * before + 0.01 * 11, statistics[0], 1e-5);
  EXPECT_EQ(1001, statistics[2]);
}

TEST(JointLoss, NormalisingIsIdentityBeforeTheFirstStep) {
  const Towers towers(false);
  Fixture plain(""), normalized("hint_normalize: true");
  EXPECT_EQ(plain.Compute(towers.Shard(0, kRows)).hint, normalized.Compute(towers.Shard(0, kRows)).hint);
}

TEST(JointLoss, ADeadTeacherLayerKeepsTheNormalisedHintFinite) {
  Towers towers(false);
  for (auto& hidden : towers.teacher_hidden) std::fill(hidden.begin(), hidden.end(), 0.0f);
  Fixture fixture("hint_normalize: true");
  fixture.Step(towers);
  EXPECT_TRUE(std::isfinite(fixture.Compute(towers.Shard(0, kRows)).hint));
}

TEST(JointLoss, EqualWidthsNeedNoAdapter) {
  const Fixture fixture("");
  std::vector<std::string> names;
  for (const ParameterBlock& block : fixture.loss.layout().blocks()) names.push_back(block.name);
  EXPECT_EQ(
      (std::vector<std::string>{"adapter/1/weight", "adapter/1/bias", "adapter/2/weight", "adapter/2/bias"}),
      names);
}

TEST(Label, StaysFiniteAndExactAtHugeLogits) {
  EXPECT_EQ(0, BinaryCrossEntropy(1000, 1));
  EXPECT_EQ(1000, BinaryCrossEntropy(1000, 0));
  EXPECT_EQ(1000, BinaryCrossEntropy(-1000, 1));
  EXPECT_EQ(0, Sigmoid(-1000));
  EXPECT_EQ(1, Sigmoid(1000));
  EXPECT_DOUBLE_EQ(std::exp(-40.0), Sigmoid(-40));
  EXPECT_DOUBLE_EQ(std::exp(-40.0), BinaryCrossEntropy(40, 1));
  EXPECT_DOUBLE_EQ(std::log(2.0), BinaryCrossEntropy(0, 0.3));
}

}  // namespace
}  // namespace tandem
