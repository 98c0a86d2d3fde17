// Who teaches: the teacher alone, or the members of model.committee, the teacher first where there is one.
//
//   for (const MemberConfig& member : TeachersOf(experiment)) Build(*member.tower, member.seed);
//   const auto seeds = SeedsOfVectors(experiment);          // of a row's vectors, each of embedding.dim floats
#ifndef TANDEM_SRC_CONFIG_TEACHERS_H_
#define TANDEM_SRC_CONFIG_TEACHERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/experiment.pb.h"

namespace tandem {

struct MemberConfig {
  const proto::Tower* tower;  // of the experiment
  uint64_t seed;
  std::string key;  // "model.committee.member[1].tower"
  int kind;         // number of what it is a copy of, from 0
};

// In their order; empty without a teacher (STUDENT_ALONE). A member without a seed of its own has train.seed
// plus its number, a kind's copies its seed and those that follow.
std::vector<MemberConfig> TeachersOf(const proto::Experiment& experiment);

// The seed of the student's first weights and dropout.
uint64_t StudentSeed(const proto::Experiment& experiment);

// Whether the kinds' weights in the mean logit are learned, and its offset.
bool LearnsWeights(const proto::Experiment& experiment);

// Whether each member reads vectors of its own, which lie side by side in an id's row.
bool SideBySide(const proto::Experiment& experiment);
// The seeds of the first values of an id's vectors, one a vector, as they lie in the row of the embedding
// that the teachers read, or without one the student.
std::vector<uint64_t> SeedsOfVectors(const proto::Experiment& experiment);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_TEACHERS_H_
