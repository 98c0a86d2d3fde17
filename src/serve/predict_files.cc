#include "tandem/predict_files.h"

#include <glog/logging.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/str_join.h"
#include "src/serve/scoring_costs.h"
#include "src/train/start_profile.h"
#include "src/util/pipeline.h"
#include "src/util/profile.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/predictor.h"
#include "tandem/quarantine.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"
#include "tandem/threads.h"
#include "tandem/unknown_ids.h"

namespace tandem {
namespace {

// Rows that are read at a time, and that a thread takes at a time: with their text and what is made of it
// they fit the cache nearest to the core but one.
constexpr int kPieceRows = 512;

// Appends the shortest decimal that reads back to the same float.
void AppendFloat(float value, std::string* out) {
  char buffer[32];
  const std::to_chars_result result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out->append(buffer, result.ptr - buffer);
}

// Some rows on their way to output.
struct Piece {
  RawRows rows;
  int good_rows = 0;
  std::vector<BadRow> bad;
  absl::Status status;
  std::string text;
};

// What a worker makes of the rows on the way to text: its own, so that it stays in its cache.
struct Scratch {
  explicit Scratch(const Predictor& predictor) : batch(predictor.fields()), ids(predictor.schema()) {}
  Batch batch;
  Scores scores;
  std::vector<int64_t> unknown;
  UnknownIds ids;
};

// Scores one file after another, each with one version of the model.
class FileScorer {
 public:
  using Write = std::function<absl::Status(absl::string_view text)>;

  FileScorer(std::shared_ptr<const Predictor> version, const Write& write)
      : predictor_(std::move(version)),
        threads_(ThreadsOf(predictor_->experiment().runtime().threads())),
        write_(write),
        quarantine_(predictor_->file_system(), "", predictor_->experiment().data().max_bad_fraction()),
        pieces_(PipelineItems(threads_)),
        scratch_(threads_, Scratch(*predictor_)) {}

  // From the next file on; the columns stay.
  absl::Status Use(std::shared_ptr<const Predictor> version) {
    if (version->fields() != predictor_->fields() ||
        version->schema().key_columns != predictor_->schema().key_columns ||
        version->has_teacher() != predictor_->has_teacher() ||
        version->has_student() != predictor_->has_student()) {
      return ConfigError(version->directory(), ", published meanwhile, scores other columns than ",
                         predictor_->directory(), "; start anew");
    }
    predictor_ = std::move(version);
    return absl::OkStatus();
  }

  absl::Status WriteHeader() {
    std::vector<std::string> columns = predictor_->schema().key_columns;
    if (predictor_->has_student()) columns.push_back("student");
    if (predictor_->has_teacher()) columns.push_back("teacher");
    return write_(absl::StrJoin(columns, "\t") + "\n");
  }

  absl::Status Score(const std::string& file) {
    const SampleFormat& format = predictor_->format();
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<SampleFile> samples,
                            format.Open(predictor_->file_system(), file));
    if (!samples->head().has_value()) return absl::OkStatus();
    TANDEM_ASSIGN_OR_RETURN(
        const std::unique_ptr<const RowDecoder> decoder,
        format.MakeDecoder(predictor_->schema(), {RowUse::kPredict, /*keys=*/true}, *samples->head(), file));
    TANDEM_RETURN_IF_ERROR(quarantine_.BeginFile(file, ""));
    TANDEM_RETURN_IF_ERROR(RunPipeline(
        threads_, absl::MakeSpan(pieces_), [&](Piece* piece) { return Read(samples.get(), &piece->rows); },
        [&](Piece* piece, int worker) { ScorePiece(*decoder, piece, &scratch_[worker]); },
        [&](Piece* piece) { return WritePiece(*piece); }));
    return quarantine_.EndFile();
  }

  const Quarantine& quarantine() const { return quarantine_; }
  std::vector<FeatureIds> Ids() const {
    UnknownIds ids(predictor_->schema());
    for (const Scratch& scratch : scratch_) ids.Merge(scratch.ids);
    return ids.Features();
  }

 private:
  // False at the end of the file.
  static absl::StatusOr<bool> Read(SampleFile* file, RawRows* rows) {
    StageTimer timer(Stage::kRead);
    TANDEM_RETURN_IF_ERROR(file->Read(kPieceRows, rows));
    timer.AddUnits(rows->file_bytes);
    return !rows->rows.empty();
  }

  void ScorePiece(const RowDecoder& decoder, Piece* piece, Scratch* scratch) const {
    const int rows = static_cast<int>(piece->rows.rows.size());
    {
      StageTimer timer(Stage::kParse, rows);
      scratch->batch.Clear();
      piece->bad.clear();
      decoder.DecodeRows(piece->rows, 0, rows, &scratch->batch, &piece->bad);
      piece->good_rows = scratch->batch.rows();
    }
    piece->status = predictor_->Score(scratch->batch, &scratch->scores, &scratch->unknown);
    if (!piece->status.ok()) return;
    scratch->ids.Add(scratch->batch, scratch->unknown);
    DropNotFinite(piece, &scratch->scores);
    StageTimer timer(Stage::kFormat, rows);
    Format(decoder, scratch->scores, piece);
  }

  // A row without a finite score is malformed.
  static void DropNotFinite(Piece* piece, Scores* scores) {
    const auto is_finite = [](float score) { return std::isfinite(score); };
    if (std::all_of(scores->student.begin(), scores->student.end(), is_finite) &&
        std::all_of(scores->teacher.begin(), scores->teacher.end(), is_finite)) {
      return;
    }
    std::vector<BadRow> bad;
    Scores kept;
    auto known = piece->bad.begin();
    for (int row = 0, sample = 0; row < static_cast<int>(piece->rows.rows.size()); ++row) {
      if (known != piece->bad.end() && known->row == row) {
        bad.push_back(*known++);
        continue;
      }
      const auto finite = [&](const std::vector<float>& of) { return of.empty() || is_finite(of[sample]); };
      if (finite(scores->student) && finite(scores->teacher)) {
        if (!scores->student.empty()) kept.student.push_back(scores->student[sample]);
        if (!scores->teacher.empty()) kept.teacher.push_back(scores->teacher[sample]);
      } else {
        bad.push_back({row, RowFault::kNotFinite, "its score is not finite"});
        --piece->good_rows;
      }
      ++sample;
    }
    piece->bad = std::move(bad);
    *scores = std::move(kept);
  }

  void Format(const RowDecoder& decoder, const Scores& scores, Piece* piece) const {
    piece->text.clear();
    auto bad = piece->bad.begin();
    int sample = 0;
    for (int row = 0; row < static_cast<int>(piece->rows.rows.size()); ++row) {
      decoder.AppendKeys(piece->rows.rows[row], '\t', &piece->text);
      const bool good = bad == piece->bad.end() || bad->row != row;
      const auto score = [&](bool wanted, const std::vector<float>& probabilities) {
        if (!wanted) return;
        if (good) AppendFloat(probabilities[sample], &piece->text);
        piece->text += '\t';
      };
      score(predictor_->has_student(), scores.student);
      score(predictor_->has_teacher(), scores.teacher);
      piece->text.back() = '\n';
      if (good) {
        ++sample;
      } else {
        ++bad;
      }
    }
  }

  absl::Status WritePiece(const Piece& piece) {
    TANDEM_RETURN_IF_ERROR(piece.status);
    {
      StageTimer timer(Stage::kWrite, static_cast<int64_t>(piece.text.size()));
      TANDEM_RETURN_IF_ERROR(write_(piece.text));
    }
    quarantine_.GoodRows(piece.good_rows);
    for (const BadRow& bad : piece.bad) {
      // It keeps its place in the output: it isn't set aside.
      TANDEM_RETURN_IF_ERROR(
          quarantine_.BadRow(piece.rows.Number(bad.row), bad.fault, bad.detail, /*row=*/""));
    }
    return quarantine_.JudgeSoFar();
  }

  std::shared_ptr<const Predictor> predictor_;
  const int threads_;
  const Write& write_;
  Quarantine quarantine_;
  std::vector<Piece> pieces_;
  std::vector<Scratch> scratch_;  // a worker
};

absl::StatusOr<std::unique_ptr<Profile>> ProfileOf(const Predictor& version,
                                                   const PredictFilesOptions& options) {
  return StartProfile(ProfiledCommand::kPredict, version.experiment().runtime().threads(),
                      version.model().kernels(), *options.clock);
}

}  // namespace

absl::StatusOr<PredictedRows> PredictFiles(ServedModel* model, const std::vector<std::string>& files,
                                           const std::function<absl::Status(absl::string_view text)>& write,
                                           const PredictFilesOptions& options) {
  std::unique_ptr<Profile> profile;
  if (options.profile) {
    TANDEM_ASSIGN_OR_RETURN(profile, ProfileOf(*model->current(), options));
  }
  if (Profile::Current() != nullptr) SetScoringCosts(*model->current(), Profile::Current());
  FileScorer scorer(model->current(), write);
  TANDEM_RETURN_IF_ERROR(scorer.WriteHeader());
  for (const std::string& file : files) {
    TANDEM_ASSIGN_OR_RETURN(const bool swapped, model->Refresh());
    if (swapped) {
      TANDEM_RETURN_IF_ERROR(scorer.Use(model->current()));
      LOG(INFO) << file << " and what follows is scored by " << model->current()->directory();
    }
    TANDEM_RETURN_IF_ERROR(scorer.Score(file));
  }
  PredictedRows predicted{scorer.quarantine().rows_read(), scorer.quarantine().rows_bad(), scorer.Ids(), ""};
  if (predicted.rows > 0 && !predicted.ids.empty())
    LOG(INFO) << "ids unknown to the model, by feature: " << UnknownIdsText(predicted.ids);
  for (const std::string& warning : UnknownIdWarnings(*model->current(), predicted.ids))
    LOG(WARNING) << warning;
  if (profile != nullptr) predicted.profile = profile->Table();
  return predicted;
}

}  // namespace tandem
