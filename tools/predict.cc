// tandem predict: scores files, rows in input order, in bounded memory.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "config/experiment.pb.h"
#include "src/train/model_costs.h"
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

// Lines that are read at a time, and that a worker takes at a time.
constexpr int kChunkLines = 16384;
constexpr int kTaskLines = 512;

// Appends the shortest decimal that reads back to the same float.
void AppendFloat(float value, std::string* out) {
  char buffer[32];
  const std::to_chars_result result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out->append(buffer, result.ptr - buffer);
}

// One piece of a chunk on its way from lines to output.
struct Piece {
  struct Fault {
    int line;  // of the chunk
    RowFault fault;
    std::string detail;
  };
  Batch batch;
  std::vector<bool> good;
  std::vector<Fault> faults;
  Scores scores;
  std::string text;
};

class FilePredictor {
 public:
  FilePredictor(const Predictor& predictor, Workers* workers, Output* output)
      : predictor_(predictor),
        workers_(*workers),
        output_(*output),
        quarantine_("", predictor.experiment().data().max_bad_fraction()) {}

  absl::Status Header() {
    std::vector<std::string> columns = predictor_.schema().key_columns;
    if (predictor_.has_student()) columns.push_back("student");
    if (predictor_.has_teacher()) columns.push_back("teacher");
    return output_.Write(absl::StrJoin(columns, "\t") + "\n");
  }

  // Reading the next chunk overlaps with scoring this one.
  absl::Status Predict(const std::string& file) {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<LineReader> lines,
                            LineReader::Open(file, predictor_.schema().max_line_bytes));
    TANDEM_ASSIGN_OR_RETURN(const std::optional<RowParser> parser,
                            OpenRowParser(predictor_.schema(), RowUse::kPredict, file, lines.get(), nullptr));
    if (!parser.has_value()) return absl::OkStatus();
    quarantine_.BeginFile(file, "");
    LineChunk chunks[2];
    TANDEM_RETURN_IF_ERROR(ReadChunk(lines.get(), &chunks[0]));
    for (int current = 0; !chunks[current].lines.empty(); current = 1 - current) {
      LineChunk& next = chunks[1 - current];
      std::future<absl::Status> reading =
          std::async(std::launch::async, [&] { return ReadChunk(lines.get(), &next); });
      const absl::Status written = PredictChunk(*parser, chunks[current]);
      {
        StageTimer timer(Stage::kWaitForInput);
        TANDEM_RETURN_IF_ERROR(reading.get());
      }
      TANDEM_RETURN_IF_ERROR(written);
    }
    return quarantine_.EndFile();
  }

  const Quarantine& quarantine() const { return quarantine_; }

 private:
  static absl::Status ReadChunk(LineReader* lines, LineChunk* chunk) {
    StageTimer timer(Stage::kRead);
    const absl::Status status = lines->Read(kChunkLines, chunk);
    timer.AddUnits(static_cast<int64_t>(chunk->bytes.size()));
    return status;
  }

  absl::Status PredictChunk(const RowParser& parser, const LineChunk& chunk) {
    const int lines = static_cast<int>(chunk.lines.size());
    const int tasks = (lines + kTaskLines - 1) / kTaskLines;
    while (static_cast<int>(pieces_.size()) < tasks)
      pieces_.emplace_back().batch = Batch(predictor_.fields());
    {
      StageTimer timer(Stage::kShards);
      workers_.ForEach(tasks, [&](int task, int /*worker*/) {
        PredictPiece(parser, chunk, task * kTaskLines, std::min(lines, (task + 1) * kTaskLines),
                     &pieces_[task]);
      });
    }
    for (int task = 0; task < tasks; ++task) {
      const Piece& piece = pieces_[task];
      {
        StageTimer timer(Stage::kWrite, static_cast<int64_t>(piece.text.size()));
        TANDEM_RETURN_IF_ERROR(output_.Write(piece.text));
      }
      quarantine_.GoodRows(piece.batch.rows());
      for (const Piece::Fault& fault : piece.faults) {
        TANDEM_RETURN_IF_ERROR(quarantine_.BadRow(chunk.first_line + fault.line, fault.fault, fault.detail,
                                                  chunk.lines[fault.line]));
      }
    }
    return absl::OkStatus();
  }

  void PredictPiece(const RowParser& parser, const LineChunk& chunk, int begin, int end, Piece* piece) const {
    piece->batch.Clear();
    piece->good.clear();
    piece->faults.clear();
    piece->text.clear();
    ParsePiece(parser, chunk, begin, end, piece);
    predictor_.Score(piece->batch, &piece->scores);
    FormatPiece(parser, chunk, begin, end, piece);
  }

  static void ParsePiece(const RowParser& parser, const LineChunk& chunk, int begin, int end, Piece* piece) {
    StageTimer timer(Stage::kParse, end - begin);
    std::string detail;
    for (int line = begin; line < end; ++line) {
      RowFault fault = RowFault::kLineTooLong;
      if (chunk.too_long[line]) {
        detail = "a line of more than data.max_line_bytes";
      } else {
        fault = parser.Parse(chunk.lines[line], &piece->batch, &detail);
      }
      piece->good.push_back(fault == RowFault::kNone);
      if (fault != RowFault::kNone) piece->faults.push_back({line, fault, detail});
    }
  }

  void FormatPiece(const RowParser& parser, const LineChunk& chunk, int begin, int end, Piece* piece) const {
    StageTimer timer(Stage::kFormat, end - begin);
    int row = 0;
    for (int line = begin; line < end; ++line) {
      parser.AppendKeys(chunk.lines[line], '\t', &piece->text);
      const bool good = piece->good[line - begin];
      const auto score = [&](bool wanted, const std::vector<float>& scores) {
        if (!wanted) return;
        if (good) AppendFloat(scores[row], &piece->text);
        piece->text += '\t';
      };
      score(predictor_.has_student(), piece->scores.student);
      score(predictor_.has_teacher(), piece->scores.teacher);
      piece->text.back() = '\n';
      if (good) ++row;
    }
  }

  const Predictor& predictor_;
  Workers& workers_;
  Output& output_;
  Quarantine quarantine_;
  std::vector<Piece> pieces_;
};

absl::StatusOr<TowerChoice> ChosenTower() {
  if (FLAGS_tower == "student") return TowerChoice::kStudent;
  if (FLAGS_tower == "teacher") return TowerChoice::kTeacher;
  if (FLAGS_tower == "both") return TowerChoice::kBoth;
  return ConfigError("--tower=", FLAGS_tower, ": 'student', 'teacher' or 'both'");
}

absl::StatusOr<int> RunPredict(const Invocation& invocation) {
  PredictorOptions options;
  TANDEM_ASSIGN_OR_RETURN(options.towers, ChosenTower());
  options.data_overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> predictor, Predictor::Load(FLAGS_model, options));
  if (options.towers == TowerChoice::kBoth && !(predictor->has_teacher() && predictor->has_student())) {
    return ConfigError("--tower=both: ", predictor->directory(), " has a ",
                       predictor->has_teacher() ? "teacher" : "student", " only");
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, FindFiles(FLAGS_input));
  TANDEM_RETURN_IF_ERROR(CheckOutputIsNoInput(files, FLAGS_output));
  Workers workers(predictor->experiment().runtime().threads());
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  const std::unique_ptr<Profile> profile =
      StartProfile(ProfiledCommand::kPredict, workers.size(), predictor->model().kernels());
  if (profile != nullptr) SetModelCosts(predictor->model(), TrainedParts::kAll, profile.get());
  FilePredictor file_predictor(*predictor, &workers, &output);
  TANDEM_RETURN_IF_ERROR(file_predictor.Header());
  for (const std::string& file : files) TANDEM_RETURN_IF_ERROR(file_predictor.Predict(file));
  TANDEM_RETURN_IF_ERROR(output.Finish());
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
          "an empty\nscore; more than data.max_bad_fraction of a file is an error. Labels are not needed.",
          {"model", "input", "output", "tower", "kernels", "profile"},
          {"model", "input"},
          {"data.", "runtime."},
          RunPredict};
}

}  // namespace tandem
