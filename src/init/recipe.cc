#include "src/init/recipe.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tandem {
namespace {

// Knots grow with the rows, and faster than they do: few rows bear a smooth curve only, many show its steps.
constexpr double kKnots = 8, kKnotsRows = 4000, kKnotsPower = 1.4;
constexpr int kFewestKnots = 4;
constexpr int kMostKnots = 128;
// About so many steps a pass, in batches of a power of two.
constexpr double kStepsAPass = 60;
constexpr int kSmallestBatch = 32;
constexpr int kLargestBatch = 256;
// From here on batches, and passes fewer than the most, are what time allows.
constexpr double kLargeRows = 500e3;
constexpr double kVeryLargeRows = 3e6;
constexpr int kMostPasses = 60;
// A pass over few rows is some twenty steps, and towers may go on to learn for thousands.
constexpr int kMostPassesOfFew = 200;
constexpr double kRowsOfPassesOfFew = 3e5;
constexpr int kFewestPasses = 3;
constexpr double kRowsOfAllPasses = 2.4e6;
constexpr double kRowsOfPhase = 1.2e6;
constexpr double kRowsOfLongPhase = 0.8e6;  // where a pass is long
constexpr double kLongPassRows = 50e3;
constexpr double kShortestPhase = 2;
constexpr double kLongestPhase = 20;
// Where passes are few, steps are longer.
constexpr double kFewPassesRows = 150e3;
constexpr double kRate = 0.0015;
constexpr double kRateOfFewPasses = 0.003;
// Passes without a better loss that are waited for, where they cost little.
constexpr double kPatientRows = 20e3;
constexpr int kPatience = 4, kLongPatience = 10;
constexpr double kVeryFewRows = 2000, kSomeRows = 1e4;
constexpr double kRowsAnId = 4;
constexpr int kLongestPatience = 20;
// Members of the committee; beyond so many ids their vectors would take the memory, and one teacher shares its own with the student.
constexpr int kMembers = 8;
constexpr int kMembersOfLarge = 4;
// A compressed interaction network's work grows with the square of the fields.
constexpr int kMostFieldsOfCin = 40;
constexpr int kCinMaps = 32;
constexpr double kMostIdsOfCommittee = 2e6;
constexpr int kDim = 8;
constexpr int kStudentDim = 16;
// Below, first values as large as those of more rows are learned by heart.
constexpr double kFewRows = 5000;
// Tables up to here are pulled at whole, at every step.
constexpr double kMostWholeTables = 200000;
constexpr double kMostShuffledRows = 1 << 20;
constexpr double kFewestShuffledRows = 65536;
constexpr double kDropout = 0.2, kDropoutOfMlps = 0.1;
constexpr int kRecombined = 3, kRecombinedOfLong = 2;
constexpr double kHeldOut = 0.12;
// Fewer held-out rows of the rarer class say next to nothing of when to stop.
constexpr double kFewestHeldOut = 60;
constexpr double kMostHeldOut = 0.25;
constexpr double kHeldOutOfLarge = 0.03;
// Averages last some passes, within bounds in steps.
constexpr double kAveragedPasses = 6;
constexpr double kShortestAverage = 100;
constexpr double kLongestAverage = 1000;

int KnotsFor(double rows) {
  const double knots = kKnots * std::pow(rows / kKnotsRows, kKnotsPower);
  return static_cast<int>(std::lround(std::clamp<double>(knots, kFewestKnots, kMostKnots)));
}

int BatchFor(double rows) {
  if (rows >= kVeryLargeRows) return 4 * kLargestBatch;
  if (rows >= kLargeRows) return 2 * kLargestBatch;
  const double power = std::round(std::log2(std::max(1.0, rows / kStepsAPass)));
  return std::clamp(static_cast<int>(std::exp2(power)), kSmallestBatch, kLargestBatch);
}

int PassesFor(double rows) {
  const double of_few =
      std::clamp<double>(kRowsOfPassesOfFew / std::max(rows, 1.0), kMostPasses, kMostPassesOfFew);
  return static_cast<int>(std::clamp<double>(kRowsOfAllPasses / std::max(rows, 1.0), kFewestPasses, of_few));
}

// Passes of the student's phase.
double PhaseFor(double rows) {
  const double in_all = rows < kLongPassRows ? kRowsOfPhase : kRowsOfLongPhase;
  return std::clamp(std::round(in_all / std::max(rows, 1.0)), kShortestPhase, kLongestPhase);
}

double RateFor(double rows) { return rows < kFewPassesRows ? kRate : kRateOfFewPasses; }

// The fewer the rows, the stronger: what few rows say of an id or a knot is mostly noise. But much of what a log of many ids tells is
// in them.
double PullFor(const RecipeInput& input) {
  if (input.rows < kVeryFewRows) return 1e-2;
  return input.rows < kSomeRows && kRowsAnId * input.distinct_ids < input.rows ? 3e-3 : 1e-3;
}

double HeldOutFor(const RecipeInput& input) {
  if (input.rows >= kLargeRows) return kHeldOutOfLarge;
  const double rarer = std::min(input.positives, input.rows - input.positives);
  const double share = std::clamp(kFewestHeldOut / std::max(rarer, 1.0), kHeldOut, kMostHeldOut);
  return std::round(100 * share) / 100;
}

// 1: no committee.
int MembersFor(const RecipeInput& input) {
  if (input.distinct_ids > kMostIdsOfCommittee || input.rows >= kVeryLargeRows) return 1;
  return input.distinct_ids > kMostWholeTables || input.rows >= kLargeRows ? kMembersOfLarge : kMembers;
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
  embedding->mutable_optimizer()->mutable_adam()->set_lr(RateFor(input.rows));
  const bool whole = input.distinct_ids <= kMostWholeTables;
  embedding->set_l2(whole ? PullFor(input) : 1e-4);
  if (whole) embedding->set_l2_scope(proto::Embedding::TABLE);
  embedding->mutable_slow_copy()->set_decay(DecayFor(input.rows));
  recipe->why_embedding =
      absl::StrCat("Towers read vectors of ", kDim, ", pulled towards 0 ",
                   whole ? "at every step" : "where a batch reads them",
                   ", so that rare ids say little; until it is seen again an id shares the "
                   "vector of unknown ids. What is served is their average over some passes.");
}

void AddTransformers(const RecipeInput& input, proto::Tower* tower) {
  for (const RecipeInput::Sequence& sequence : input.sequences) {
    proto::Transformer* transformer = tower->add_interaction()->mutable_transformer();
    transformer->set_sequence(sequence.feature);
    transformer->set_target(sequence.target);
  }
}

void SetMlp(const std::vector<int>& hidden, double dropout, proto::Tower* tower) {
  proto::Mlp* mlp = tower->mutable_mlp();
  mlp->mutable_hidden()->Add(hidden.begin(), hidden.end());
  if (dropout > 0) mlp->set_dropout(dropout);
}

// One teacher, whose vectors the student reads.
void SetTeacher(const RecipeInput& input, Recipe* recipe) {
  proto::Tower* teacher = recipe->settings.mutable_model()->mutable_teacher();
  teacher->set_linear(true);
  teacher->add_interaction()->mutable_fm();
  AddTransformers(input, teacher);
  SetMlp({256, 128}, kDropout, teacher);
  teacher->set_combine(proto::Tower::PARALLEL);
  recipe->why_model =
      "The teacher multiplies the columns' vectors with each other, beside an MLP (DeepFM); the student, "
      "which is served, is a "
      "small MLP that learns what the teacher says of the log's rows and of rows recombined from them, most "
      "of it once the teacher is done.";
}

proto::Tower* AddKind(int copies, double dropout, proto::Committee* committee) {
  proto::CommitteeMember* member = committee->add_member();
  member->set_copies(copies);
  SetMlp({64, 32}, dropout, member->mutable_tower());
  return member->mutable_tower();
}

// One that multiplies the fields' vectors, beside its MLP.
proto::Interaction* AddMultiplying(int copies, proto::Committee* committee) {
  proto::Tower* tower = AddKind(copies, kDropout, committee);
  tower->set_linear(true);
  tower->set_combine(proto::Tower::PARALLEL);
  return tower->add_interaction();
}

// Kinds of members, which err in ways of their own: which of them is right of a log, its held-out rows tell.
void AddMembers(const RecipeInput& input, int members, proto::Committee* committee) {
  const int cins = input.fields <= kMostFieldsOfCin ? members / 4 : 0;
  const int deepfms = (members - cins) / 2;
  AddKind(members - cins - deepfms, kDropoutOfMlps, committee);
  AddMultiplying(deepfms, committee)->mutable_fm();
  if (cins > 0) {
    proto::Cin* cin = AddMultiplying(cins, committee)->mutable_cin();
    for (int layer = 0; layer < 2; ++layer) cin->add_layers(kCinMaps);
  }
  committee->set_weights(proto::Committee::LEARNED);
}

// Several, and a student on vectors of its own, which the log's labels don't pull at: it only learns what they say.
void SetCommittee(const RecipeInput& input, int members, Recipe* recipe) {
  proto::Model* model = recipe->settings.mutable_model();
  if (!input.sequences.empty()) {
    AddTransformers(input, model->mutable_teacher());
    SetMlp({128, 64}, kDropout, model->mutable_teacher());
  }
  AddMembers(input, members, model->mutable_committee());
  proto::Distill* distill = model->mutable_distill();
  distill->mutable_switches()->set_own_embedding(true);
  proto::OwnEmbedding* own = distill->mutable_own_embedding();
  own->set_dim(kStudentDim);
  own->set_init_deviation(0.01);
  own->set_min_count(1);
  own->set_l2(0);
  distill->set_lr_multiplier(2);
  recipe->why_model = absl::StrCat(
      members,
      " towers teach, of kinds that multiply columns' vectors with each other and of one that doesn't, each "
      "from a beginning of its own, by the mean of what they say, which is nearer the truth than any of "
      "them; what each kind counts in it is learned on the held-out rows. The student, which is served, is "
      "an MLP that learns this mean, on the log's rows and on rows "
      "recombined from them, most of it once its teachers are done.");
}

void SetModel(const RecipeInput& input, Recipe* recipe) {
  const int members = MembersFor(input);
  if (members > 1) {
    SetCommittee(input, members, recipe);
  } else {
    SetTeacher(input, recipe);
  }
  proto::Model* model = recipe->settings.mutable_model();
  SetMlp({128, 64}, 0, model->mutable_student());
  // The best student comes after its teachers, from their logits alone, on rows of the log and on those made of them.
  proto::Distill* distill = model->mutable_distill();
  distill->set_student_label_weight(0);
  distill->mutable_phase()->set_fraction(PhaseFor(input.rows));
  distill->mutable_phase()->set_steps_per_row(1);
  distill->mutable_phase()->set_recombined_batches(input.rows < kLongPassRows ? kRecombined
                                                                              : kRecombinedOfLong);
}

void SetTrain(const RecipeInput& input, Recipe* recipe) {
  proto::Train* train = recipe->settings.mutable_train();
  const int passes = PassesFor(input.rows);
  train->set_epochs(passes);
  train->set_batch_size(BatchFor(input.rows));
  train->set_shuffle_rows(
      static_cast<int32_t>(std::clamp(std::ceil(input.rows * 1.05), kFewestShuffledRows, kMostShuffledRows)));
  train->mutable_optimizer()->mutable_adam()->set_lr(RateFor(input.rows));
  train->set_average_decay(DecayFor(input.rows));
  proto::Validation* validation = train->mutable_validation();
  if (input.days > 1) {
    train->set_window_days(input.days);
    validation->set_days(1);
    validation->set_then_learn(true);
    recipe->why_train = absl::StrCat("The window's last day tells when to stop, after at most ", passes,
                                     " passes; then it is learned from, too.");
  } else {
    const double share = HeldOutFor(input);
    validation->set_share(share);
    recipe->why_train = absl::StrFormat(
        "%.0f of a hundred rows are not learned from but tell when to stop, after at most %d passes.",
        100 * share, passes);
  }
  validation->set_patience(input.rows < kVeryFewRows   ? kLongestPatience
                           : input.rows < kPatientRows ? kLongPatience
                                                       : kPatience);
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
