#include "src/init/recipe.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tandem {
namespace {

// Knots grow with the square root of the rows.
constexpr double kKnots = 0.25;
constexpr int kFewestKnots = 4;
constexpr int kMostKnots = 24;
// About so many steps a pass, in batches of a power of two.
constexpr double kStepsAPass = 60;
constexpr int kSmallestBatch = 32;
constexpr int kLargestBatch = 256;
// From here on batches, and passes fewer than the most, are what time allows.
constexpr double kLargeRows = 500e3;
constexpr double kVeryLargeRows = 3e6;
constexpr int kMostPasses = 40;
constexpr int kFewestPasses = 3;
constexpr double kRowsOfAllPasses = 6e6;
constexpr double kRowsOfPhase = 600e3;
constexpr double kLongestPhase = 10;
constexpr double kRate = 0.003;
constexpr int kDim = 8;
// Below, first values as large as those of more rows are learned by heart.
constexpr double kFewRows = 5000;
// Tables up to here are pulled at whole, at every step.
constexpr double kMostWholeTables = 200000;
constexpr double kMostShuffledRows = 1 << 20;
constexpr double kFewestShuffledRows = 65536;
constexpr double kHeldOut = 0.12;
constexpr double kHeldOutOfLarge = 0.03;
// Averages last some passes, within bounds in steps.
constexpr double kAveragedPasses = 6;
constexpr double kShortestAverage = 100;
constexpr double kLongestAverage = 1000;

int KnotsFor(double rows) {
  return std::clamp(static_cast<int>(std::lround(kKnots * std::sqrt(rows))), kFewestKnots, kMostKnots);
}

int BatchFor(double rows) {
  if (rows >= kVeryLargeRows) return 4 * kLargestBatch;
  if (rows >= kLargeRows) return 2 * kLargestBatch;
  const double power = std::round(std::log2(std::max(1.0, rows / kStepsAPass)));
  return std::clamp(static_cast<int>(std::exp2(power)), kSmallestBatch, kLargestBatch);
}

int PassesFor(double rows) {
  return std::clamp(static_cast<int>(kRowsOfAllPasses / std::max(rows, 1.0)), kFewestPasses, kMostPasses);
}

// Passes of the student's phase.
double PhaseFor(double rows) {
  return std::clamp(std::round(kRowsOfPhase / std::max(rows, 1.0)), 1.0, kLongestPhase);
}

// Share that an average keeps at a step.
double DecayFor(double rows) {
  const double steps = rows / BatchFor(rows);
  const double window = std::clamp(kAveragedPasses * steps, kShortestAverage, kLongestAverage);
  return std::round(1e4 * (1 - 1 / window)) / 1e4;
}

void SetEmbedding(const RecipeInput& input, Recipe* recipe) {
  proto::Embedding* embedding = recipe->settings.mutable_embedding();
  embedding->set_dim(kDim);
  embedding->set_min_count(2);
  embedding->set_init_deviation(input.rows < kFewRows ? 0.01 : 0.05);
  embedding->mutable_optimizer()->mutable_adam()->set_lr(kRate);
  const bool whole = input.distinct_ids <= kMostWholeTables;
  embedding->set_l2(whole ? 3e-3 : 1e-4);
  if (whole) embedding->set_l2_scope(proto::Embedding::TABLE);
  embedding->mutable_slow_copy()->set_decay(DecayFor(input.rows));
  recipe->why_embedding = absl::StrCat("Both towers read vectors of ", kDim, ", pulled towards 0 ",
                                       whole ? "at every step" : "where a batch reads them",
                                       ", so that rare ids say little; an id seen once shares the vector of "
                                       "unknown ids. What is served is their average over some passes.");
}

void SetModel(const RecipeInput& input, Recipe* recipe) {
  proto::Model* model = recipe->settings.mutable_model();
  proto::Tower* teacher = model->mutable_teacher();
  teacher->set_linear(true);
  teacher->add_interaction()->mutable_fm();
  for (const RecipeInput::Sequence& sequence : input.sequences) {
    proto::Transformer* transformer = teacher->add_interaction()->mutable_transformer();
    transformer->set_sequence(sequence.feature);
    transformer->set_target(sequence.target);
  }
  teacher->mutable_mlp()->add_hidden(256);
  teacher->mutable_mlp()->add_hidden(128);
  teacher->mutable_mlp()->set_dropout(0.2);
  teacher->set_combine(proto::Tower::PARALLEL);
  model->mutable_student()->mutable_mlp()->add_hidden(128);
  model->mutable_student()->mutable_mlp()->add_hidden(64);
  // The best student comes after its teacher, from the teacher's logits alone, on rows of the log and on those made of them.
  proto::Distill* distill = model->mutable_distill();
  distill->set_student_label_weight(0);
  distill->mutable_phase()->set_fraction(PhaseFor(input.rows));
  distill->mutable_phase()->set_steps_per_row(1);
  distill->mutable_phase()->set_recombined_batches(2);
  recipe->why_model =
      "The teacher multiplies the columns' vectors with each other, beside an MLP (DeepFM); the student, "
      "which is served, is a "
      "small MLP that learns what the teacher says of the log's rows and of rows recombined from them, most "
      "of it once the teacher is done.";
}

void SetTrain(const RecipeInput& input, Recipe* recipe) {
  proto::Train* train = recipe->settings.mutable_train();
  const int passes = PassesFor(input.rows);
  train->set_epochs(passes);
  train->set_batch_size(BatchFor(input.rows));
  train->set_shuffle_rows(
      static_cast<int32_t>(std::clamp(std::ceil(input.rows * 1.05), kFewestShuffledRows, kMostShuffledRows)));
  train->mutable_optimizer()->mutable_adam()->set_lr(kRate);
  train->set_average_decay(DecayFor(input.rows));
  proto::Validation* validation = train->mutable_validation();
  if (input.days > 1) {
    train->set_window_days(input.days);
    validation->set_days(1);
    validation->set_then_learn(true);
    recipe->why_train = absl::StrCat("The window's last day tells when to stop, after at most ", passes,
                                     " passes; then it is learned from, too.");
  } else {
    const double share = input.rows < kLargeRows ? kHeldOut : kHeldOutOfLarge;
    validation->set_share(share);
    recipe->why_train = absl::StrFormat(
        "%.0f of a hundred rows are not learned from but tell when to stop, after at most %d passes.",
        100 * share, passes);
  }
  validation->set_patience(4);
}

}  // namespace

Recipe RecipeFor(const RecipeInput& input) {
  Recipe recipe;
  recipe.knots = KnotsFor(input.rows);
  SetEmbedding(input, &recipe);
  SetModel(input, &recipe);
  SetTrain(input, &recipe);
  return recipe;
}

}  // namespace tandem
