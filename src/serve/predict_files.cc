#include "tandem/predict_files.h"

#include <glog/logging.h>

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "config/experiment.pb.h"
#include "src/util/pipeline.h"
#include "tandem/predictor.h"
#include "tandem/reader.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

// Lines that are read at a time, and that a thread takes at a time: with their text and the rows made of it
// they fit the cache nearest to the core but one.
constexpr int kPieceLines = 512;

// Appends the shortest decimal that reads back to the same float.
void AppendFloat(float value, std::string* out) {
  char buffer[32];
  const std::to_chars_result result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out->append(buffer, result.ptr - buffer);
}

// Some lines on their way to output.
struct Piece {
  LineChunk chunk;
  int good_rows = 0;
  std::vector<LineFault> faults;
  std::string text;
};

// What a worker makes of the lines on the way to text: its own, so that it stays in its cache.
struct Scratch {
  Batch batch;
  Scores scores;
};

// Scores one file after another, each with one version of the model.
class FileScorer {
 public:
  using Write = std::function<absl::Status(absl::string_view text)>;

  FileScorer(std::shared_ptr<const Predictor> version, const Write& write)
      : predictor_(std::move(version)),
        threads_(ThreadsOf(predictor_->experiment().runtime().threads())),
        write_(write),
        quarantine_("", predictor_->experiment().data().max_bad_fraction()),
        pieces_(PipelineItems(threads_)),
        scratch_(threads_) {
    for (Scratch& scratch : scratch_) scratch.batch = Batch(predictor_->fields());
  }

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
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<LineReader> lines,
                            LineReader::Open(file, predictor_->schema().max_line_bytes));
    TANDEM_ASSIGN_OR_RETURN(
        const std::optional<RowParser> parser,
        OpenRowParser(predictor_->schema(), RowUse::kPredict, file, lines.get(), nullptr));
    if (!parser.has_value()) return absl::OkStatus();
    quarantine_.BeginFile(file, "");
    TANDEM_RETURN_IF_ERROR(RunPipeline(
        threads_, absl::MakeSpan(pieces_), [&](Piece* piece) { return Read(lines.get(), &piece->chunk); },
        [&](Piece* piece, int worker) { ScorePiece(*parser, piece, &scratch_[worker]); },
        [&](Piece* piece) { return WritePiece(*piece); }));
    return quarantine_.EndFile();
  }

  const Quarantine& quarantine() const { return quarantine_; }

 private:
  // False at the end of the file.
  static absl::StatusOr<bool> Read(LineReader* lines, LineChunk* chunk) {
    StageTimer timer(Stage::kRead);
    TANDEM_RETURN_IF_ERROR(lines->Read(kPieceLines, chunk));
    timer.AddUnits(chunk->text_bytes);
    return !chunk->lines.empty();
  }

  void ScorePiece(const RowParser& parser, Piece* piece, Scratch* scratch) const {
    const int lines = static_cast<int>(piece->chunk.lines.size());
    {
      StageTimer timer(Stage::kParse, lines);
      scratch->batch.Clear();
      piece->faults.clear();
      parser.ParseLines(piece->chunk, 0, lines, &scratch->batch, &piece->faults);
      piece->good_rows = scratch->batch.rows();
    }
    predictor_->Score(scratch->batch, &scratch->scores);
    StageTimer timer(Stage::kFormat, lines);
    Format(parser, scratch->scores, piece);
  }

  void Format(const RowParser& parser, const Scores& scores, Piece* piece) const {
    piece->text.clear();
    auto fault = piece->faults.begin();
    int row = 0;
    for (int line = 0; line < static_cast<int>(piece->chunk.lines.size()); ++line) {
      parser.AppendKeys(piece->chunk.lines[line], '\t', &piece->text);
      const bool good = fault == piece->faults.end() || fault->line != line;
      const auto score = [&](bool wanted, const std::vector<float>& probabilities) {
        if (!wanted) return;
        if (good) AppendFloat(probabilities[row], &piece->text);
        piece->text += '\t';
      };
      score(predictor_->has_student(), scores.student);
      score(predictor_->has_teacher(), scores.teacher);
      piece->text.back() = '\n';
      if (good) {
        ++row;
      } else {
        ++fault;
      }
    }
  }

  absl::Status WritePiece(const Piece& piece) {
    {
      StageTimer timer(Stage::kWrite, static_cast<int64_t>(piece.text.size()));
      TANDEM_RETURN_IF_ERROR(write_(piece.text));
    }
    quarantine_.GoodRows(piece.good_rows);
    for (const LineFault& fault : piece.faults) {
      TANDEM_RETURN_IF_ERROR(quarantine_.BadRow(piece.chunk.first_line + fault.line, fault.fault,
                                                fault.detail, piece.chunk.lines[fault.line]));
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

}  // namespace

absl::StatusOr<PredictedRows> PredictFiles(ServedModel* model, const std::vector<std::string>& files,
                                           const std::function<absl::Status(absl::string_view text)>& write) {
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
  return PredictedRows{scorer.quarantine().rows_read(), scorer.quarantine().rows_bad()};
}

}  // namespace tandem
