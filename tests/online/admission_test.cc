// Which rows of a stream are samples, and which are set aside.
#include "src/online/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tandem/online.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::HasSubstr;

constexpr char kHeader[] = "label\tuser\titem\ttags\tquery\tage\ttime\n";

class AdmissionTest : public SampleFilesTest {
 protected:
  // What comes of each line after the header: "row+@12" (positive, at time 12), "row-@12", "none", or
  // "error".
  std::vector<std::string> Admit(const std::string& online, const std::string& lines,
                                 const std::string& data = "max_bad_fraction: 1",
                                 const std::string& before_header = "") {
    experiment_ = OnlineExperiment(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }",
                                                   "online { " + online + " } data { " + data + " }"));
    schema_ = std::make_unique<Schema>(experiment_);
    const std::string path = Write("clicks.tsv", before_header + kHeader + lines);
    admission_ = std::make_unique<Admission>(experiment_, *schema_, FileSystem::Default(), Path("quarantine"),
                                             path, &state_);
    const auto reader =
        StreamReader::Open(FileSystem::Default(), path, /*follow=*/false, admission_->format().framing(),
                           admission_->format().max_row_bytes(), nullptr)
            .value();
    std::vector<std::string> outcomes;
    const absl::StatusOr<StreamReader::Event> header = admission_->ReadHead(reader.get(), 0);
    if (!header.ok()) return {std::string(header.status().message())};
    EXPECT_TRUE(admission_->Resume().ok());
    StreamRow line;
    while (*reader->Next(0, &line) == StreamReader::Event::kRow) {
      const absl::StatusOr<std::optional<WaitingRow>> row = admission_->Admit(line);
      if (!row.ok()) {
        outcomes.push_back("error");
      } else if (row->has_value()) {
        outcomes.push_back(absl::StrCat("row", (*row)->positive ? "+" : "-", "@", (*row)->time));
        rows_.push_back(**row);
      } else {
        outcomes.push_back("none");
      }
    }
    return outcomes;
  }

  using Texts = std::vector<std::string>;
  proto::Experiment experiment_;
  std::unique_ptr<Schema> schema_;
  proto::OnlineState state_;
  std::unique_ptr<Admission> admission_;
  std::vector<WaitingRow> rows_;
};

TEST_F(AdmissionTest, ARowKeepsItsLabelAndItsTime) {
  EXPECT_EQ(Admit("time_column: 'time'", "1\tu\ti\t\tq\t3\t86400.5\n0\tu\ti\ta|b\tq\t\t7\n"),
            (Texts{"row+@86400.5", "row-@7"}));
  EXPECT_EQ(state_.rows_good(), 2);
  EXPECT_EQ(rows_[1].raw, "0\tu\ti\ta|b\tq\t\t7");
}

TEST_F(AdmissionTest, AMalformedRowIsSetAsideAndCountedByItsFault) {
  EXPECT_EQ(Admit("time_column: 'time'",
                  "2\tu\ti\t\tq\t3\t1\n"                // the label
                  "1\tu\ti\t\tq\t3\n"                   // a column is missing
                  "1\tu\ti\t\tq\tx\t1\n"                // a number
                  "1\tu\ti\t\tq\t3\tnow\n"              // the time isn't one,
                  "1\tu\ti\t\tq\t3\tinf\n"              // nor is this,
                  "1\tu\ti\t\tq\t3\t1700000000000\n"),  // and this is in milliseconds
            (Texts(6, "none")));
  EXPECT_EQ(state_.rows_bad(static_cast<int>(RowFault::kLabel)), 1);
  EXPECT_EQ(state_.rows_bad(static_cast<int>(RowFault::kColumnCount)), 1);
  EXPECT_EQ(state_.rows_bad(static_cast<int>(RowFault::kNumber)), 4);
  EXPECT_EQ(state_.rows_good(), 0);
  ASSERT_TRUE(admission_->Sync().ok());
  const std::string set_aside = FileBytes(Path("quarantine/clicks.tsv"));
  EXPECT_EQ(set_aside.substr(0, sizeof(kHeader) - 1), kHeader);
  EXPECT_THAT(set_aside, HasSubstr("\n1\tu\ti\t\tq\tx\t1\n"));
  EXPECT_EQ(state_.quarantine_bytes(), static_cast<int64_t>(set_aside.size()));
}

TEST_F(AdmissionTest, ALineThatIsTooLongIsMalformed) {
  EXPECT_EQ(
      Admit("", "1\tu\ti\t\tq\t3\t1\n" + std::string(3000, 'x') + "\n", "delimited { max_line_bytes: 1024 }"),
      (Texts{"row+@0", "none"}));
  EXPECT_EQ(state_.rows_bad(static_cast<int>(RowFault::kRowTooLong)), 1);
  EXPECT_THAT(std::string(admission_->Finish().message()),
              HasSubstr("the first is " + Path("clicks.tsv") +
                        ":3: a row of more than data.delimited.max_line_bytes 1024"));
}

TEST_F(AdmissionTest, SamplesFromBeforeTheCutAreTheBasesOwn) {
  state_.set_cut(172800);
  EXPECT_EQ(Admit("time_column: 'time'", "1\tu\ti\t\tq\t3\t172799\n1\tu\ti\t\tq\t3\t172800\nbad\n"),
            (Texts{"none", "row+@172800", "none"}));
  EXPECT_EQ(state_.rows_before_cut(), 1);
  EXPECT_EQ(state_.rows_good(), 1);
}

TEST_F(AdmissionTest, SamplesWithoutALabelAreLeftOutAndCounted) {
  EXPECT_EQ(Admit("", "\tu\ti\t\tq\t3\t1\n1\tu\ti\t\tq\t3\t1\n", "unlabelled: DROP"),
            (Texts{"none", "row+@0"}));
  EXPECT_EQ(state_.rows_unlabelled(), 1);
  EXPECT_EQ(state_.rows_good(), 1);
}

TEST_F(AdmissionTest, TheFirstRowOfEachDayIsNotedWhereItBegins) {
  const std::string row = "1\tu\ti\t\tq\t3\t";
  Admit("time_column: 'time'",
        row + "5\n" + row + "86399\n" + row + "86401\n" + row + "9\n" + row + "259200\n");
  ASSERT_EQ(state_.day_start_size(), 3);
  EXPECT_DOUBLE_EQ(state_.day_start(0).time(), 0);
  EXPECT_EQ(state_.day_start(0).offset(), static_cast<int64_t>(sizeof(kHeader) - 1));
  EXPECT_EQ(state_.day_start(0).numbers(), 1);
  EXPECT_DOUBLE_EQ(state_.day_start(1).time(), 86400);
  EXPECT_EQ(state_.day_start(1).numbers(), 3);
  EXPECT_DOUBLE_EQ(state_.day_start(2).time(), 259200) << "a day without a row has no beginning";
}

TEST_F(AdmissionTest, RowsOfOneKeyShareTheirClicksWhetherReadOrRestored) {
  Admit("time_column: 'time' label_delay: 60",
        "0\tu\ti\t\tq\t3\t1\n0\tu\tj\t\tq\t4\t2\n0\tv\ti\t\tq\t3\t3\n");
  ASSERT_EQ(rows_.size(), 3u);
  EXPECT_EQ(rows_[0].key, rows_[1].key) << "the key is the user";
  EXPECT_NE(rows_[0].key, rows_[2].key);
  WaitingRow restored = rows_[2];
  restored.key = 0;
  admission_->Readmit(&restored);
  EXPECT_EQ(restored.key, rows_[2].key);
}

TEST_F(AdmissionTest, ASampleHasTheLabelThatItsRowHasByNow) {
  Admit("", "0\tu\ti\ta|b\tq\t3\t1\n");
  ASSERT_EQ(rows_.size(), 1u);
  absl::StatusOr<const Batch*> sample = admission_->Sample(rows_[0]);
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ((*sample)->rows(), 1);
  EXPECT_EQ((*sample)->labels[0], 0);
  EXPECT_EQ((*sample)->fields[2].keys.size(), 2u);
  rows_[0].positive = true;
  sample = admission_->Sample(rows_[0]);
  EXPECT_EQ((*sample)->labels[0], 1);
  rows_[0].raw = "not a row";
  EXPECT_EQ(ExitCode(admission_->Sample(rows_[0]).status()), kExitModel);
}

TEST_F(AdmissionTest, BlankLinesBeforeTheHeaderArePassedOverHoweverMany) {
  EXPECT_EQ(Admit("", "1\tu\ti\t\tq\t3\t1\n", "max_bad_fraction: 0", std::string(1000000, '\n') + "\r\n"),
            (Texts{"row+@0"}));
  EXPECT_EQ(state_.rows_passed_over(), 0);
  EXPECT_EQ(state_.rows_good(), 1);
}

TEST_F(AdmissionTest, AColumnThatIsMissingIsNamedWithItsSetting) {
  EXPECT_THAT(Admit("time_column: 'tine'", "")[0],
              testing::AllOf(HasSubstr("no column 'tine' (online.time_column)"), HasSubstr("time")));
  EXPECT_THAT(Admit("time_column: 'time' label_delay: 1", "", "key_columns: 'session'")[0],
              HasSubstr("no column 'session' (data.key_columns)"));
}

TEST_F(AdmissionTest, ARowThatIsCutOffIsSetAsideWhateverThereIsOfIt) {
  ASSERT_EQ(Admit("time_column: 'time'", "1\tu\ti\t\tq\t3\t1\n"), (Texts{"row+@1"}));
  StreamRow cut;
  cut.text = "1\tu\ti\t\tq\t3\t2";
  cut.cut_off = true;
  EXPECT_EQ(*admission_->Admit(cut), std::nullopt);
  EXPECT_EQ(state_.rows_bad(static_cast<int>(RowFault::kSyntax)), 1);
}

}  // namespace
}  // namespace tandem
