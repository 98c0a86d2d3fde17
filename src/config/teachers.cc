#include "src/config/teachers.h"

#include "absl/strings/str_cat.h"
#include "src/config/methods.h"

namespace tandem {
namespace {

uint64_t SeedOr(const proto::Tower& tower, uint64_t other) { return tower.has_seed() ? tower.seed() : other; }

}  // namespace

std::vector<MemberConfig> TeachersOf(const proto::Experiment& experiment) {
  std::vector<MemberConfig> members;
  const proto::Model& model = experiment.model();
  if (!HasTeacher(model)) return members;
  const uint64_t seed = experiment.train().seed();
  if (model.has_teacher())
    members.push_back({&model.teacher(), SeedOr(model.teacher(), seed), "model.teacher", 0});
  for (int m = 0; m < model.committee().member_size(); ++m) {
    const proto::CommitteeMember& member = model.committee().member(m);
    for (int copy = 0; copy < member.copies(); ++copy) {
      const uint64_t of_member =
          member.tower().has_seed() ? member.tower().seed() + copy : seed + members.size();
      members.push_back({&member.tower(), of_member, absl::StrCat("model.committee.member[", m, "].tower"),
                         m + (model.has_teacher() ? 1 : 0)});
    }
  }
  return members;
}

uint64_t StudentSeed(const proto::Experiment& experiment) {
  return SeedOr(experiment.model().student(), experiment.train().seed());
}

bool LearnsWeights(const proto::Experiment& experiment) {
  return HasTeacher(experiment.model()) &&
         experiment.model().committee().weights() == proto::Committee::LEARNED;
}

bool SideBySide(const proto::Experiment& experiment) {
  return experiment.model().committee().rows() == proto::Committee::SIDE_BY_SIDE &&
         TeachersOf(experiment).size() > 1;
}

std::vector<uint64_t> SeedsOfVectors(const proto::Experiment& experiment) {
  const std::vector<MemberConfig> teachers = TeachersOf(experiment);
  if (teachers.empty()) return {StudentSeed(experiment)};
  std::vector<uint64_t> seeds;
  for (const MemberConfig& member : teachers) {
    seeds.push_back(member.seed);
    if (!SideBySide(experiment)) break;
  }
  return seeds;
}

}  // namespace tandem
