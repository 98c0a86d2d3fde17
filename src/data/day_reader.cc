#include "tandem/day_reader.h"

#include <algorithm>
#include <utility>

#include "src/util/profile.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

// Rows that are read at a time, and that one worker decodes at a time.
constexpr int kChunkRows = 8192;
constexpr int kTaskRows = DayReader::kPieceRows;

}  // namespace

struct DayReader::State {
  // What some rows of a chunk become.
  struct Piece {
    Batch rows;
    std::vector<BadRow> bad;
  };

  State(FileSystem& fs, const SampleFormat& format, const Schema& schema, RowUse use,
        std::vector<std::string> files, Quarantine* quarantine, Workers* workers)
      : fs(fs),
        format(format),
        schema(schema),
        use(use),
        files(std::move(files)),
        quarantine(quarantine),
        workers(workers) {}

  absl::StatusOr<bool> DecodeChunk();
  absl::StatusOr<bool> OpenNext();
  void DecodePiece(int task);
  absl::Status SetAside(const BadRow& bad);

  FileSystem& fs;
  const SampleFormat& format;
  const Schema& schema;
  const RowUse use;
  const std::vector<std::string> files;
  Quarantine* const quarantine;
  Workers* const workers;
  size_t next_file = 0;
  std::unique_ptr<SampleFile> file;
  std::unique_ptr<const RowDecoder> decoder;
  RawRows chunk;
  std::string bad_row;        // with its end
  std::vector<Piece> pieces;  // of the last chunk...
  int tasks = 0;              // ...which are so many
  // What blocks have taken of them: whole pieces, and rows of the next one.
  int taken_pieces = 0;
  int taken_rows = 0;
};

DayReader::DayReader(FileSystem& fs, const SampleFormat& format, const Schema& schema, RowUse use,
                     std::vector<std::string> files, Quarantine* quarantine, Workers* workers)
    : state_(std::make_unique<State>(fs, format, schema, use, std::move(files), quarantine, workers)) {}

DayReader::~DayReader() = default;

// Opens the next file that has rows; false when there is none left.
absl::StatusOr<bool> DayReader::State::OpenNext() {
  while (next_file < files.size()) {
    const std::string& path = files[next_file++];
    TANDEM_ASSIGN_OR_RETURN(file, format.Open(fs, path));
    if (!file->head().has_value()) continue;
    TANDEM_ASSIGN_OR_RETURN(decoder, format.MakeDecoder(schema, {use}, *file->head(), path));
    if (quarantine == nullptr) return true;
    std::string head;
    if (format.has_head()) format.framing().Append(*file->head(), &head);
    TANDEM_RETURN_IF_ERROR(quarantine->BeginFile(path, head));
    return true;
  }
  file = nullptr;
  return false;
}

void DayReader::State::DecodePiece(int task) {
  Piece& piece = pieces[task];
  StageTimer timer(Stage::kParse);
  piece.rows.Clear();
  piece.bad.clear();
  const int end = std::min(static_cast<int>(chunk.rows.size()), (task + 1) * kTaskRows);
  decoder->DecodeRows(chunk, task * kTaskRows, end, &piece.rows, &piece.bad);
  timer.AddUnits(piece.rows.rows());
}

absl::Status DayReader::State::SetAside(const BadRow& bad) {
  bad_row.clear();
  format.framing().Append(chunk.rows[bad.row], &bad_row);
  return quarantine->BadRow(chunk.Number(bad.row), bad.fault, bad.detail, bad_row);
}

// Replaces the pieces by those of the next chunk of rows; false at the end of the day.
absl::StatusOr<bool> DayReader::State::DecodeChunk() {
  tasks = 0;
  taken_pieces = 0;
  taken_rows = 0;
  for (;;) {
    if (file == nullptr) {
      TANDEM_ASSIGN_OR_RETURN(const bool opened, OpenNext());
      if (!opened) return false;
    }
    {
      StageTimer timer(Stage::kRead);
      TANDEM_RETURN_IF_ERROR(file->Read(kChunkRows, &chunk));
      timer.AddUnits(chunk.file_bytes);
    }
    if (!chunk.rows.empty()) break;
    file = nullptr;
    if (quarantine != nullptr) TANDEM_RETURN_IF_ERROR(quarantine->EndFile());
  }
  tasks = (static_cast<int>(chunk.rows.size()) + kTaskRows - 1) / kTaskRows;
  while (static_cast<int>(pieces.size()) < tasks)
    pieces.push_back({Batch(static_cast<int>(schema.fields().size())), {}});
  if (workers != nullptr) {
    workers->ForEach(tasks, [this](int task, int /*worker*/) { DecodePiece(task); });
  } else {
    for (int task = 0; task < tasks; ++task) DecodePiece(task);
  }
  for (int task = 0; task < tasks; ++task) {
    if (quarantine == nullptr) continue;
    quarantine->GoodRows(pieces[task].rows.rows());
    for (const BadRow& bad : pieces[task].bad) TANDEM_RETURN_IF_ERROR(SetAside(bad));
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
      TANDEM_ASSIGN_OR_RETURN(const bool more, state.DecodeChunk());
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
