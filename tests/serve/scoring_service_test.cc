// Requests in, scores of one model version out: bits, batches, deadlines, a full queue, a stop.
#include "tandem/scoring_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/export.h"
#include "tandem/file_system.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/small_log.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

using std::chrono::milliseconds;
using Rows = std::vector<std::vector<std::string>>;

constexpr char kModel[] =
    "teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 hidden: 4 } }";

// The rows [begin, end) as a request without the label.
ScoreRequest RequestOf(const Rows& rows, size_t begin, size_t end) {
  ScoreRequest request;
  request.rows = static_cast<int>(end - begin);
  const std::vector<std::string> names = SmallLogColumns();
  for (size_t c = 1; c < names.size(); ++c) {
    RequestColumn& column = request.columns.emplace_back();
    column.name = names[c];
    for (size_t row = begin; row < end; ++row) column.cells.push_back(rows[row][c]);
  }
  return request;
}

// What `predict` makes of the rows: the student's scores.
std::vector<float> Predicted(const Predictor& predictor, const Rows& rows) {
  const std::vector<std::string> columns = SmallLogColumns();
  const auto decoder =
      predictor.format().MakeCellDecoder(predictor.schema(), RowUse::kPredict, columns, "rows").value();
  Batch batch(predictor.fields());
  for (const std::vector<std::string>& row : rows) {
    const std::vector<absl::string_view> cells(row.begin(), row.end());
    EXPECT_EQ(decoder->Decode(cells, &batch, nullptr), RowFault::kNone);
  }
  Scores scores;
  EXPECT_TRUE(predictor.Score(batch, &scores).ok());
  return scores.student;
}

class ScoringServiceTest : public testing::Test {
 protected:
  ScoringServiceTest() {
    int steps = 3;
    for (const std::string& name : {one_, two_}) {
      WriteTrainedCheckpoint(SmallExperiment(kModel), steps, name + "-checkpoint");
      EXPECT_TRUE(ExportBundle(FileSystem::Default(), name + "-checkpoint", name, {}).ok());
      steps += 6;
    }
    model_ = ServedModel::Open(one_, {}).value();
  }

  ScratchDirectory scratch_;
  const std::string one_ = scratch_ / "one", two_ = scratch_ / "two";
  const Rows rows_ = SmallLogRows(64, 5);
  std::unique_ptr<ServedModel> model_;
};

// Keeps the one thread of a service busy until it is let go.
class BusyThread {
 public:
  BusyThread(ScoringService* service, const Rows& rows) {
    const auto begun = std::make_shared<std::promise<void>>();
    const std::shared_future<void> gate = gate_.get_future();
    service->Submit(RequestOf(rows, 0, 1), [=](const absl::StatusOr<ScoreResponse>& response) {
      EXPECT_TRUE(response.ok()) << response.status();
      begun->set_value();
      gate.wait();
    });
    begun->get_future().wait();
  }
  void LetGo() { gate_.set_value(); }

 private:
  std::promise<void> gate_;
};

TEST_F(ScoringServiceTest, ARowWithoutAFiniteScoreIsMalformedAsItIsInPredict) {
  const std::string checkpoint = scratch_ / "linear";
  WriteTrainedCheckpoint(
      SmallExperiment("teacher { mlp { hidden: 4 } } student { linear: true mlp { hidden: 4 } } "
                      "distill { hint_weight: 0 }"),
      3, checkpoint);
  const std::unique_ptr<ServedModel> model = ServedModel::Open(checkpoint, {}).value();
  ScoreRequest request;
  request.parsed_by = model->current();
  const Schema& schema = request.parsed_by->schema();
  const auto decoder = request.parsed_by->format()
                           .MakeCellDecoder(schema, RowUse::kPredict, SmallLogColumns(), "rows")
                           .value();
  request.batch = Batch(request.parsed_by->fields());
  for (size_t row = 0; row < 3; ++row) {
    const std::vector<absl::string_view> cells(rows_[row].begin(), rows_[row].end());
    ASSERT_EQ(decoder->Decode(cells, &request.batch, nullptr), RowFault::kNone);
  }
  for (size_t f = 0; f < schema.fields().size(); ++f) {
    FieldBags& bags = request.batch.fields[f];
    if (schema.fields()[f].kind == FieldKind::kDense) bags.coefficients[bags.offsets[1]] = kAbsent;
  }
  ScoringService service(model.get(), {});
  const absl::StatusOr<ScoreResponse> response = service.Score(std::move(request));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->malformed.size(), 1u);
  EXPECT_EQ(response->malformed[0].row, 1);
  EXPECT_EQ(response->malformed[0].why, "its score is not finite");
  for (const std::vector<float>* scores : {&response->scores.student, &response->scores.teacher}) {
    EXPECT_TRUE(std::isfinite((*scores)[0]) && std::isfinite((*scores)[2]));
    EXPECT_TRUE(IsAbsent((*scores)[1]));
  }
}

TEST_F(ScoringServiceTest, ScoresHaveTheBitsOfPredictHoweverRequestsAreBatched) {
  const std::vector<float> expected = Predicted(*model_->current(), rows_);
  for (const int max_batch_rows : {1, 7, 1000}) {
    for (const int threads : {1, 3}) {
      ScoringOptions options;
      options.threads = threads;
      options.max_batch_rows = max_batch_rows;
      std::vector<std::promise<std::vector<float>>> answers(rows_.size());
      ScoringService service(model_.get(), options);
      for (size_t row = 0, size = 1; row < rows_.size(); row += size, size = size % 5 + 1) {
        size = std::min(size, rows_.size() - row);
        service.Submit(RequestOf(rows_, row, row + size), [&, row](absl::StatusOr<ScoreResponse> response) {
          ASSERT_TRUE(response.ok()) << response.status();
          EXPECT_EQ(response->model_id, model_->current()->model_id());
          EXPECT_TRUE(response->scores.teacher.empty());
          answers[row].set_value(response->scores.student);
        });
      }
      std::vector<float> scores;
      while (scores.size() < rows_.size()) {
        const std::vector<float> some = answers[scores.size()].get_future().get();
        scores.insert(scores.end(), some.begin(), some.end());
      }
      EXPECT_EQ(scores, expected) << max_batch_rows << " rows, " << threads << " threads";
    }
  }
}

TEST_F(ScoringServiceTest, BothTowersAreScoredWhereTheModelHasBoth) {
  const auto both = ServedModel::Open(one_ + "-checkpoint", {}).value();
  ScoringService service(both.get(), {});
  const auto response = service.Score(RequestOf(rows_, 0, 9));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->scores.student.size(), 9u);
  EXPECT_EQ(response->scores.teacher.size(), 9u);
  EXPECT_NE(response->scores.student, response->scores.teacher);
}

TEST_F(ScoringServiceTest, ACellServesAllRowsAndColumnsThatAreNotReadArePassedOver) {
  ScoringService service(model_.get(), {});
  ScoreRequest all = RequestOf(rows_, 0, 8), one = RequestOf(rows_, 0, 8);
  all.columns[0].cells.assign(8, "17");
  one.columns[0].cells.assign(1, "17");
  one.columns.push_back({"weather", {"rain"}});
  std::swap(one.columns[1], one.columns[3]);
  const auto expected = service.Score(all), got = service.Score(one);
  ASSERT_TRUE(expected.ok() && got.ok()) << got.status();
  EXPECT_EQ(got->scores.student, expected->scores.student);
}

TEST_F(ScoringServiceTest, AMalformedRowKeepsItsPlace) {
  const std::vector<float> expected = Predicted(*model_->current(), rows_);
  ScoringService service(model_.get(), {});
  ScoreRequest request = RequestOf(rows_, 0, 5);
  request.columns[4].cells[0] = "old";
  request.columns[4].cells[3] = "older";
  const auto response = service.Score(request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->malformed.size(), 2u);
  EXPECT_EQ(response->malformed[1].row, 3);
  EXPECT_TRUE(absl::StrContains(response->malformed[1].why, "'older'")) << response->malformed[1].why;
  ASSERT_EQ(response->scores.student.size(), 5u);
  for (int row = 0; row < 5; ++row) {
    if (row % 3 == 0) {
      EXPECT_TRUE(IsAbsent(response->scores.student[row]));
    } else {
      EXPECT_EQ(response->scores.student[row], expected[row]);
    }
  }
}

TEST_F(ScoringServiceTest, ARequestThatIsNoneIsRefusedAndTheOthersOfItsBatchAreNot) {
  std::promise<absl::Status> statuses[3];
  ScoringService service(model_.get(), {});
  ScoreRequest lacking = RequestOf(rows_, 0, 2), uneven = RequestOf(rows_, 0, 3), negative;
  lacking.columns[1].name = "itme";
  uneven.columns[2].cells.pop_back();
  negative.rows = -1;
  BusyThread busy(&service, rows_);
  int i = 0;
  for (const ScoreRequest& request : {lacking, uneven, RequestOf(rows_, 0, 2)}) {
    service.Submit(request, [&statuses, i](const absl::StatusOr<ScoreResponse>& response) {
      statuses[i].set_value(response.status());
    });
    ++i;
  }
  busy.LetGo();
  const absl::Status of_lacking = statuses[0].get_future().get();
  EXPECT_TRUE(absl::IsInvalidArgument(of_lacking)) << of_lacking;
  EXPECT_TRUE(absl::StrContains(of_lacking.message(), "did you mean 'itme'")) << of_lacking;
  EXPECT_TRUE(absl::IsInvalidArgument(statuses[1].get_future().get()));
  EXPECT_TRUE(statuses[2].get_future().get().ok());
  EXPECT_TRUE(absl::IsInvalidArgument(service.Score(negative).status()));
}

TEST_F(ScoringServiceTest, ARequestWithoutRowsHasNoScores) {
  ScoringService service(model_.get(), {});
  const auto response = service.Score(RequestOf(rows_, 0, 0));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->scores.student.empty());
}

TEST_F(ScoringServiceTest, RequestsThatWaitAreScoredTogether) {
  for (const int max_batch_rows : {8, 4}) {
    ScoringOptions options;
    options.max_batch_rows = max_batch_rows;
    std::promise<int64_t> still_waiting;
    ScoringService service(model_.get(), options);
    BusyThread busy(&service, rows_);
    service.Submit(RequestOf(rows_, 0, 2), [&](const absl::StatusOr<ScoreResponse>&) {
      still_waiting.set_value(service.queued_rows());
    });
    for (int i = 0; i < 3; ++i)
      service.Submit(RequestOf(rows_, 0, 2), [](const absl::StatusOr<ScoreResponse>&) {});
    EXPECT_EQ(service.queued_rows(), 8);
    busy.LetGo();
    EXPECT_EQ(still_waiting.get_future().get(), 8 - max_batch_rows);
  }
}

TEST_F(ScoringServiceTest, APassedDeadlineIsSaidAndTheRequestLeavesTheQueue) {
  ManualClock clock;
  ScoringOptions options;
  options.clock = &clock;
  std::promise<absl::Status> status;
  ScoringService service(model_.get(), options);
  ScoreRequest late = RequestOf(rows_, 0, 2);
  late.deadline = clock.Now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(service.Score(late).status()));

  BusyThread busy(&service, rows_);
  late.deadline = clock.Now() + 20;
  std::thread waits([&] { EXPECT_TRUE(absl::IsDeadlineExceeded(service.Score(late).status())); });
  while (service.queued_rows() == 0) std::this_thread::yield();
  clock.Advance(20);
  waits.join();
  EXPECT_EQ(service.queued_rows(), 0);
  // Of one that nobody waits for, a thread says so when it comes to it.
  late.deadline = clock.Now() + 20;
  service.Submit(late, [&](const absl::StatusOr<ScoreResponse>& r) { status.set_value(r.status()); });
  clock.Advance(20);
  busy.LetGo();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status.get_future().get()));
  late.deadline = clock.Now() + 300;
  EXPECT_TRUE(service.Score(late).ok());
}

TEST_F(ScoringServiceTest, AFullQueueRefusesAndTakesAgainWhenThereIsRoom) {
  ScoringOptions options;
  options.max_queued_rows = 10;
  std::promise<absl::Status> waiting;
  ScoringService service(model_.get(), options);
  BusyThread busy(&service, rows_);
  service.Submit(RequestOf(rows_, 0, 8),
                 [&](const absl::StatusOr<ScoreResponse>& r) { waiting.set_value(r.status()); });
  EXPECT_TRUE(absl::IsResourceExhausted(service.Score(RequestOf(rows_, 0, 3)).status()));
  EXPECT_EQ(service.queued_rows(), 8);
  busy.LetGo();
  EXPECT_TRUE(waiting.get_future().get().ok());
  EXPECT_TRUE(service.Score(RequestOf(rows_, 0, 3)).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(service.Score(RequestOf(rows_, 0, 11)).status()));
}

TEST_F(ScoringServiceTest, AStopCancelsWhatWaitsAndFinishesWhatWasBegun) {
  std::promise<absl::Status> waiting;
  ScoringService service(model_.get(), {});
  BusyThread busy(&service, rows_);
  service.Submit(RequestOf(rows_, 0, 2),
                 [&](const absl::StatusOr<ScoreResponse>& r) { waiting.set_value(r.status()); });
  std::thread stopper([&] { service.Stop(); });
  EXPECT_TRUE(absl::IsCancelled(waiting.get_future().get()));
  EXPECT_TRUE(absl::IsUnavailable(service.Score(RequestOf(rows_, 0, 1)).status()));
  busy.LetGo();
  stopper.join();
  service.Stop();
}

TEST_F(ScoringServiceTest, AParsedBatchIsScoredByTheVersionThatItWasParsedFor) {
  const std::shared_ptr<const Predictor> version = model_->current();
  ScoringService service(model_.get(), {});
  ScoreRequest request;
  request.parsed_by = version;
  request.batch = RandomBatch(version->schema(), 30, 8);
  Scores expected;
  EXPECT_TRUE(version->Score(request.batch, &expected).ok());
  ASSERT_TRUE(model_->Swap(two_).ok());
  const auto response = service.Score(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->model_id, version->model_id());
  EXPECT_EQ(response->scores.student, expected.student);
  const auto newest = service.Score(RequestOf(rows_, 0, 1));
  ASSERT_TRUE(newest.ok()) << newest.status();
  EXPECT_EQ(newest->model_id, model_->current()->model_id());
  request.batch = Batch(1);
  EXPECT_TRUE(absl::IsInvalidArgument(service.Score(request).status()));
}

TEST_F(ScoringServiceTest, SwappedUnderLoadEveryResponseIsOfTheVersionThatItNames) {
  std::map<std::string, std::vector<float>> expected;
  for (const std::string& bundle : {one_, two_}) {
    const auto version = Predictor::Load(bundle, {}).value();
    expected[version->model_id()] = Predicted(*version, rows_);
  }
  ASSERT_EQ(expected.size(), 2u);
  ScoringOptions options;
  options.threads = 2;
  ScoringService service(model_.get(), options);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, answered{0};
  std::vector<std::thread> clients;
  for (size_t client = 0; client < 4; ++client) {
    clients.emplace_back([&, client] {
      for (size_t begin = client; !stop; begin = (begin + 5) % (rows_.size() - 4)) {
        const auto response = service.Score(RequestOf(rows_, begin, begin + 4));
        const std::vector<float>& all = expected.at(response.value().model_id);
        const std::vector<float> own(all.begin() + begin, all.begin() + begin + 4);
        if (response->scores.student != own) ++wrong;
        ++answered;
      }
    });
  }
  for (int swap = 0; swap < 20; ++swap) EXPECT_TRUE(model_->Swap(swap % 2 == 0 ? two_ : one_).ok());
  while (answered < 100) std::this_thread::yield();
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ScoringServiceTest, AnIdleServiceHoldsNoVersionThatWasSwappedAway) {
  ScoringService service(model_.get(), {});
  EXPECT_TRUE(service.Score(RequestOf(rows_, 0, 2)).ok());
  const std::weak_ptr<const Predictor> first = model_->current();
  ASSERT_TRUE(model_->Swap(two_).ok());
  // The thread that scored may be about to let go of it.
  for (int i = 0; i < 1000 && !first.expired(); ++i) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_TRUE(first.expired());
}

}  // namespace
}  // namespace tandem
