// Every configuration under configs/ is complete, and every teacher merges over every data set.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

const char* const kConfigs = TANDEM_SOURCE_DIR "/configs";

std::vector<std::string> ConfigFiles(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".pbtxt") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

constexpr char kStudentAlone[] = "_student_alone.pbtxt";

// The configurations of data sets, without those that go over one of them.
std::vector<std::string> DataSets() {
  std::vector<std::string> files = ConfigFiles(kConfigs);
  files.erase(std::remove_if(files.begin(), files.end(),
                             [](const std::string& file) { return absl::EndsWith(file, kStudentAlone); }),
              files.end());
  return files;
}

proto::Experiment LoadValid(const std::vector<std::string>& files) {
  absl::StatusOr<proto::Experiment> experiment = LoadExperiment(files, {});
  EXPECT_TRUE(experiment.ok()) << experiment.status();
  if (!experiment.ok()) return proto::Experiment();
  ResolveDefaults(&*experiment);
  const absl::Status valid = ValidateExperiment(*experiment);
  EXPECT_TRUE(valid.ok()) << files.front() << " + " << files.back() << ": " << valid;
  return *std::move(experiment);
}

proto::Tower TeacherOver(const std::string& data, const std::string& teacher) {
  return LoadValid({std::string(kConfigs) + "/" + data, std::string(kConfigs) + "/teacher/" + teacher})
      .model()
      .teacher();
}

TEST(ShippedConfigs, EveryDataSetIsComplete) {
  const std::vector<std::string> files = DataSets();
  EXPECT_GE(files.size(), 6u);
  for (const std::string& file : files) {
    const proto::Experiment experiment = LoadValid({file});
    EXPECT_TRUE(experiment.data().has_path()) << file;
    EXPECT_GT(experiment.feature_size(), 0) << file;
    EXPECT_TRUE(experiment.model().has_teacher() && experiment.model().has_student()) << file;
  }
}

TEST(ShippedConfigs, EveryTeacherMergesOverEveryDataSet) {
  const std::vector<std::string> teachers = ConfigFiles(std::string(kConfigs) + "/teacher");
  EXPECT_EQ(teachers.size(), 10u);
  for (const std::string& data : DataSets()) {
    for (const std::string& teacher : teachers) {
      // Those that bring features of their own are for MovieLens.
      const bool own_features = LoadExperiment({teacher}, {}).value().feature_size() > 0;
      if (!own_features || absl::EndsWith(data, "/movielens.pbtxt")) LoadValid({data, teacher});
    }
  }
}

TEST(ShippedConfigs, ACommitteeMergesOverEveryDataSet) {
  for (const std::string& data : DataSets()) {
    const proto::Experiment experiment =
        LoadValid({data, std::string(kConfigs) + "/distill/committee.pbtxt"});
    EXPECT_EQ(experiment.model().committee().member(0).copies(), 5) << data;
    EXPECT_FALSE(experiment.model().has_teacher()) << data;
  }
  for (const char* data : {"frappe", "movielens", "synthetic"}) {
    const std::string base = absl::StrCat(kConfigs, "/", data, ".pbtxt");
    const std::string committee = absl::StrCat(kConfigs, "/committee/", data, ".pbtxt");
    EXPECT_TRUE(LoadValid({base, committee}).model().has_committee()) << data;
  }
}

TEST(ShippedConfigs, TheHintMergesOverEveryDataSet) {
  for (const std::string& data : DataSets()) {
    const proto::Experiment experiment = LoadValid({data, std::string(kConfigs) + "/distill/hint.pbtxt"});
    EXPECT_EQ(experiment.model().distill().hint_size(), 1) << data;
  }
}

TEST(ShippedConfigs, TheStudentPhaseMergesOverEveryDataSet) {
  for (const std::string& data : DataSets()) {
    const proto::Experiment experiment =
        LoadValid({data, std::string(kConfigs) + "/distill/student_phase.pbtxt"});
    EXPECT_EQ(experiment.model().distill().phase().steps_per_row(), 3) << data;
  }
}

TEST(ShippedConfigs, RecombinedRowsMergeOverTheStudentPhase) {
  for (const std::string& data : DataSets()) {
    const std::string distill = std::string(kConfigs) + "/distill/";
    const proto::Experiment experiment =
        LoadValid({data, distill + "student_phase.pbtxt", distill + "recombine.pbtxt"});
    EXPECT_EQ(experiment.model().distill().phase().recombined_batches(), 2) << data;
    EXPECT_EQ(experiment.model().distill().phase().steps_per_row(), 3) << data;
  }
}

TEST(ShippedConfigs, EveryStudentAloneMergesOverItsDataSet) {
  int found = 0;
  for (const std::string& file : ConfigFiles(kConfigs)) {
    if (!absl::EndsWith(file, kStudentAlone)) continue;
    ++found;
    const std::string data = file.substr(0, file.size() - std::string(kStudentAlone).size()) + ".pbtxt";
    const proto::Experiment experiment = LoadValid({data, file});
    EXPECT_EQ(experiment.model().method(), proto::STUDENT_ALONE) << file;
    // It is about how the student learns, not about another student.
    const auto hidden = [](const proto::Experiment& of) { return of.model().student().mlp().hidden(); };
    const auto with = hidden(experiment), without = hidden(LoadValid({data}));
    EXPECT_TRUE(std::equal(with.begin(), with.end(), without.begin(), without.end())) << file;
  }
  EXPECT_GE(found, 5);
}

// Nothing of the data set's own teacher is left.
TEST(ShippedConfigs, AMergedTeacherIsThePublishedOne) {
  const proto::Tower lr = TeacherOver("synthetic.pbtxt", "lr.pbtxt");
  EXPECT_TRUE(lr.linear());
  EXPECT_EQ(lr.interaction_size(), 0);
  EXPECT_FALSE(lr.has_mlp());

  const proto::Tower fm = TeacherOver("synthetic.pbtxt", "fm.pbtxt");
  ASSERT_EQ(fm.interaction_size(), 1);
  EXPECT_TRUE(fm.interaction(0).has_fm());
  EXPECT_FALSE(fm.has_mlp());

  const proto::Tower dnn = TeacherOver("movielens.pbtxt", "dnn.pbtxt");
  EXPECT_FALSE(dnn.linear());
  EXPECT_EQ(dnn.interaction_size(), 0);
  EXPECT_EQ(dnn.mlp().hidden_size(), 2);

  const proto::Tower bst = TeacherOver("movielens.pbtxt", "bst.pbtxt");
  ASSERT_EQ(bst.interaction_size(), 1);
  EXPECT_EQ(bst.interaction(0).transformer().sequence(), "liked");
  EXPECT_EQ(bst.combine(), proto::Tower::STACKED);

  const proto::Tower dcn = TeacherOver("movielens.pbtxt", "dcn.pbtxt");
  EXPECT_FALSE(dcn.linear());
  ASSERT_EQ(dcn.interaction_size(), 1);
  EXPECT_EQ(dcn.interaction(0).cross().version(), proto::Cross::V1);
}

}  // namespace
}  // namespace tandem
