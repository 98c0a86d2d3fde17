// Several towers that teach: each as if it were alone, and nothing of the student in them.
#include "tandem/committee.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/config/methods.h"
#include "src/config/teachers.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.h"
#include "tandem/trainer.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

// Kinds that differ in all that a tower can have.
const char* const kTowers[] = {
    "linear: true combine: PARALLEL",
    "heads: 3 head_weights: RANK_ONE mlp { hidden: 12 hidden: 8 dropout: 0.2 normalize_input: true }",
    ("linear: true interaction { fm {} } interaction { cin { layers: 4 } } mlp { hidden: 8 } combine: "
     "PARALLEL heads: 2"),
};
// Levers of rows and weights under which a member must be what it is alone.
constexpr char kTraining[] =
    "embedding { id_dropout: 0.2 min_count: 2 l2: 0.01 slow_copy { decay: 0.9 } } "
    "train { clip_norm: 0.02 l2: 0.001 average_decay: 0.9 }";
constexpr char kStudent[] =
    "student { heads: 2 mlp { hidden: 8 hidden: 6 dropout: 0.1 normalize_input: true } } "
    "distill { hint_weight: 0 switches { own_embedding: true } "
    "phase { fraction: 1 steps_per_row: 1 recombined_batches: 2 recombined_group { feature: ['user', "
    "'query'] } } }";

std::string OneOfEach() {
  std::string members;
  for (const char* tower : kTowers) absl::StrAppend(&members, " member { tower { ", tower, " } }");
  return absl::StrCat("committee {", members, " }");
}

struct Session {
  Session(const proto::Experiment& experiment, int threads)
      : model(experiment, *FindKernels("auto").value(), /*trained=*/true), workers(threads) {
    model.Initialize(-0.5);
    trainer = std::make_unique<Trainer>(&model, TrainedParts::kAll, TrainerClock(), &workers);
  }

  void Train(int steps, int rows = 90) {
    for (int step = 0; step < steps; ++step) {
      const auto result = trainer->Step(RandomBatch(model.schema(), rows, 100 + trained++));
      ASSERT_TRUE(result.ok()) << result.status();
      last = **result;
    }
  }

  // What the teachers read of some rows, and their linear sums.
  struct Read {
    std::vector<float> x, linear;
    int width;
  };
  Read Rows(const Batch& batch, bool slow = false) const {
    BatchRows rows;
    EXPECT_TRUE(model.embedding().Lookup(batch, &rows).ok());
    Read read;
    read.width = model.embedding().fields() * model.embedding().dim();
    read.x.resize(static_cast<size_t>(batch.rows()) * read.width);
    read.linear.resize(static_cast<size_t>(batch.rows()) * model.teacher().linear());
    LinearSums sums;
    if (!read.linear.empty()) sums.teacher = read.linear.data();
    model.embedding().Gather(batch, rows, 0, {model.teacher_input().fields, slow},
                             {read.x.data(), batch.rows(), read.width, read.width}, sums);
    return read;
  }
  std::vector<float> Logits(const Batch& batch) const {
    Read read = Rows(batch);
    CommitteeWorkspace workspace = model.teacher().MakeWorkspace(batch.rows());
    std::vector<float> logits(batch.rows());
    model.teacher().Forward({read.x.data(), batch.rows(), read.width, read.width},
                            read.linear.empty() ? nullptr : read.linear.data(), nullptr, &workspace,
                            logits.data());
    return logits;
  }

  DualModel model;
  Workers workers;
  std::unique_ptr<Trainer> trainer;
  StepResult last;
  int trained = 0;
};

// Member k's part of what a committee keeps against the same of that tower alone.
void ExpectMemberIsAsAlone(const Session& committee, const Session& alone, int k) {
  const Committee& towers = committee.model.teacher();
  const DenseParameters& all = committee.model.teacher_parameters();
  const DenseParameters& own = alone.model.teacher_parameters();
  const auto part = [&](const AlignedFloats& of_all, size_t slot) {
    const auto begin = of_all.begin() + static_cast<int64_t>(slot * all.values.size()) + towers.offset(k);
    return std::vector<float>(begin, begin + static_cast<int64_t>(own.values.size()));
  };
  const auto whole = [](const AlignedFloats& floats) {
    return std::vector<float>(floats.begin(), floats.end());
  };
  EXPECT_EQ(part(all.values, 0), whole(own.values)) << k;
  EXPECT_EQ(part(all.averages, 0), whole(own.averages)) << k;
  const size_t slots = all.slots.size() / all.values.size();
  ASSERT_EQ(own.slots.size(), slots * own.values.size());
  for (size_t slot = 0; slot < slots; ++slot) {
    const auto begin = own.slots.begin() + static_cast<int64_t>(slot * own.values.size());
    EXPECT_EQ(part(all.slots, slot),
              std::vector<float>(begin, begin + static_cast<int64_t>(own.values.size())))
        << k;
  }
  const Batch probe = RandomBatch(alone.model.schema(), 200, 5);
  for (const bool slow : {false, true}) {
    const Session::Read many = committee.Rows(probe, slow), one = alone.Rows(probe, slow);
    const int dim = alone.model.embedding().dim(), vectors = towers.vectors();
    for (size_t i = 0; i < one.x.size(); ++i) {
      const size_t at = (i / dim * vectors + k) * dim + i % dim;
      ASSERT_EQ(many.x[at], one.x[i]) << "member " << k << (slow ? ", slow" : "");
    }
  }
}

TEST(Committee, EveryMemberEndsAsTheTeacherAloneWithItsSeed) {
  const proto::Experiment experiment =
      SmallExperiment(absl::StrCat("method: TEACHER_ALONE ", OneOfEach()), kTraining);
  Session together(experiment, 2);
  together.Train(12);
  const std::vector<MemberConfig> members = TeachersOf(experiment);
  ASSERT_EQ(members.size(), 3u);
  for (int k = 0; k < 3; ++k) {
    Session alone(SmallExperiment(absl::StrCat("method: TEACHER_ALONE teacher { ", kTowers[k],
                                               " seed: ", members[k].seed, " }"),
                                  kTraining),
                  1);
    alone.Train(12);
    ExpectMemberIsAsAlone(together, alone, k);
  }
}

TEST(Committee, ATeacherMayBeAMemberAndCopiesDifferInTheirSeeds) {
  const proto::Experiment experiment =
      SmallExperiment(absl::StrCat("method: TEACHER_ALONE teacher { ", kTowers[2],
                                   " } committee { member { copies: 2 tower { ", kTowers[1],
                                   " } } member { copies: 2 tower { ", kTowers[1], " seed: 77 } } }"),
                      kTraining);
  const std::vector<MemberConfig> members = TeachersOf(experiment);
  std::vector<uint64_t> seeds;
  for (const MemberConfig& member : members) seeds.push_back(member.seed);
  EXPECT_EQ(seeds, (std::vector<uint64_t>{1, 2, 3, 77, 78}));
  Session together(experiment, 2);
  together.Train(6);
  for (int k = 0; k < 5; ++k) {
    Session alone(SmallExperiment(absl::StrCat("method: TEACHER_ALONE teacher { ",
                                               k == 0 ? kTowers[2] : kTowers[1], " seed: ", seeds[k], " }"),
                                  kTraining),
                  1);
    alone.Train(6);
    ExpectMemberIsAsAlone(together, alone, k);
  }
}

TEST(Committee, NothingOfTheStudentReachesAMember) {
  Session with(SmallExperiment(absl::StrCat(OneOfEach(), kStudent), kTraining), 2);
  Session without(SmallExperiment(absl::StrCat("method: TEACHER_ALONE ", OneOfEach()), kTraining), 1);
  with.Train(10);
  without.Train(10);
  const AlignedFloats student_before = with.model.student_parameters().values;
  with.trainer->BeginStudentPhase(4);
  with.Train(4);
  EXPECT_NE(with.model.student_parameters().values, student_before);
  EXPECT_EQ(with.model.teacher_parameters().values, without.model.teacher_parameters().values);
  EXPECT_EQ(with.model.teacher_parameters().slots, without.model.teacher_parameters().slots);
  const Batch probe = RandomBatch(with.model.schema(), 200, 5);
  EXPECT_EQ(with.Rows(probe).x, without.Rows(probe).x);
  EXPECT_EQ(with.Rows(probe).linear, without.Rows(probe).linear);
}

TEST(Committee, AStudentOfSeveralHeadsKeepsThemAlone) {
  const proto::Experiment alone =
      StudentAlone(SmallExperiment(absl::StrCat(OneOfEach(), kStudent), kTraining));
  EXPECT_EQ(alone.model().student().heads(), 2);
  Session session(alone, 2);
  EXPECT_EQ(session.model.student().logits(), 2);
  session.Train(3);
}

// Beside a committee labels may weigh nothing; without it there is nothing else.
TEST(Committee, AStudentAloneLearnsFromTheLabelsWhateverTheyWeighBesideATeacher) {
  const auto trained = [](const char* weight) {
    Session session(StudentAlone(SmallExperiment(absl::StrCat(OneOfEach(), kStudent),
                                                 absl::StrCat("model { distill { ", weight, " } }"))),
                    1);
    session.Train(4);
    return session.model.student_parameters().values;
  };
  EXPECT_EQ(trained("student_label_weight: 0"), trained(""));
}

TEST(Committee, ItsLogitIsTheMeanOfItsMembers) {
  Session committee(SmallExperiment(absl::StrCat("method: TEACHER_ALONE ", OneOfEach())), 1);
  committee.Train(5);
  const Batch probe = RandomBatch(committee.model.schema(), 50, 5);
  std::vector<double> mean(probe.rows(), 0);
  for (int k = 0; k < 3; ++k) {
    Session alone(
        SmallExperiment(absl::StrCat("method: TEACHER_ALONE teacher { ", kTowers[k], " seed: ", k + 1, " }")),
        1);
    alone.Train(5);
    const std::vector<float> logits = alone.Logits(probe);
    for (int row = 0; row < probe.rows(); ++row) mean[row] += logits[row];
  }
  const std::vector<float> logits = committee.Logits(probe);
  for (int row = 0; row < probe.rows(); ++row) EXPECT_EQ(logits[row], static_cast<float>(mean[row] / 3));
}

// Two members that are equal, on one vector: its gradient is twice that of one, and theirs is that of one.
TEST(Committee, OnSharedRowsTheGradientsOfTheMembersAddUp) {
  constexpr char kTower[] = "interaction { fm {} } mlp { hidden: 8 hidden: 4 }";
  // A setting that isn't read makes it another configuration of the same tower.
  constexpr char kSame[] = "interaction { fm {} } mlp { hidden: 8 hidden: 4 normalize_decay: 0.5 }";
  constexpr char kSgd[] =
      "embedding { optimizer { sgd { lr: 0.25 } } } train { optimizer { sgd { lr: 0.1 } } }";
  constexpr char kTwice[] =
      "embedding { optimizer { sgd { lr: 0.5 } } } train { optimizer { sgd { lr: 0.1 } } }";
  Session two(SmallExperiment(absl::StrCat("method: TEACHER_ALONE committee { rows: SHARED member { tower { ",
                                           kTower, " seed: 3 } } member { tower { ", kSame, " seed: 3 } } }"),
                              kSgd),
              1);
  Session one(SmallExperiment(absl::StrCat("method: TEACHER_ALONE teacher { ", kTower, " seed: 3 }"), kTwice),
              1);
  two.Train(1);
  one.Train(1);
  const Batch probe = RandomBatch(one.model.schema(), 90, 100);
  EXPECT_EQ(two.Rows(probe).x, one.Rows(probe).x);
  EXPECT_EQ(two.last.terms.teacher_label, one.last.terms.teacher_label);
  EXPECT_EQ(two.model.embedding().dim(), one.model.embedding().dim());
}

TEST(Committee, TheNumberOfThreadsChangesNoBit) {
  const auto trained = [](int threads) {
    auto session =
        std::make_unique<Session>(SmallExperiment(absl::StrCat(OneOfEach(), kStudent), kTraining), threads);
    session->Train(6);
    session->trainer->BeginStudentPhase(4);
    session->Train(4);
    return session;
  };
  const auto one = trained(1);
  for (const int threads : {2, 4}) {
    const auto many = trained(threads);
    EXPECT_EQ(many->model.teacher_parameters().values, one->model.teacher_parameters().values);
    EXPECT_EQ(many->model.student_parameters().values, one->model.student_parameters().values);
    EXPECT_EQ(many->last.student_logits, one->last.student_logits);
  }
}

// With fewer shards than threads the members, and the student, are tasks of their own.
TEST(Committee, MembersOnThreadsOfTheirOwnChangeNoBit) {
  const std::string shared =
      absl::StrCat("committee { rows: SHARED member { tower { ", kTowers[0], " } } member { tower { ",
                   kTowers[2], " } copies: 2 } member { tower { mlp { hidden: 8 } } } }");
  constexpr char kReadsTheSame[] =
      "student { linear: true mlp { hidden: 8 hidden: 6 } } distill { hint_weight: 0 ";
  const std::string models[] = {
      absl::StrCat(OneOfEach(), kStudent),
      absl::StrCat(shared, kStudent),
      absl::StrCat(shared, kReadsTheSame, "}"),
      absl::StrCat(shared, kReadsTheSame, "switches { stop_gradient: false } }"),
      absl::StrCat("method: TEACHER_ALONE ", shared),
  };
  for (const std::string& model : models) {
    const bool phase = model.find("own_embedding") != std::string::npos;
    const auto trained = [&](int threads) {
      auto session = std::make_unique<Session>(SmallExperiment(model, kTraining), threads);
      session->Train(3, /*rows=*/13);
      session->Train(3, /*rows=*/16);
      session->Train(3, /*rows=*/45);
      if (phase) session->trainer->BeginStudentPhase(4);
      session->Train(4, /*rows=*/16);
      return session;
    };
    const auto one = trained(1);
    const Batch probe = RandomBatch(one->model.schema(), 50, 7);
    for (const int threads : {2, 4}) {
      const auto many = trained(threads);
      EXPECT_EQ(many->model.teacher_parameters().values, one->model.teacher_parameters().values) << model;
      EXPECT_EQ(many->model.teacher_parameters().averages, one->model.teacher_parameters().averages);
      EXPECT_EQ(many->model.student_parameters().values, one->model.student_parameters().values) << model;
      EXPECT_EQ(many->last.teacher_logits, one->last.teacher_logits) << model;
      EXPECT_EQ(many->last.student_logits, one->last.student_logits) << model;
      EXPECT_EQ(many->Rows(probe).x, one->Rows(probe).x) << model;
      EXPECT_EQ(many->Rows(probe).linear, one->Rows(probe).linear) << model;
    }
  }
}

// The student's own rows are moved by recombined batches, each a step of theirs, and admit no id for them.
TEST(Committee, AStudentOnRowsOfItsOwnLearnsFromRecombinedRows) {
  const auto rows_after_phase = [](const char* more) {
    Session session(SmallExperiment(absl::StrCat(OneOfEach(), kStudent), absl::StrCat(kTraining, more)), 2);
    session.Train(4);
    session.trainer->BeginStudentPhase(4);
    session.Train(4);
    const EmbeddingLayer& own = session.model.student_embedding();
    EXPECT_EQ(own.store().State()->step, 4 + 4 * (1 + PlanOf(session.model.experiment()).recombined_batches));
    return own.rows().value();
  };
  EXPECT_EQ(rows_after_phase(""), rows_after_phase("model { distill { phase { recombined_batches: 0 } } }"));
}

TEST(Committee, WhatCannotBeIsRefusedByItsKey) {
  const auto error = [](const std::string& model) {
    proto::Experiment experiment = SmallExperiment(absl::StrCat(OneOfEach(), kStudent));
    const auto over = ParseExperiment(absl::StrCat("model { ", model, " }"), "test");
    EXPECT_TRUE(over.ok()) << over.status();
    EXPECT_TRUE(MergeOver(*over, &experiment).ok());
    ResolveDefaults(&experiment);
    return std::string(ValidateExperiment(experiment).message());
  };
  EXPECT_EQ(error(""), "");
  EXPECT_NE(error("distill { switches { own_embedding: false } }").find("model.committee.rows: SIDE_BY_SIDE"),
            std::string::npos);
  EXPECT_EQ(error("committee { rows: SHARED } distill { switches { own_embedding: false } }"), "");
  EXPECT_NE(error("committee { member { tower { optimizer { sgd {} } } } }")
                .find("model.committee.member[0].tower.optimizer: set"),
            std::string::npos);
  EXPECT_NE(error("committee { member { tower { mlp { hidden: 4 } } } member { tower { mlp { hidden: 4 } "
                  "seed: 1 } } }")
                .find("model.committee.member[1].tower: the same tower with the same seed (1)"),
            std::string::npos);
  EXPECT_NE(error("committee { member { copies: 0 tower { mlp { hidden: 4 } } } }").find("copies"),
            std::string::npos);
  EXPECT_NE(error("committee { member { tower { mlp {} } } }")
                .find("model.committee.member[0].tower.mlp.hidden: empty"),
            std::string::npos);
  EXPECT_NE(error("distill { phase { recombined_group { feature: 'usr' } } }").find("did you mean 'user'"),
            std::string::npos);
  EXPECT_NE(
      error("distill { phase { recombined_group { feature: 'user' } recombined_group { feature: 'user' } } }")
          .find("named twice"),
      std::string::npos);
  // A group may keep a feature that is dropped.
  const proto::Experiment dropped = SmallExperiment(
      absl::StrCat(OneOfEach(), kStudent),
      "drop_feature: 'age' model { distill { phase { recombined_group { feature: ['user', 'age'] } } } }");
  EXPECT_TRUE(ValidateExperiment(dropped).ok()) << ValidateExperiment(dropped);
}

}  // namespace
}  // namespace tandem
