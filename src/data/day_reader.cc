#include <algorithm>
#include <utility>

#include "src/util/profile.h"
#include "tandem/reader.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

// Lines that are read at a time, and that one worker parses at a time.
constexpr int kChunkLines = 8192;
constexpr int kTaskLines = DayReader::kPieceRows;

}  // namespace

struct DayReader::State {
  // Rows and faults of some lines of a chunk.
  struct Piece {
    Batch rows;
    std::vector<LineFault> faults;
  };

  State(const Schema& schema, RowUse use, std::vector<std::string> files, Quarantine* quarantine,
        Workers* workers)
      : schema(schema), use(use), files(std::move(files)), quarantine(quarantine), workers(workers) {}

  absl::StatusOr<bool> ParseChunk();
  absl::StatusOr<bool> OpenNext();
  void ParsePiece(int task);

  const Schema& schema;
  const RowUse use;
  const std::vector<std::string> files;
  Quarantine* const quarantine;
  Workers* const workers;
  size_t next_file = 0;
  std::unique_ptr<LineReader> lines;
  std::optional<RowParser> parser;
  LineChunk chunk;
  std::vector<Piece> pieces;  // of the last chunk...
  int tasks = 0;              // ...which are so many
  // What blocks have taken of them: whole pieces, and rows of the next one.
  int taken_pieces = 0;
  int taken_rows = 0;
};

DayReader::DayReader(const Schema& schema, RowUse use, std::vector<std::string> files, Quarantine* quarantine,
                     Workers* workers)
    : state_(std::make_unique<State>(schema, use, std::move(files), quarantine, workers)) {}

DayReader::~DayReader() = default;

// Opens the next file that has a line; false when there is none left.
absl::StatusOr<bool> DayReader::State::OpenNext() {
  while (next_file < files.size()) {
    const std::string& file = files[next_file++];
    TANDEM_ASSIGN_OR_RETURN(lines, LineReader::Open(file, schema.max_line_bytes));
    std::string header;
    TANDEM_ASSIGN_OR_RETURN(parser, OpenRowParser(schema, use, file, lines.get(), &header));
    if (!parser.has_value()) continue;
    if (quarantine != nullptr) quarantine->BeginFile(file, header);
    return true;
  }
  lines = nullptr;
  return false;
}

void DayReader::State::ParsePiece(int task) {
  Piece& piece = pieces[task];
  StageTimer timer(Stage::kParse);
  piece.rows.Clear();
  piece.faults.clear();
  const int end = std::min(static_cast<int>(chunk.lines.size()), (task + 1) * kTaskLines);
  parser->ParseLines(chunk, task * kTaskLines, end, &piece.rows, &piece.faults);
  timer.AddUnits(piece.rows.rows());
}

// Replaces the pieces by those of the next chunk of lines; false at the end of the day.
absl::StatusOr<bool> DayReader::State::ParseChunk() {
  tasks = 0;
  taken_pieces = 0;
  taken_rows = 0;
  for (;;) {
    if (lines == nullptr) {
      TANDEM_ASSIGN_OR_RETURN(const bool opened, OpenNext());
      if (!opened) return false;
    }
    {
      StageTimer timer(Stage::kRead);
      TANDEM_RETURN_IF_ERROR(lines->Read(kChunkLines, &chunk));
      timer.AddUnits(chunk.text_bytes);
    }
    if (!chunk.lines.empty()) break;
    lines = nullptr;
    if (quarantine != nullptr) TANDEM_RETURN_IF_ERROR(quarantine->EndFile());
  }
  tasks = (static_cast<int>(chunk.lines.size()) + kTaskLines - 1) / kTaskLines;
  while (static_cast<int>(pieces.size()) < tasks)
    pieces.push_back({Batch(static_cast<int>(schema.fields().size())), {}});
  if (workers != nullptr) {
    workers->ForEach(tasks, [this](int task, int /*worker*/) { ParsePiece(task); });
  } else {
    for (int task = 0; task < tasks; ++task) ParsePiece(task);
  }
  for (int task = 0; task < tasks; ++task) {
    if (quarantine == nullptr) continue;
    quarantine->GoodRows(pieces[task].rows.rows());
    for (const LineFault& fault : pieces[task].faults) {
      TANDEM_RETURN_IF_ERROR(quarantine->BadRow(chunk.first_line + fault.line, fault.fault, fault.detail,
                                                chunk.lines[fault.line]));
    }
    TANDEM_RETURN_IF_ERROR(quarantine->JudgeSoFar());
  }
  return true;
}

absl::StatusOr<bool> DayReader::ReadBlock(int max_rows, Batch* block) {
  State& state = *state_;
  block->fields.resize(state.schema.fields().size());
  block->Clear();
  while (block->rows() < max_rows) {
    if (state.taken_pieces == state.tasks) {
      TANDEM_ASSIGN_OR_RETURN(const bool more, state.ParseChunk());
      if (!more) break;
    }
    Batch& piece = state.pieces[state.taken_pieces].rows;
    const int rows = std::min(piece.rows() - state.taken_rows, max_rows - block->rows());
    if (rows == max_rows && rows == piece.rows()) {
      std::swap(*block, piece);
    } else {
      block->AppendRows(piece, state.taken_rows, state.taken_rows + rows);
    }
    state.taken_rows += rows;
    if (state.taken_rows >= piece.rows()) {
      ++state.taken_pieces;
      state.taken_rows = 0;
    }
  }
  return block->rows() > 0;
}

}  // namespace tandem
