// tandem predict: scores files, rows in input order, in bounded memory.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "config/experiment.pb.h"
#include "src/serve/serving_tables.h"
#include "src/train/model_costs.h"
#include "src/util/links.h"
#include "src/util/pipeline.h"
#include "tandem/predictor.h"
#include "tandem/reader.h"
#include "tandem/status.h"
#include "tandem/threads.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/profile_flag.h"

DEFINE_string(tower, "student", "student, teacher or both: the columns of the output.");

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

class FilePredictor {
 public:
  FilePredictor(const Predictor& predictor, int threads, Output* output)
      : predictor_(&predictor),
        threads_(threads),
        output_(*output),
        quarantine_("", predictor.experiment().data().max_bad_fraction()),
        pieces_(PipelineItems(threads)),
        scratch_(threads) {
    for (Scratch& scratch : scratch_) scratch.batch = Batch(predictor.fields());
  }

  // From the next file on; the columns stay.
  absl::Status Use(const Predictor& predictor) {
    if (predictor.fields() != predictor_->fields() ||
        predictor.schema().key_columns != predictor_->schema().key_columns ||
        predictor.has_teacher() != predictor_->has_teacher() ||
        predictor.has_student() != predictor_->has_student()) {
      return ConfigError("--model: ", predictor.directory(),
                         ", published meanwhile, scores other columns than ", predictor_->directory(),
                         "; start anew");
    }
    predictor_ = &predictor;
    return absl::OkStatus();
  }

  absl::Status Header() {
    std::vector<std::string> columns = predictor_->schema().key_columns;
    if (predictor_->has_student()) columns.push_back("student");
    if (predictor_->has_teacher()) columns.push_back("teacher");
    return output_.Write(absl::StrJoin(columns, "\t") + "\n");
  }

  absl::Status Predict(const std::string& file) {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<LineReader> lines,
                            LineReader::Open(file, predictor_->schema().max_line_bytes));
    TANDEM_ASSIGN_OR_RETURN(
        const std::optional<RowParser> parser,
        OpenRowParser(predictor_->schema(), RowUse::kPredict, file, lines.get(), nullptr));
    if (!parser.has_value()) return absl::OkStatus();
    quarantine_.BeginFile(file, "");
    TANDEM_RETURN_IF_ERROR(RunPipeline(
        threads_, absl::MakeSpan(pieces_), [&](Piece* piece) { return Read(lines.get(), &piece->chunk); },
        [&](Piece* piece, int worker) { Score(*parser, piece, &scratch_[worker]); },
        [&](Piece* piece) { return Write(*piece); }));
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

  void Score(const RowParser& parser, Piece* piece, Scratch* scratch) const {
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

  absl::Status Write(const Piece& piece) {
    {
      StageTimer timer(Stage::kWrite, static_cast<int64_t>(piece.text.size()));
      TANDEM_RETURN_IF_ERROR(output_.Write(piece.text));
    }
    quarantine_.GoodRows(piece.good_rows);
    for (const LineFault& fault : piece.faults) {
      TANDEM_RETURN_IF_ERROR(quarantine_.BadRow(piece.chunk.first_line + fault.line, fault.fault,
                                                fault.detail, piece.chunk.lines[fault.line]));
    }
    return quarantine_.JudgeSoFar();
  }

  const Predictor* predictor_;
  const int threads_;
  Output& output_;
  Quarantine quarantine_;
  std::vector<Piece> pieces_;
  std::vector<Scratch> scratch_;  // a worker
};

absl::StatusOr<TowerChoice> ChosenTower() {
  if (FLAGS_tower == "student") return TowerChoice::kStudent;
  if (FLAGS_tower == "teacher") return TowerChoice::kTeacher;
  if (FLAGS_tower == "both") return TowerChoice::kBoth;
  return ConfigError("--tower=", FLAGS_tower, ": 'student', 'teacher' or 'both'");
}

// The model that --model names or, a link, leads to now, and its path. What a link has moved away from may be
// gone before it is read.
absl::StatusOr<std::unique_ptr<Predictor>> LoadCurrent(const PredictorOptions& options,
                                                       std::string* followed) {
  for (;;) {
    *followed = FollowLink(FLAGS_model);
    absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Load(FLAGS_model, options);
    if (predictor.ok() || FollowLink(FLAGS_model) == *followed) return predictor;
  }
}

// What a bundle's tables cost, and its student: in low precision that has no share of a peak in float32.
void SetServingCosts(const Predictor& predictor, Profile* profile) {
  constexpr double kLine = 64;
  const ServingTables& tables = *predictor.tables();
  const double row = static_cast<double>(tables.weight_bytes()) / static_cast<double>(tables.rows());
  const double x = static_cast<double>(predictor.fields()) * predictor.model().embedding().dim();
  profile->SetCost(Stage::kGather,
                   {2 * x, predictor.fields() * kLine * std::ceil(row / kLine) + x * sizeof(float)});
  if (tables.precision() != Precision::kF32) profile->SetCost(Stage::kStudentForward, {0, 0});
}

absl::StatusOr<int> RunPredict(const Invocation& invocation) {
  PredictorOptions options;
  TANDEM_ASSIGN_OR_RETURN(options.towers, ChosenTower());
  options.data_overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  std::string followed;
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Predictor> predictor, LoadCurrent(options, &followed));
  if (options.towers == TowerChoice::kBoth && !(predictor->has_teacher() && predictor->has_student())) {
    return ConfigError("--tower=both: ", predictor->directory(), " has a ",
                       predictor->has_teacher() ? "teacher" : "student", " only");
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, FindFiles(FLAGS_input));
  TANDEM_RETURN_IF_ERROR(CheckOutputFile(files, FLAGS_output));
  const int threads = ThreadsOf(predictor->experiment().runtime().threads());
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  const std::unique_ptr<Profile> profile =
      StartProfile(ProfiledCommand::kPredict, threads, predictor->model().kernels());
  if (profile != nullptr) {
    SetModelCosts(predictor->model(), TrainedParts::kAll, profile.get());
    if (predictor->tables() != nullptr) SetServingCosts(*predictor, profile.get());
  }
  FilePredictor file_predictor(*predictor, threads, &output);
  TANDEM_RETURN_IF_ERROR(file_predictor.Header());
  for (const std::string& file : files) {
    if (FollowLink(FLAGS_model) != followed) {
      TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Predictor> published, LoadCurrent(options, &followed));
      TANDEM_RETURN_IF_ERROR(file_predictor.Use(*published));
      predictor = std::move(published);
      LOG(INFO) << file << " and what follows is scored by " << predictor->directory();
    }
    TANDEM_RETURN_IF_ERROR(file_predictor.Predict(file));
  }
  {
    StageTimer timer(Stage::kWrite);
    TANDEM_RETURN_IF_ERROR(output.Finish());
  }
  if (profile != nullptr) std::fputs(profile->Table().c_str(), stderr);
  const Quarantine& quarantine = file_predictor.quarantine();
  LOG(INFO) << quarantine.rows_read() << " rows, " << quarantine.rows_bad()
            << " of them malformed and without a score";
  return kExitDone;
}

}  // namespace

Command PredictCommand() {
  return {"predict",
          "scores samples with a model, rows in input order",
          "  tandem predict --model=bundle --input='logs/2000-12-02.tsv.gz' --output=scores.tsv\n\n"
          "Writes TSV with a header: data.key_columns, then a click probability a tower. A malformed row "
          "keeps its place with "
          "an empty\nscore; more than data.max_bad_fraction of a file is an error. Labels are not needed.\n"
          "A --model that is a link (RUN/published) is followed anew before every file.",
          {"model", "input", "output", "tower", "kernels", "profile"},
          {"model", "input"},
          {"data.", "runtime."},
          RunPredict};
}

}  // namespace tandem
