#include "tandem/scoring_service.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/serve/request_parser.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

// A request on its way.
struct Job {
  ScoreRequest request;
  ScoringService::Done done;
  int rows = 0;
  // Of its rows in the batch that it is scored in.
  int first_row = 0;
  ScoreResponse response;
};

using JobPointer = std::shared_ptr<Job>;

absl::Status TooLate() { return absl::DeadlineExceededError("the request waited past its deadline"); }

// What a thread of the service keeps from batch to batch.
struct Scratch {
  RequestParser parser;
  Batch batch;
  Scores scores;
};

// The rows of a request in order: scores of those that were scored, kAbsent for malformed ones.
std::vector<float> InPlace(const std::vector<float>& scores, const Job& job, bool wanted) {
  std::vector<float> placed;
  if (!wanted) return placed;
  placed.reserve(job.rows);
  auto score = scores.begin() + job.first_row;
  auto malformed = job.response.malformed.begin();
  for (int row = 0; row < job.rows; ++row) {
    if (malformed != job.response.malformed.end() && malformed->row == row) {
      placed.push_back(kAbsent);
      ++malformed;
    } else {
      placed.push_back(*score++);
    }
  }
  return placed;
}

// A row without a finite score is malformed, as `predict` has it.
void DropNotFinite(int rows, ScoreResponse* response) {
  const auto not_finite = [](const std::vector<float>& scores, int row) {
    return !scores.empty() && !std::isfinite(scores[row]);
  };
  std::vector<MalformedRow> found;
  auto known = response->malformed.begin();
  for (int row = 0; row < rows; ++row) {
    if (known != response->malformed.end() && known->row == row) {
      ++known;
      continue;
    }
    if (!not_finite(response->scores.student, row) && !not_finite(response->scores.teacher, row)) continue;
    for (std::vector<float>* scores : {&response->scores.student, &response->scores.teacher})
      if (!scores->empty()) (*scores)[row] = kAbsent;
    found.push_back({row, "its score is not finite"});
  }
  if (found.empty()) return;
  std::vector<MalformedRow> all;
  std::merge(response->malformed.begin(), response->malformed.end(), found.begin(), found.end(),
             std::back_inserter(all),
             [](const MalformedRow& a, const MalformedRow& b) { return a.row < b.row; });
  response->malformed = std::move(all);
}

// Parses and scores the jobs together with one version of the model, and answers them.
void ScoreTogether(const std::vector<JobPointer>& jobs, const std::shared_ptr<const Predictor>& version,
                   Scratch* scratch) {
  if (scratch->batch.fields.size() != static_cast<size_t>(version->fields()))
    scratch->batch = Batch(version->fields());
  scratch->batch.Clear();
  std::vector<JobPointer> scored;
  for (const JobPointer& job : jobs) {
    job->first_row = scratch->batch.rows();
    if (job->request.parsed_by != nullptr) {
      scratch->batch.Append(job->request.batch);
    } else {
      absl::Status parsed =
          scratch->parser.Parse(job->request, version, &scratch->batch, &job->response.malformed);
      if (!parsed.ok()) {
        job->done(std::move(parsed));
        continue;
      }
    }
    scored.push_back(job);
  }
  const absl::Status status = version->Score(scratch->batch, &scratch->scores);
  for (const JobPointer& job : scored) {
    if (!status.ok()) {
      job->done(status);
      continue;
    }
    ScoreResponse& response = job->response;
    response.model_id = version->model_id();
    response.scores.teacher = InPlace(scratch->scores.teacher, *job, version->has_teacher());
    response.scores.student = InPlace(scratch->scores.student, *job, version->has_student());
    DropNotFinite(job->rows, &response);
    job->done(std::move(response));
  }
}

}  // namespace

struct ScoringService::State {
  State(ServedModel* model, const ScoringOptions& options) : model(*model), options(options) {}

  // The status of a request that isn't let in.
  absl::Status Admit(const JobPointer& job);
  // Takes a job out of the queue; false where a thread has begun it.
  bool Withdraw(const JobPointer& job);
  void Work();
  // With the lock held: the jobs to score next, all by `version`; those that are too late go to `late`.
  std::vector<JobPointer> TakeBatch(std::shared_ptr<const Predictor>* version, std::vector<JobPointer>* late);

  ServedModel& model;
  const ScoringOptions options;
  mutable std::mutex mutex;
  std::condition_variable fresh;
  std::deque<JobPointer> queue;
  int64_t queued_rows = 0;
  bool stopped = false;
  std::mutex stopping;  // one Stop at a time
  std::vector<std::thread> threads;
};

absl::Status ScoringService::State::Admit(const JobPointer& job) {
  if (job->rows < 0) return ConfigError("the request: ", job->rows, " rows");
  const Predictor* parsed_by = job->request.parsed_by.get();
  if (parsed_by != nullptr && job->request.batch.fields.size() != static_cast<size_t>(parsed_by->fields()))
    return ConfigError("the request: a batch of ", job->request.batch.fields.size(),
                       " fields for a model of ", parsed_by->fields());
  if (job->request.deadline <= options.clock->Now()) return TooLate();
  const std::lock_guard<std::mutex> lock(mutex);
  if (stopped) return absl::UnavailableError("the scoring service has been stopped");
  if (queued_rows + job->rows > options.max_queued_rows)
    return absl::ResourceExhaustedError(absl::StrCat("the queue is full: ", queued_rows, " rows wait, ",
                                                     job->rows, " more are beyond max_queued_rows ",
                                                     options.max_queued_rows));
  queue.push_back(job);
  queued_rows += job->rows;
  fresh.notify_one();
  return absl::OkStatus();
}

bool ScoringService::State::Withdraw(const JobPointer& job) {
  const std::lock_guard<std::mutex> lock(mutex);
  for (auto waiting = queue.begin(); waiting != queue.end(); ++waiting) {
    if (*waiting != job) continue;
    queue.erase(waiting);
    queued_rows -= job->rows;
    return true;
  }
  return false;
}

std::vector<JobPointer> ScoringService::State::TakeBatch(std::shared_ptr<const Predictor>* version,
                                                         std::vector<JobPointer>* late) {
  std::vector<JobPointer> jobs;
  int rows = 0;
  const double now = options.clock->Now();
  while (!queue.empty()) {
    const JobPointer& next = queue.front();
    if (next->request.deadline > now) {
      std::shared_ptr<const Predictor> wanted =
          next->request.parsed_by != nullptr ? next->request.parsed_by : model.current();
      if (jobs.empty()) *version = std::move(wanted);
      // Swapped since: the next batch has the new one.
      else if (wanted != *version || rows + next->rows > options.max_batch_rows)
        break;
      rows += next->rows;
      jobs.push_back(next);
    } else {
      late->push_back(next);
    }
    queued_rows -= next->rows;
    queue.pop_front();
  }
  return jobs;
}

void ScoringService::State::Work() {
  Scratch scratch;
  for (;;) {
    std::shared_ptr<const Predictor> version;
    std::vector<JobPointer> jobs, late;
    {
      std::unique_lock<std::mutex> lock(mutex);
      fresh.wait(lock, [&] { return stopped || !queue.empty(); });
      if (stopped) return;
      jobs = TakeBatch(&version, &late);
    }
    for (const JobPointer& job : late) job->done(TooLate());
    if (!jobs.empty()) ScoreTogether(jobs, version, &scratch);
  }
}

ScoringService::ScoringService(ServedModel* model, const ScoringOptions& options)
    : state_(std::make_unique<State>(model, options)) {
  CHECK_GE(options.threads, 0);
  CHECK_GT(options.max_batch_rows, 0);
  CHECK_GT(options.max_queued_rows, 0);
  for (int thread = 0; thread < ThreadsOf(options.threads); ++thread)
    state_->threads.emplace_back([this] { state_->Work(); });
}

ScoringService::~ScoringService() { Stop(); }

void ScoringService::Submit(ScoreRequest request, Done done) {
  auto job = std::make_shared<Job>();
  job->rows = request.parsed_by != nullptr ? request.batch.rows() : request.rows;
  job->request = std::move(request);
  job->done = std::move(done);
  absl::Status admitted = state_->Admit(job);
  if (!admitted.ok()) job->done(std::move(admitted));
}

absl::StatusOr<ScoreResponse> ScoringService::Score(ScoreRequest request) {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<absl::StatusOr<ScoreResponse>> answer;
  const double deadline = request.deadline;
  auto job = std::make_shared<Job>();
  job->rows = request.parsed_by != nullptr ? request.batch.rows() : request.rows;
  job->request = std::move(request);
  job->done = [&](absl::StatusOr<ScoreResponse> response) {
    const std::lock_guard<std::mutex> lock(mutex);
    answer = std::move(response);
    answered.notify_one();
  };
  TANDEM_RETURN_IF_ERROR(state_->Admit(job));
  std::unique_lock<std::mutex> lock(mutex);
  const auto done = [&] { return answer.has_value(); };
  if (std::isfinite(deadline)) {
    Clock& clock = *state_->options.clock;
    while (!done() && clock.Now() < deadline) clock.WaitUntil(deadline, &answered, &lock);
    if (!done()) {
      lock.unlock();
      if (state_->Withdraw(job)) return TooLate();
      lock.lock();
    }
  }
  answered.wait(lock, done);
  return *std::move(answer);
}

void ScoringService::Stop() {
  const std::lock_guard<std::mutex> one_at_a_time(state_->stopping);
  std::deque<JobPointer> waiting;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stopped = true;
    state_->queue.swap(waiting);
    state_->queued_rows = 0;
  }
  state_->fresh.notify_all();
  for (const JobPointer& job : waiting)
    job->done(absl::CancelledError("the scoring service was stopped while the request waited"));
  for (std::thread& thread : state_->threads) thread.join();
  state_->threads.clear();
}

int64_t ScoringService::queued_rows() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->queued_rows;
}

}  // namespace tandem
