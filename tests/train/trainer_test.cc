// The step of both towers: what the student may touch, threads, allocations.
#include "tandem/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/train/recombine.h"
#include "tandem/kernels.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/experiments.h"
#include "tests/support/random_floats.h"

namespace tandem {
namespace {

struct ModelCase {
  const char* name;
  const char* teacher;
};

const ModelCase kTeachers[] = {
    {"xDeepFM",
     "linear: true interaction { cin { layers: 6 layers: 4 activation: RELU bias: true } } "
     "mlp { hidden: 12 hidden: 8 } combine: PARALLEL"},
    {"StackedFmAndCross",
     "interaction { fm {} } interaction { cross { layers: 2 version: V1 } } "
     "mlp { hidden: 12 hidden: 8 dropout: 0.2 }"},
    {"DcnV2LowRank",
     "interaction { cross { layers: 2 rank: 3 } } mlp { hidden: 12 hidden: 8 normalize_input: true }"},
};
constexpr char kStudent[] =
    " student { linear: true mlp { hidden: 8 hidden: 6 dropout: 0.1 normalize_input: true } }"
    " distill { logit_weight: 0.7 hint_weight: 0.3 hint { } hint { teacher_layer: 0 student_layer: 0 } "
    "hint_normalize: true }";

std::string ModelText(const ModelCase& teacher, const std::string& method) {
  return absl::StrCat("method: ", method, " teacher { ", teacher.teacher, " } ", kStudent);
}

struct Session {
  Session(const proto::Experiment& experiment, int threads)
      : model(experiment, *FindKernels("auto").value(), /*trained=*/true), workers(threads) {
    model.Initialize();
    trainer = std::make_unique<Trainer>(&model, TrainedParts::kAll, TrainerClock(), &workers);
  }

  void Train(int steps, int rows = 90) {
    for (int step = 0; step < steps; ++step) {
      const absl::StatusOr<const StepResult*> result =
          trainer->Step(RandomBatch(model.schema(), rows, 100 + step));
      ASSERT_TRUE(result.ok()) << result.status();
      last = (*result)->terms;
    }
  }

  // The shared part of the embedding: what the teacher reads.
  std::vector<float> Fields(const Batch& batch) const {
    BatchRows rows;
    EXPECT_TRUE(model.embedding().Lookup(batch, &rows).ok());
    const int width = model.embedding().fields() * model.embedding().dim();
    std::vector<float> x(static_cast<size_t>(batch.rows()) * width);
    std::vector<float> linear(batch.rows());
    LinearSums sums;
    if (model.teacher().linear()) sums.teacher = linear.data();
    model.embedding().Gather(batch, rows, 0, {x.data(), batch.rows(), width, width}, sums);
    x.insert(x.end(), linear.begin(), linear.end());
    return x;
  }

  DualModel model;
  Workers workers;
  std::unique_ptr<Trainer> trainer;
  LossTerms last;
};

TEST(Trainer, TeacherAndEmbeddingAreBitIdenticalWithAndWithoutStudent) {
  for (const ModelCase& teacher : kTeachers) {
    for (const char* more : {"", "train { clip_norm: 0.05 } embedding { id_dropout: 0.2 min_count: 2 }",
                             "train { precision: BF16 }"}) {
      Session together(SmallExperiment(ModelText(teacher, "CO_TRAIN"), more), 2);
      Session alone(SmallExperiment(ModelText(teacher, "TEACHER_ALONE"), more), 2);
      together.Train(12);
      alone.Train(12);
      EXPECT_EQ(together.model.teacher_parameters().values, alone.model.teacher_parameters().values)
          << teacher.name;
      EXPECT_EQ(together.model.teacher_parameters().slots, alone.model.teacher_parameters().slots)
          << teacher.name;
      const Batch probe = RandomBatch(alone.model.schema(), 200, 5);
      EXPECT_EQ(together.Fields(probe), alone.Fields(probe)) << teacher.name;
    }
  }
}

// Every lever of co-training that the student alone has.
constexpr char kStudentLevers[] =
    "student { linear: false } distill { replay { steps: 3 batches: 4 } schedule { warmup_steps: 3 } }";
constexpr char kTrainLevers[] =
    "train { average_decay: 0.9 } embedding { slow_copy { decay: 0.9 towers: STUDENT } }";
// And those of its phase, with an optimizer of its own.
constexpr char kPhaseLevers[] =
    "student { linear: false optimizer { muon { lr: 0.02 adam { lr: 0.01 } } } } "
    "distill { replay { steps: 3 batches: 4 } schedule { warmup_steps: 3 } "
    "phase { steps_per_row: 3 recombined_batches: 2 } }";

TEST(Trainer, NoLeverOfTheStudentReachesTheTeacher) {
  for (const ModelCase& teacher : kTeachers) {
    Session together(SmallExperiment(ModelText(teacher, "CO_TRAIN"),
                                     absl::StrCat("model { ", kPhaseLevers, " } ", kTrainLevers)),
                     2);
    Session alone(SmallExperiment(ModelText(teacher, "TEACHER_ALONE")), 1);
    together.Train(12);
    together.trainer->BeginStudentPhase(4);
    together.Train(4);
    alone.Train(12);
    EXPECT_EQ(together.model.teacher_parameters().values, alone.model.teacher_parameters().values)
        << teacher.name;
    EXPECT_EQ(together.model.teacher_parameters().slots, alone.model.teacher_parameters().slots)
        << teacher.name;
    const Batch probe = RandomBatch(alone.model.schema(), 200, 5);
    EXPECT_EQ(together.Fields(probe), alone.Fields(probe)) << teacher.name;
    EXPECT_NE(together.model.student_parameters().values, together.model.student_parameters().averages);
  }
}

// A history of items, which the teacher alone reads: no transformer of the student does.
constexpr char kHistory[] =
    "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} } "
    "feature { name: 'history' sparse { sequence { max_length: 3 } table: 'item' } } "
    "feature { name: 'age' dense { transform: LOG1P } } "
    "model { teacher { linear: true interaction { fm {} } "
    "interaction { transformer { sequence: 'history' target: 'item' hidden: 6 } } } ";  // and more of the
                                                                                        // model

TEST(Trainer, ATeacherWithASequenceKeepsThePromises) {
  const std::string more = absl::StrCat(kHistory, kStudentLevers, " } ", kTrainLevers);
  Session together(SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"), more), 4);
  Session one_thread(SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"), more), 1);
  Session alone(SmallExperiment(ModelText(kTeachers[0], "TEACHER_ALONE"), absl::StrCat(kHistory, "}")), 1);
  EXPECT_EQ(together.model.teacher_input().fields.size(), 6u);
  EXPECT_EQ(together.model.student_input().fields.size(), 3u);
  for (Session* session : {&together, &one_thread, &alone}) session->Train(10);
  EXPECT_EQ(together.model.teacher_parameters().values, alone.model.teacher_parameters().values);
  EXPECT_EQ(together.model.student_parameters().values, one_thread.model.student_parameters().values);
  const Batch probe = RandomBatch(alone.model.schema(), 200, 5);
  EXPECT_EQ(together.Fields(probe), alone.Fields(probe));
  EXPECT_EQ(together.Fields(probe), one_thread.Fields(probe));
}

TEST(Trainer, LeversDontDependOnTheNumberOfThreads) {
  for (const char* method :
       {"CO_TRAIN", "ROCKET_LAUNCHING", "TWO_STAGE_KD", "FEATURE_TRANSFER", "TWO_STAGE_FULL"}) {
    std::vector<AlignedFloats> students;
    for (const int threads : {1, 4}) {
      Session session(
          SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"),
                          absl::StrCat("model { method: ", method, " ", kPhaseLevers, " } ", kTrainLevers)),
          threads);
      session.Train(6);
      if (std::string(method) != "ROCKET_LAUNCHING") {
        session.trainer->BeginStudentPhase(5);
        session.Train(5);
      }
      students.push_back(session.model.student_parameters().averages);
    }
    EXPECT_EQ(students[0], students[1]) << method;
  }
}

TEST(Trainer, AStepAllocatesNothingOnceItsBatchesWereSeen) {
  struct Case {
    const char *method, *before, *model, *after;
    bool has_phase;
  };
  constexpr char kLimits[] =
      "train { clip_norm: 0.05 } embedding { id_dropout: 0.2 l2: 0.1 l2_scope: TABLE }";
  const Case cases[] = {
      {"CO_TRAIN", "model {", "", "", true},
      {"CO_TRAIN", "model {", "", kLimits, true},
      {"CO_TRAIN", "model {", kStudentLevers, kTrainLevers, true},
      {"CO_TRAIN", kHistory, kStudentLevers, kTrainLevers, true},
      {"TWO_STAGE_FULL", "model {", kStudentLevers, kTrainLevers, true},
      {"CO_TRAIN", "model {", "student { linear: false optimizer { muon {} } }", kTrainLevers, true},
      {"ROCKET_LAUNCHING", "model {", kStudentLevers, kTrainLevers, false},
      {"STUDENT_ALONE", "model {", "", kLimits, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(absl::StrCat(c.method, " ", c.before, c.model, c.after));
    Session session(
        SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"),
                        absl::StrCat(c.before, " method: ", c.method, " ", c.model, " } ", c.after)),
        2);
    std::vector<Batch> batches;
    for (const int rows : {90, 90, 40}) {
      batches.push_back(RandomBatch(session.model.schema(), rows, batches.size()));
    }
    const auto train = [&](int rounds) {
      for (int round = 0; round < rounds; ++round) {
        for (const Batch& batch : batches) ASSERT_TRUE(session.trainer->Step(batch).ok());
      }
    };
    const auto expect_no_allocation = [&] {
      train(8);  // every batch has been at every place of the replay
      const int64_t before = AllocationCount();
      train(4);
      EXPECT_EQ(AllocationCount() - before, 0);
    };
    expect_no_allocation();
    if (!c.has_phase) continue;
    session.trainer->BeginStudentPhase(1000);
    expect_no_allocation();
  }
}

TEST(Trainer, AStudentWithoutStopGradientMovesTheEmbedding) {
  Session rocket(SmallExperiment(ModelText(kTeachers[0], "ROCKET_LAUNCHING")), 2);
  Session alone(SmallExperiment(ModelText(kTeachers[0], "TEACHER_ALONE")), 2);
  rocket.Train(2);
  alone.Train(2);
  const Batch probe = RandomBatch(alone.model.schema(), 50, 5);
  EXPECT_NE(rocket.Fields(probe), alone.Fields(probe));
}

TEST(Trainer, InTwoStagesTheStudentWaitsForTheTeacher) {
  for (const char* method : {"TWO_STAGE_KD", "FEATURE_TRANSFER", "TWO_STAGE_FULL"}) {
    Session session(
        SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"),
                        absl::StrCat("model { method: ", method,
                                     " student { linear: false } distill { hint_normalize: false } }")),
        2);
    const AlignedFloats student = session.model.student_parameters().values;
    session.Train(3);
    EXPECT_EQ(student, session.model.student_parameters().values) << method;
    EXPECT_EQ(session.last.student_label, 0) << method;
    const AlignedFloats teacher = session.model.teacher_parameters().values;
    const Batch probe = RandomBatch(session.model.schema(), 50, 5);
    const std::vector<float> fields = session.Fields(probe);
    session.trainer->BeginStudentPhase(200);
    session.Train(1);
    const LossTerms first = session.last;
    session.Train(198);
    session.Train(1);  // on the first one's batch
    EXPECT_EQ(teacher, session.model.teacher_parameters().values) << method;
    EXPECT_EQ(fields, session.Fields(probe)) << method;
    EXPECT_LT(session.last.total, first.total) << method;
    EXPECT_EQ(first.logit > 0, std::string(method) != "FEATURE_TRANSFER");
    EXPECT_EQ(first.hint > 0, std::string(method) == "TWO_STAGE_FULL");
  }
}

// average_n = average_{n-1} + (1 - min(d, (n - 1) / n)) (w_n - average_{n-1})
TEST(Trainer, AveragesAreThoseOfTheWeightsAfterEachStep) {
  Session session(SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"), "train { average_decay: 0.8 }"), 2);
  const size_t n = session.model.teacher_parameters().values.size();
  std::vector<double> average(n, 0);
  for (int step = 1; step <= 9; ++step) {
    session.Train(1);
    const double kept = std::min(0.8, (step - 1.0) / step);
    for (size_t i = 0; i < n; ++i)
      average[i] = kept * average[i] + (1 - kept) * session.model.teacher_parameters().values[i];
  }
  for (size_t i = 0; i < n; ++i)
    ASSERT_NEAR(session.model.teacher_parameters().averages[i], average[i], 1e-6) << i;
}

// The lazy slow copy against one that is brought up to date at every step.
TEST(Trainer, TheSlowCopyIsTheAverageOfTheTableAtEveryStep) {
  for (const char* more : {"", "l2: 0.01 l2_scope: TABLE"}) {
    Session session(
        SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"),
                        absl::StrCat("embedding { slow_copy { decay: 0.7 towers: STUDENT } ", more, " }")),
        2);
    const Batch probe =
        RandomBatch(session.model.schema(), 60, 100);  // the first step's ids are there at once
    EmbeddingLayer& embedding = session.model.embedding();
    const EmbeddingView slow{embedding.all_fields().fields, true};
    const int width = embedding.fields() * embedding.dim();
    const auto read = [&](const EmbeddingView& view) {
      BatchRows rows;
      EXPECT_TRUE(embedding.Lookup(probe, &rows).ok());
      std::vector<float> x(static_cast<size_t>(probe.rows()) * width);
      embedding.Gather(probe, rows, 0, view, {x.data(), probe.rows(), width, width}, {});
      return x;
    };
    session.Train(1, 60);
    std::vector<float> average = read(slow);
    for (int step = 2; step <= 12; ++step) {
      // Few rows, so that most of the probe's are left alone for some steps.
      const absl::StatusOr<const StepResult*> result =
          session.trainer->Step(RandomBatch(session.model.schema(), 3, 200 + step));
      ASSERT_TRUE(result.ok()) << result.status();
      const std::vector<float> now = read(embedding.all_fields());
      for (size_t i = 0; i < now.size(); ++i) average[i] = now[i] + 0.7f * (average[i] - now[i]);
      const std::vector<float> lazy = read(slow);
      for (size_t i = 0; i < now.size(); ++i)
        ASSERT_NEAR(lazy[i], average[i], 2e-6) << step << " " << i << more;
    }
    EXPECT_NE(read(slow), read(embedding.all_fields()));
  }
}

TEST(Trainer, NoSwitchOfDistillationReachesTheTeacher) {
  const ModelCase& teacher = kTeachers[0];
  std::vector<AlignedFloats> ends;
  for (const char* distill :
       {"", "model { distill { logit_weight: 5 logit_loss: SOFT_LABEL temperature: 3 } }",
        "model { distill { hint_weight: 9 student_label_weight: 0 } }"}) {
    Session session(SmallExperiment(ModelText(teacher, "CO_TRAIN"), distill), 1);
    session.Train(5);
    ends.push_back(session.model.teacher_parameters().values);
  }
  EXPECT_EQ(ends[0], ends[1]);
  EXPECT_EQ(ends[0], ends[2]);
}

TEST(Trainer, TheNumberOfThreadsChangesNoBit) {
  for (const ModelCase& teacher : kTeachers) {
    for (const char* more : {"", "train { precision: BF16 }"}) {
      std::vector<AlignedFloats> teachers, students, adapters;
      for (const int threads : {1, 2, 4}) {
        Session session(SmallExperiment(ModelText(teacher, "CO_TRAIN"), more), threads);
        session.Train(8);
        teachers.push_back(session.model.teacher_parameters().values);
        students.push_back(session.model.student_parameters().values);
        adapters.push_back(session.model.adapter_parameters().values);
      }
      for (int i = 1; i < 3; ++i) {
        EXPECT_EQ(teachers[0], teachers[i]) << teacher.name << more;
        EXPECT_EQ(students[0], students[i]) << teacher.name << more;
        EXPECT_EQ(adapters[0], adapters[i]) << teacher.name << more;
      }
    }
  }
}

TEST(Trainer, AModelLoadedToScoreMultipliesInFloat32WhateverItIsTrainedIn) {
  const auto logits = [](const char* precision, bool trained) {
    DualModel model(SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"),
                                    absl::StrCat("train { precision: ", precision, " }")),
                    *FindKernels("auto").value(), trained);
    model.Initialize();
    constexpr int kRows = 20;
    const int width = model.embedding().fields() * model.embedding().dim();
    const AlignedFloats x = RandomFloats(kRows * width, 1);
    AlignedFloats linear(kRows), teacher(kRows), student(kRows);
    CommitteeWorkspace of_teacher = model.teacher().MakeWorkspace(kRows);
    TowerWorkspace of_student = model.student().MakeWorkspace(kRows);
    const ConstMatrix fields{x.data(), kRows, width, width};
    model.teacher().Forward(fields, linear.data(), nullptr, &of_teacher, teacher.data());
    model.student().Forward(fields, linear.data(), nullptr, &of_student, student.data());
    return std::vector<AlignedFloats>{teacher, student};
  };
  const std::vector<AlignedFloats> floats = logits("F32", false);
  EXPECT_EQ(logits("F32", true), floats);
  EXPECT_EQ(logits("BF16", false), floats);
  const std::vector<AlignedFloats> trained = logits("BF16", true);
  EXPECT_NE(trained[0], floats[0]);
  EXPECT_NE(trained[1], floats[1]);
}

TEST(Trainer, EveryMethodLearns) {
  for (const char* method : {"CO_TRAIN", "TEACHER_ALONE", "STUDENT_ALONE", "CO_TRAIN in BF16"}) {
    const bool bf16 = absl::string_view(method) == "CO_TRAIN in BF16";
    Session session(SmallExperiment(ModelText(kTeachers[0], bf16 ? "CO_TRAIN" : method),
                                    absl::StrCat("train { precision: ", bf16 ? "BF16" : "F32",
                                                 " optimizer { adam { lr: 0.02 } } }")),
                    2);
    session.Train(1);
    const LossTerms first = session.last;
    session.Train(150);
    if (session.model.has_teacher()) {
      EXPECT_LT(session.last.teacher_label, 0.9 * first.teacher_label) << method;
    }
    if (session.model.has_student()) {
      EXPECT_LT(session.last.student_label, 0.95 * first.student_label) << method;
    }
  }
}

TEST(Trainer, AFrozenTeacherStaysAsItIs) {
  const proto::Experiment experiment = SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"));
  Session session(experiment, 2);
  session.Train(5);
  const AlignedFloats teacher = session.model.teacher_parameters().values;
  const AlignedFloats student = session.model.student_parameters().values;
  const Batch probe = RandomBatch(session.model.schema(), 100, 5);
  const std::vector<float> fields = session.Fields(probe);
  const int64_t rows = *session.model.embedding().rows();
  session.trainer = std::make_unique<Trainer>(&session.model, TrainedParts::kStudent,
                                              TrainerClock{0, 0, 5, 5}, &session.workers);
  session.Train(5);
  EXPECT_EQ(teacher, session.model.teacher_parameters().values);
  EXPECT_EQ(fields, session.Fields(probe));
  EXPECT_EQ(rows, *session.model.embedding().rows());
  EXPECT_NE(student, session.model.student_parameters().values);
}

// ---- stored logits, and rows without a label

std::vector<float> SomeLogits(int rows) {
  std::vector<float> logits;
  for (int row = 0; row < rows; ++row) logits.push_back(static_cast<float>(row % 7) - 3.5f);
  return logits;
}

Batch Unlabelled(Batch batch) {
  std::fill(batch.labels.begin(), batch.labels.end(), kAbsent);
  return batch;
}

// The head's bias: its gradient is the mean of the logit's.
TEST(Trainer, AStudentAloneStepsByTheFormulaOfItsLoss) {
  constexpr double kRate = 0.1, kLogitWeight = 0.7, kLabelWeight = 0.4, kTemperature = 2;
  for (const bool soft : {false, true}) {
    for (const bool labelled : {true, false}) {
      const std::string distill = absl::StrCat(
          "distill { logit_weight: 0.7 student_label_weight: 0.4 "
          "stored_logits { column: 'teacher' } ",
          soft ? "logit_loss: SOFT_LABEL temperature: 2" : "", " }");
      Session session(
          SmallExperiment(absl::StrCat("method: STUDENT_ALONE student { mlp { hidden: 8 } } ", distill),
                          "data { unlabelled: USE_TEACHER } "
                          "train { optimizer { sgd { lr: 0.1 } } }"),
          2);
      const int rows = 50;
      Batch batch = RandomBatch(session.model.schema(), rows, 1);
      for (int row = 0; row < rows; ++row) batch.weights[row] = 0.5f + static_cast<float>(row % 3);
      batch.teacher_logits = SomeLogits(rows);
      if (labelled) batch.teacher_logits[7] = batch.teacher_logits[20] = kAbsent;
      const std::vector<float> labels = batch.labels;
      if (!labelled) batch = Unlabelled(batch);
      const ParameterBlock* bias = session.model.student().layout().Find("bias");
      const float before = session.model.student_parameters().values[bias->offset];
      const absl::StatusOr<const StepResult*> result = session.trainer->Step(batch);
      ASSERT_TRUE(result.ok()) << result.status();
      double gradient = 0, logit_loss = 0;
      for (int row = 0; row < rows; ++row) {
        const double s = (*result)->student_logits[row], t = batch.teacher_logits[row];
        double slope = labelled ? kLabelWeight * (Sigmoid(s) - labels[row]) : 0;
        if (!IsAbsent(batch.teacher_logits[row])) {
          slope +=
              kLogitWeight *
              (soft ? kTemperature * (Sigmoid(s / kTemperature) - Sigmoid(t / kTemperature)) : 2 * (s - t));
          logit_loss += batch.weights[row] / rows *
                        (soft ? kTemperature * kTemperature *
                                    BinaryCrossEntropy(s / kTemperature, Sigmoid(t / kTemperature))
                              : (s - t) * (s - t));
        }
        gradient += batch.weights[row] / rows * slope;
      }
      EXPECT_NEAR(session.model.student_parameters().values[bias->offset], before - kRate * gradient, 1e-6)
          << soft << labelled;
      EXPECT_NEAR((*result)->terms.logit, logit_loss, 1e-6);
      EXPECT_EQ((*result)->terms.student_label > 0, labelled);
      EXPECT_EQ((*result)->terms.teacher_label, 0);
    }
  }
}

// A live teacher's logits, stored and given back, are that teacher.
TEST(Trainer, StoredLogitsOfTheSameTeacherChangeNoBit) {
  const std::string levers = absl::StrCat("model { ", kStudentLevers, " } ", kTrainLevers);
  proto::Experiment experiment = SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"), levers);
  Session live(experiment, 2);
  experiment.mutable_model()->mutable_distill()->mutable_stored_logits()->set_column("teacher");
  Session stored(experiment, 2);
  for (int step = 0; step < 9; ++step) {
    Batch batch = RandomBatch(live.model.schema(), 70, 100 + step);
    const absl::StatusOr<const StepResult*> result = live.trainer->Step(batch);
    ASSERT_TRUE(result.ok()) << result.status();
    batch.teacher_logits = (*result)->teacher_logits;
    ASSERT_TRUE(stored.trainer->Step(batch).ok());
  }
  EXPECT_EQ(live.model.student_parameters().values, stored.model.student_parameters().values);
  EXPECT_EQ(live.model.teacher_parameters().values, stored.model.teacher_parameters().values);
}

// The student's step on recombined rows is one on rows without a label, made by hand; in these, what is
// hidden is an id that no table holds.
TEST(Trainer, RecombinedRowsAreRowsWithoutALabel) {
  constexpr uint64_t kNoId = 77;
  const std::string more =
      "train { average_decay: 0.9 } embedding { slow_copy { towers: STUDENT } } "
      "model { student { linear: false mlp { dropout: 0 } } "
      "distill { phase { steps_per_row: 1 decay: CONSTANT ";
  const std::string teacher = ModelText(kTeachers[1], "CO_TRAIN");
  Session asked(
      SmallExperiment(teacher, absl::StrCat(more, "recombined_batches: 1 recombined_unknown: 0.3 } } }")), 2);
  Session by_hand(SmallExperiment(teacher, absl::StrCat(more, "} } }")), 2);
  Session without(SmallExperiment(teacher, absl::StrCat(more, "} } }")), 2);
  for (Session* session : {&asked, &by_hand, &without}) {
    session->Train(5);
    session->trainer->BeginStudentPhase(9);
  }
  ASSERT_EQ(asked.model.student_parameters().values, by_hand.model.student_parameters().values);
  const Batch batch = RandomBatch(asked.model.schema(), 90, 1);
  Recombined made({}, UnknownShares(asked.model.experiment(), asked.model.schema()));
  BatchRows rows;
  EXPECT_TRUE(by_hand.model.embedding().Lookup(batch, &rows).ok());
  const Random random(asked.model.experiment().train().seed(), RandomPurpose::kRecombine, {6, 0});
  Recombine(batch, rows, random, 0.5, &made);
  for (size_t f = 0; f < made.hidden.size(); ++f) {
    for (size_t i = 0; i < made.hidden[f].size(); ++i) {
      if (made.hidden[f][i] != 0) made.batch.fields[f].keys[i] = kNoId;
    }
  }
  ASSERT_TRUE(by_hand.trainer->Step(made.batch).ok());
  for (Session* session : {&asked, &by_hand, &without}) {
    const absl::StatusOr<const StepResult*> result = session->trainer->Step(batch);
    ASSERT_TRUE(result.ok()) << result.status();
    session->last = (*result)->terms;
    EXPECT_EQ((*result)->student_logits.size(), 90u);
  }
  EXPECT_EQ(asked.model.student_parameters().values, by_hand.model.student_parameters().values);
  EXPECT_EQ(asked.model.student_parameters().averages, by_hand.model.student_parameters().averages);
  EXPECT_NE(asked.model.student_parameters().values, without.model.student_parameters().values);
  EXPECT_EQ(asked.last.student_label, by_hand.last.student_label) << "the step's result is the batch's";
  EXPECT_EQ(asked.trainer->clock().step, 6) << "one step of the log";
}

TEST(Trainer, StoredLogitsMoveTheStudentAndNotTheTeacher) {
  Session live(SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN")), 2);
  Session stored(SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"),
                                 "model { distill { stored_logits { column: 'teacher' } } }"),
                 2);
  for (int step = 0; step < 5; ++step) {
    Batch batch = RandomBatch(live.model.schema(), 70, 100 + step);
    ASSERT_TRUE(live.trainer->Step(batch).ok());
    batch.teacher_logits = SomeLogits(70);
    ASSERT_TRUE(stored.trainer->Step(batch).ok());
  }
  EXPECT_EQ(live.model.teacher_parameters().values, stored.model.teacher_parameters().values);
  EXPECT_NE(live.model.student_parameters().values, stored.model.student_parameters().values);
}

TEST(Trainer, RowsWithoutALabelLeaveTeacherAndEmbeddingAsIfTheyWerentThere) {
  for (const ModelCase& teacher : kTeachers) {
    const std::string levers =
        absl::StrCat("model { ", kStudentLevers, " } data { unlabelled: USE_TEACHER } ",
                     "train { schedule { warmup_steps: 5 } average_decay: 0.9 } "
                     "embedding { id_dropout: 0.2 min_count: 2 slow_copy { decay: 0.9 towers: STUDENT } }");
    Session with(SmallExperiment(ModelText(teacher, "CO_TRAIN"), levers), 2);
    Session without(SmallExperiment(ModelText(teacher, "CO_TRAIN"), levers), 2);
    for (int step = 0; step < 10; ++step) {
      ASSERT_TRUE(with.trainer->Step(Unlabelled(RandomBatch(with.model.schema(), 60, 900 + step))).ok());
      for (Session* session : {&with, &without}) {
        ASSERT_TRUE(session->trainer->Step(RandomBatch(with.model.schema(), 70, 100 + step)).ok());
      }
    }
    EXPECT_EQ(with.model.teacher_parameters().values, without.model.teacher_parameters().values)
        << teacher.name;
    EXPECT_EQ(with.model.teacher_parameters().slots, without.model.teacher_parameters().slots)
        << teacher.name;
    EXPECT_EQ(with.model.teacher_parameters().averages, without.model.teacher_parameters().averages);
    EXPECT_EQ(*with.model.embedding().rows(), *without.model.embedding().rows());
    const Batch probe = RandomBatch(with.model.schema(), 200, 5);
    EXPECT_EQ(with.Fields(probe), without.Fields(probe)) << teacher.name;
    EXPECT_NE(with.model.student_parameters().values, without.model.student_parameters().values);
    EXPECT_EQ(with.trainer->clock().step, 20);
    EXPECT_EQ(with.trainer->clock().joint_steps, 10);
    EXPECT_EQ(with.trainer->clock().distilled_steps, 10);
  }
}

TEST(Trainer, RowsWithoutALabelHaveNoLabelLossAndTheTeachersLogitAsItIs) {
  Session session(SmallExperiment(ModelText(kTeachers[1], "CO_TRAIN"),
                                  "data { unlabelled: USE_TEACHER } model { student { linear: false } }"),
                  2);
  session.Train(3);
  const Batch batch = Unlabelled(RandomBatch(session.model.schema(), 60, 1));
  const absl::StatusOr<const StepResult*> first = session.trainer->Step(batch);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->terms.teacher_label, 0);
  EXPECT_EQ((*first)->terms.student_label, 0);
  EXPECT_GT((*first)->terms.logit, 0);
  EXPECT_GT((*first)->terms.hint, 0);
  const std::vector<float> logits = (*first)->teacher_logits;
  const absl::StatusOr<const StepResult*> second = session.trainer->Step(batch);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->teacher_logits, logits) << "dropout, or a teacher that moved";
}

TEST(Trainer, NobodyLearnsFromRowsWithoutALabelWhereThereIsNoStudentYet) {
  const Batch labelled = RandomBatch(Schema(SmallExperiment("teacher {} student {}")), 9, 1);
  const auto learns = [&](const std::string& method, bool phase) {
    Session session(SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"),
                                    absl::StrCat("model { method: ", method, " student { linear: false } }")),
                    1);
    if (phase) session.trainer->BeginStudentPhase(3);
    EXPECT_TRUE(session.trainer->LearnsFrom(labelled));
    return session.trainer->LearnsFrom(Unlabelled(labelled));
  };
  EXPECT_TRUE(learns("CO_TRAIN", false));
  EXPECT_TRUE(learns("STUDENT_ALONE", false));
  EXPECT_FALSE(learns("TEACHER_ALONE", false));
  EXPECT_FALSE(learns("TWO_STAGE_FULL", false));
  EXPECT_TRUE(learns("TWO_STAGE_FULL", true));
}

// Where the student's gradient goes on to the shared table, rows without a label stop at the student.
TEST(Trainer, RowsWithoutALabelMoveNoSharedEmbeddingOfARocket) {
  Session session(SmallExperiment(ModelText(kTeachers[0], "ROCKET_LAUNCHING"),
                                  "data { unlabelled: USE_TEACHER } model { student { linear: false } }"),
                  2);
  session.Train(2);
  const Batch probe = RandomBatch(session.model.schema(), 50, 5);
  const std::vector<float> fields = session.Fields(probe);
  const AlignedFloats student = session.model.student_parameters().values;
  ASSERT_TRUE(session.trainer->Step(Unlabelled(probe)).ok());
  EXPECT_EQ(fields, session.Fields(probe));
  EXPECT_NE(student, session.model.student_parameters().values);
}

TEST(Trainer, ARowOfWeightZeroTeachesNothing) {
  const proto::Experiment experiment =
      SmallExperiment(ModelText(kTeachers[0], "CO_TRAIN"), "train { optimizer { sgd { lr: 0.1 } } }");
  Session session(experiment, 1);
  Batch batch = RandomBatch(session.model.schema(), 32, 1);
  std::fill(batch.weights.begin(), batch.weights.end(), 0.0f);
  const auto trained = [&](const DenseParameters& parameters, const ParameterLayout& layout) {
    std::vector<float> values;
    for (const ParameterBlock& block : layout.blocks()) {
      if (block.kind == ParameterKind::kStatistic) continue;
      values.insert(values.end(), parameters.values.begin() + block.offset,
                    parameters.values.begin() + block.offset + block.size);
    }
    return values;
  };
  const std::vector<float> before =
      trained(session.model.student_parameters(), session.model.student().layout());
  ASSERT_TRUE(session.trainer->Step(batch).ok());
  EXPECT_EQ(before, trained(session.model.student_parameters(), session.model.student().layout()));
}

}  // namespace
}  // namespace tandem
