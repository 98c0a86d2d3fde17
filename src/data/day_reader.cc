#include "tandem/day_reader.h"

#include <algorithm>
#include <utility>

#include "src/data/held_out.h"
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
    int64_t held_out = 0;
    HeldOutRows split;
  };

  State(FileSystem& fs, const SampleFormat& format, const Schema& schema, RowUse use,
        std::vector<std::string> files, Quarantine* quarantine, Workers* workers, const RowChoice& choice)
      : fs(fs),
        format(format),
        schema(choice.rows == RowChoice::kAll ? schema : WithSplitKeys(schema)),
        use(use),
        choice(choice),
        files(std::move(files)),
        quarantine(quarantine),
        workers(workers) {}

  absl::StatusOr<bool> DecodeChunk();
  absl::StatusOr<bool> OpenNext();
  void DecodePiece(int task);
  absl::Status SetAside(const BadRow& bad);

  FileSystem& fs;
  const SampleFormat& format;
  const Schema schema;
  const RowUse use;
  const RowChoice choice;
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
  int64_t held_out = 0;
};

DayReader::DayReader(FileSystem& fs, const SampleFormat& format, const Schema& schema, RowUse use,
                     std::vector<std::string> files, Quarantine* quarantine, Workers* workers,
                     const RowChoice& choice)
    : state_(
          std::make_unique<State>(fs, format, schema, use, std::move(files), quarantine, workers, choice)) {}

DayReader::~DayReader() = default;

int64_t DayReader::held_out() const { return state_->held_out; }

// Opens the next file that has rows; false when there is none left.
absl::StatusOr<bool> DayReader::State::OpenNext() {
  while (next_file < files.size()) {
    const std::string& path = files[next_file++];
    TANDEM_ASSIGN_OR_RETURN(file, format.Open(fs, path));
    if (!file->head().has_value()) continue;
    const bool keys = choice.rows != RowChoice::kAll && !schema.key_columns.empty();
    TANDEM_ASSIGN_OR_RETURN(decoder, format.MakeDecoder(schema, {use, keys}, *file->head(), path));
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
  const int begin = task * kTaskRows, end = std::min(static_cast<int>(chunk.rows.size()), begin + kTaskRows);
  const bool by_keys = !schema.key_columns.empty();
  if (choice.rows == RowChoice::kHeldOut) {
    piece.split.Decode(*decoder, by_keys, choice, chunk, begin, end, &piece.rows, &piece.bad);
  } else {
    decoder->DecodeRows(chunk, begin, end, &piece.rows, &piece.bad);
    timer.AddUnits(piece.rows.rows());
  }
  if (choice.rows != RowChoice::kLearned) return;
  piece.held_out = piece.split.Remove(*decoder, by_keys, choice, chunk, begin, end, piece.bad, &piece.rows);
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
    pieces.emplace_back().rows.fields.resize(schema.fields().size());
  if (workers != nullptr) {
    workers->ForEach(tasks, [this](int task, int /*worker*/) { DecodePiece(task); });
  } else {
    for (int task = 0; task < tasks; ++task) DecodePiece(task);
  }
  for (int task = 0; task < tasks; ++task) {
    held_out += pieces[task].held_out;
    if (quarantine == nullptr) continue;
    quarantine->GoodRows(pieces[task].rows.rows() + pieces[task].held_out);
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
