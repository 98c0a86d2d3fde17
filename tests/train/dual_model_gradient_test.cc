// The gradients of the whole dual model, from the joint loss down to the rows of the embedding, against
// finite differences of the double-precision reference.
//
// The reference has no stop-gradient: what teacher, student and embedding get is told apart by the loss that
// is differentiated. Teacher and embedding must follow the teacher's label loss alone, the student the
// weighted total. One step of SGD with rate 1 gives the model's gradients: values before less values after.
#include <glog/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/trainer.h"
#include "tests/support/experiments.h"
#include "tests/support/gradient_checker.h"
#include "tests/support/local_rows.h"
#include "tests/support/random_floats.h"
#include "tests/support/reference.h"

namespace tandem {
namespace {

using reference::Losses;
using reference::Vector;

constexpr int kRows = 11;
constexpr int kShardRows = 4;  // the last shard is smaller
constexpr uint64_t kBatchSeed = 4;
// Differences of kDifferenceStep must not cross a ReLU's kink, nor float32's rounding.
constexpr double kNearestKink = 1e-4;

constexpr const char* kTeachers[] = {
    "linear: true interaction { fm {} } interaction { cross { layers: 2 } } mlp { hidden: 7 hidden: 5 }",
    "interaction { fm {} } interaction { cross { version: V1 layers: 2 } } mlp { hidden: 7 hidden: 5 }",
    ("linear: true interaction { cin { layers: 4 layers: 3 activation: RELU bias: true } } "
     "mlp { hidden: 7 hidden: 5 } combine: PARALLEL"),
};
// With a hint at both layers: adapted where the widths differ from the teacher's.
constexpr const char* kStudents[] = {
    "linear: true mlp { hidden: 6 hidden: 4 }",
    "mlp { hidden: 7 hidden: 5 }",
    "linear: true interaction { fm {} } mlp { hidden: 7 hidden: 3 }",
};
// Of several heads; hints are between the first ones.
constexpr const char* kTeachersOfHeads[] = {
    "linear: true heads: 3 interaction { fm {} } mlp { hidden: 7 hidden: 5 } combine: PARALLEL",
    "linear: true heads: 2 head_weights: RANK_ONE interaction { fm {} } mlp { hidden: 7 hidden: 5 }",
};
constexpr const char* kStudentsOfHeads[] = {
    "linear: true heads: 2 mlp { hidden: 6 hidden: 4 }",
    "linear: true heads: 3 head_weights: RANK_ONE mlp { hidden: 7 hidden: 5 }",
};
constexpr const char* kLogitLosses[] = {"logit_loss: MSE", "logit_loss: SOFT_LABEL temperature: 2.5"};

// Besides SmallExperiment's features. A number between two knots is in both their rows.
constexpr const char* kNoMore = "";
constexpr const char* kBetweenKnots =
    "feature { name: 'price' dense { piecewise { knots: [-1, 0.5, 3, 10] } } }";

using Case =
    std::tuple<const char*, const char*, const char*, const char*>;  // teacher, student, logit loss, features

proto::Experiment ExperimentOfCase(const Case& model) {
  proto::Experiment experiment = SmallExperiment(
      absl::StrCat("teacher { ", std::get<0>(model), " } student { ", std::get<1>(model),
                   " } distill { student_label_weight: 0.8 logit_weight: 0.7 hint_weight: 0.6 ",
                   "hint { teacher_layer: 0 student_layer: 0 } hint {} ", std::get<2>(model), " }"),
      absl::StrCat(
          "embedding { optimizer { sgd { lr: 1 } } } train { optimizer { sgd { lr: 1 } } shard_rows: ",
          kShardRows, " }"));
  const std::string more = std::get<3>(model);
  if (!more.empty()) *experiment.add_feature() = ParseExperiment(more, "test").value().feature(0);
  ResolveDefaults(&experiment);
  CHECK(ValidateExperiment(experiment).ok()) << ValidateExperiment(experiment);
  return experiment;
}

Batch WeightedBatch(const Schema& schema) {
  Batch batch = RandomBatch(schema, kRows, kBatchSeed);
  for (int r = 0; r < kRows; ++r) batch.weights[r] = 0.5f * static_cast<float>(r % 5);  // 0 among them
  return batch;
}

// Else the tests above would not see how bags are pooled and occurrences added up.
TEST(DualModelGradientBatch, HasEmptyAndLongBagsAndIdsThatRepeat) {
  const Schema schema(ExperimentOfCase({kTeachers[0], kStudents[0], kLogitLosses[0], kNoMore}));
  const Batch batch = WeightedBatch(schema);
  size_t shortest = 100, longest = 0;
  std::map<std::pair<int, uint64_t>, int> occurrences;  // of the ids of sparse fields
  for (size_t f = 0; f < batch.fields.size(); ++f) {
    const FieldBags& bags = batch.fields[f];
    for (int r = 0; r < kRows; ++r) {
      const size_t size = bags.offsets[r + 1] - bags.offsets[r];
      shortest = std::min(shortest, size);
      longest = std::max(longest, size);
    }
    if (schema.fields()[f].kind == FieldKind::kDense) continue;
    for (const uint64_t key : bags.keys) ++occurrences[{schema.fields()[f].table, key}];
  }
  const auto repeated = std::count_if(occurrences.begin(), occurrences.end(),
                                      [](const auto& entry) { return entry.second > 1; });
  EXPECT_EQ(shortest, 0u);
  EXPECT_EQ(longest, 3u);
  EXPECT_GT(repeated, 2);
}

TEST(DualModelGradientBatch, HasNumbersBetweenKnots) {
  const Schema schema(ExperimentOfCase({kTeachers[0], kStudents[0], kLogitLosses[0], kBetweenKnots}));
  const FieldBags bags = WeightedBatch(schema).fields.back();
  ASSERT_EQ(schema.fields().back().kind, FieldKind::kPiecewise);
  ASSERT_EQ(bags.keys.size(), 2u * kRows);
  for (const float coefficient : bags.coefficients) EXPECT_TRUE(coefficient > 0 && coefficient < 1);
  EXPECT_GT(std::set<uint64_t>(bags.keys.begin(), bags.keys.end()).size(), 2u);
}

// All that a step changes: the flat parameters, and the embedding's rows by what they hold.
struct Values {
  Vector teacher, student, adapters;
  Vector vectors;                         // [embedding rows, dim]
  Vector teacher_linear, student_linear;  // [embedding rows], empty without a linear part
};

Vector Minus(const Vector& a, const Vector& b) {
  Vector difference(a.size());
  for (size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return difference;
}

// A tower of the reference, computed where anything that it reads has moved: most differences move one of the
// two.
class ReferenceTower {
 public:
  const reference::TowerOutput& Output(const proto::Tower& config, const FieldShape& shape,
                                       const ParameterLayout& layout, const Vector& parameters,
                                       const Vector& x, const Vector& linear) {
    if (parameters != parameters_ || x != x_ || linear != linear_) {
      output_ = reference::Tower(config, shape, reference::Parameters(layout, parameters), x, linear, kRows);
      std::tie(parameters_, x_, linear_) = std::tie(parameters, x, linear);
    }
    return output_;
  }

 private:
  Vector parameters_, x_, linear_;
  reference::TowerOutput output_;
};

class DualModelGradientTest : public testing::TestWithParam<Case> {
 protected:
  DualModelGradientTest()
      : model_(ExperimentOfCase(GetParam()), *FindKernels("auto").value(), /*trained=*/true),
        config_(model_.experiment().model()),
        shape_{model_.embedding().fields(), model_.embedding().dim()},
        batch_(WeightedBatch(model_.schema())) {
    std::map<std::pair<int, uint64_t>, size_t> places;
    for (size_t f = 0; f < batch_.fields.size(); ++f) {
      const int table = model_.schema().fields()[f].table;
      for (const uint64_t key : batch_.fields[f].keys) {
        const auto [place, is_new] = places.emplace(std::make_pair(table, key), rows_.size());
        if (is_new) rows_.emplace_back(table, key);
        places_.push_back(place->second);
      }
    }
  }

  void SetUp() override {
    FillParameters();
    before_ = CurrentValues();
    Workers workers(2);
    Trainer trainer(&model_, TrainedParts::kAll, TrainerClock(), &workers);
    const absl::StatusOr<const StepResult*> result = trainer.Step(batch_);
    ASSERT_TRUE(result.ok()) << result.status();
    terms_ = (*result)->terms;
    const Values after = CurrentValues();
    for (const auto part : {&Values::teacher, &Values::student, &Values::adapters, &Values::vectors,
                            &Values::teacher_linear, &Values::student_linear}) {
      gradients_.*part = Minus(before_.*part, after.*part);
    }
  }

  void TearDown() override {
    EXPECT_GT(kink_, kNearestKink) << "an input too near a ReLU's kink: choose another seed";
  }

  // Values of a size at which every part of the model matters; biases and linear weights too.
  void FillParameters() {
    model_.Initialize();
    uint64_t seed = 20;
    const auto fill = [&](const ParameterLayout& layout, DenseParameters* parameters) {
      for (const ParameterBlock& block : layout.blocks()) {
        if (block.kind == ParameterKind::kStatistic) continue;
        AlignedFloats values = RandomFloats(block.size, ++seed, 0.4);
        const bool factors = absl::StrContains(block.name, "/weight_");
        for (float& value : values) value += factors ? 1 : 0;
        std::copy(values.begin(), values.end(), parameters->values.begin() + block.offset);
      }
    };
    fill(model_.teacher().layout(), &model_.teacher_parameters());
    fill(model_.student().layout(), &model_.student_parameters());
    fill(model_.loss().layout(), &model_.adapter_parameters());
    model_.Prepare();
    const int width = shape_.dim + config_.teacher().linear() + config_.student().linear();
    for (const auto& [table, key] : rows_) {
      const AlignedFloats values = RandomFloats(width, ++seed, 0.6);
      std::copy(values.begin(), values.end(), LocalRow(&model_.embedding(), table, key));
    }
  }

  Values CurrentValues() {
    Values values;
    values.teacher = ToDouble(model_.teacher_parameters().values);
    values.student = ToDouble(model_.student_parameters().values);
    values.adapters = ToDouble(model_.adapter_parameters().values);
    for (const auto& [table, key] : rows_) {
      const float* row = LocalRow(&model_.embedding(), table, key);
      values.vectors.insert(values.vectors.end(), row, row + shape_.dim);
      row += shape_.dim;
      if (config_.teacher().linear()) values.teacher_linear.push_back(*row++);
      if (config_.student().linear()) values.student_linear.push_back(*row);
    }
    return values;
  }

  // Of every field the sum of coefficient * row, [batch rows, fields, width].
  Vector Pool(const Vector& embedding_rows, int width) const {
    Vector pooled(kRows * shape_.fields * width);
    size_t first = 0;  // place of the field's first occurrence
    for (int f = 0; f < shape_.fields; first += batch_.fields[f++].keys.size()) {
      const FieldBags& bags = batch_.fields[f];
      for (int r = 0; r < kRows; ++r) {
        for (uint32_t i = bags.offsets[r]; i < bags.offsets[r + 1]; ++i) {
          const double* row = &embedding_rows[places_[first + i] * width];
          double* sum = &pooled[(r * shape_.fields + f) * width];
          for (int d = 0; d < width; ++d) sum[d] += bags.coefficients[i] * row[d];
        }
      }
    }
    return pooled;
  }

  // The linear part's sums over the fields, [batch rows].
  Vector LinearSums(const Vector& linear_weights) const {
    if (linear_weights.empty()) return {};
    const Vector pooled = Pool(linear_weights, 1);
    Vector sums(kRows);
    for (size_t i = 0; i < pooled.size(); ++i) sums[i / shape_.fields] += pooled[i];
    return sums;
  }

  Losses Forward(const Values& values) {
    const Vector x = Pool(values.vectors, shape_.dim);
    const auto& teacher = teacher_.Output(config_.teacher(), shape_, model_.teacher().layout(),
                                          values.teacher, x, LinearSums(values.teacher_linear));
    const auto& student = student_.Output(config_.student(), shape_, model_.student().layout(),
                                          values.student, x, LinearSums(values.student_linear));
    kink_ = std::min({kink_, teacher.kink, student.kink});
    std::vector<reference::Hint> hints;
    for (int layer = 0; layer < 2; ++layer) {
      reference::Hint hint;
      hint.teacher = teacher.hidden[layer];
      hint.student = student.hidden[layer];
      hint.teacher_width = config_.teacher().mlp().hidden(layer);
      hint.student_width = config_.student().mlp().hidden(layer);
      if (hint.teacher_width != hint.student_width) {
        hint.weight = AdapterBlock(absl::StrCat("adapter/", layer, "/weight"), values.adapters);
        hint.bias = AdapterBlock(absl::StrCat("adapter/", layer, "/bias"), values.adapters);
      }
      hints.push_back(hint);
    }
    // Each head has losses of its own; a tower's are their mean.
    Losses mean;
    const auto pairs = static_cast<double>(teacher.head_logits.size() * student.head_logits.size());
    for (const Vector& of_teacher : teacher.head_logits) {
      for (const Vector& of_student : student.head_logits) {
        const Losses losses = reference::JointLoss(
            config_.distill(), {batch_.labels.begin(), batch_.labels.end()},
            {batch_.weights.begin(), batch_.weights.end()}, of_teacher, teacher.logits, of_student, hints);
        for (const auto term :
             {&Losses::teacher_label, &Losses::student_label, &Losses::logit, &Losses::hint, &Losses::total})
          mean.*term += losses.*term / pairs;
      }
    }
    return mean;
  }

  Vector AdapterBlock(const std::string& name, const Vector& adapters) const {
    const double* begin = reference::Parameters(model_.loss().layout(), adapters)[name];
    return {begin, begin + model_.loss().layout().Find(name)->size};
  }

  // The gradient of one loss with respect to one part, everything else held fixed.
  Vector Differences(double Losses::*loss, Vector Values::*part) {
    Values values = before_;
    return NumericGradient(
        [&](const Vector& shifted) {
          values.*part = shifted;
          return Forward(values).*loss;
        },
        before_.*part);
  }

  AlignedFloats Gradient(Vector Values::*part) const {
    return AlignedFloats((gradients_.*part).begin(), (gradients_.*part).end());
  }
  void ExpectFollows(double Losses::*loss, const ParameterLayout& layout, Vector Values::*part) {
    ExpectSameGradient(layout, Differences(loss, part), Gradient(part).data());
  }
  void ExpectFollows(double Losses::*loss, const char* what, Vector Values::*part) {
    ExpectSameValues(what, Differences(loss, part), Gradient(part).data());
  }

  DualModel model_;
  const proto::Model& config_;
  FieldShape shape_;
  Batch batch_;
  std::vector<std::pair<int, uint64_t>> rows_;  // (table, key) of the batch, distinct
  std::vector<size_t> places_;                  // in rows_, of every occurrence, field by field
  Values before_, gradients_;
  LossTerms terms_;
  ReferenceTower teacher_, student_;
  double kink_ = 1;
};

TEST_P(DualModelGradientTest, TeacherAndEmbeddingFollowTheTeachersLabelLossAlone) {
  constexpr auto kLoss = &Losses::teacher_label;
  {
    SCOPED_TRACE("teacher");
    ExpectFollows(kLoss, model_.teacher().layout(), &Values::teacher);
  }
  ExpectFollows(kLoss, "gradient of the embedding's vectors", &Values::vectors);
  ExpectFollows(kLoss, "gradient of the teacher's linear weights", &Values::teacher_linear);
}

TEST_P(DualModelGradientTest, StudentAndAdaptersFollowTheWeightedTotal) {
  constexpr auto kLoss = &Losses::total;
  {
    SCOPED_TRACE("student");
    ExpectFollows(kLoss, model_.student().layout(), &Values::student);
  }
  ExpectFollows(kLoss, model_.loss().layout(), &Values::adapters);
  ExpectFollows(kLoss, "gradient of the student's linear weights", &Values::student_linear);
}

TEST_P(DualModelGradientTest, LossesAreTheReferences) {
  const Losses losses = Forward(before_);
  EXPECT_NEAR(terms_.teacher_label, losses.teacher_label, 1e-5 * losses.teacher_label);
  EXPECT_NEAR(terms_.student_label, losses.student_label, 1e-5 * losses.student_label);
  EXPECT_NEAR(terms_.logit, losses.logit, 1e-5 * losses.logit);
  EXPECT_NEAR(terms_.hint, losses.hint, 1e-5 * losses.hint);
  EXPECT_NEAR(terms_.total, losses.total, 1e-5 * losses.total);
}

// Else the tests above could not tell a stop-gradient from none. The first difference is enough.
TEST_P(DualModelGradientTest, WithoutStopGradientTheTotalWouldMoveTeacherAndEmbedding) {
  for (const auto part : {&Values::teacher, &Values::vectors}) {
    double furthest = 0;
    for (size_t i = 0; i < (before_.*part).size() && furthest <= 0.01; ++i) {
      Values values = before_;
      const Vector whole = NumericGradient(
          [&](const Vector& shifted) {
            (values.*part)[i] = shifted[0];
            return Forward(values).total;
          },
          {(before_.*part)[i]});
      furthest = std::abs(whole[0] - (gradients_.*part)[i]);
    }
    EXPECT_GT(furthest, 0.01);
  }
}

INSTANTIATE_TEST_SUITE_P(AllCombinations, DualModelGradientTest,
                         testing::Combine(testing::ValuesIn(kTeachers), testing::ValuesIn(kStudents),
                                          testing::ValuesIn(kLogitLosses), testing::Values(kNoMore)));
INSTANTIATE_TEST_SUITE_P(Heads, DualModelGradientTest,
                         testing::Combine(testing::ValuesIn(kTeachersOfHeads),
                                          testing::ValuesIn(kStudentsOfHeads),
                                          testing::Values(kLogitLosses[1]), testing::Values(kNoMore)));
INSTANTIATE_TEST_SUITE_P(NumbersBetweenKnots, DualModelGradientTest,
                         testing::Combine(testing::ValuesIn(kTeachers), testing::Values(kStudents[2]),
                                          testing::Values(kLogitLosses[0]), testing::Values(kBetweenKnots)));

}  // namespace
}  // namespace tandem
