#include "src/online/stream_file.h"

#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "src/config/stored_experiment.h"
#include "src/online/stream_state.h"
#include "tandem/records.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kRowsPerRecord = 4096;

absl::Status Malformed(const std::string& path) {
  return ModelError(path, ": a stream's state of another version, or damaged. Nothing was loaded.");
}

absl::StatusOr<proto::OnlineState> NextState(const std::string& path, RecordReader* reader) {
  TANDEM_ASSIGN_OR_RETURN(const absl::string_view record, reader->Next());
  proto::OnlineState state;
  if (!ParseStrictly(record, &state)) return Malformed(path);
  TANDEM_RETURN_IF_ERROR(CheckStreamState(state, path));
  return state;
}

}  // namespace

absl::Status WriteStreamFile(FileSystem& fs, const std::string& path, proto::OnlineState state,
                             const std::vector<WaitingRow>& at_hand, const std::deque<WaitingRow>& waiting) {
  state.set_batch_rows(static_cast<int64_t>(at_hand.size()));
  state.set_waiting_rows(static_cast<int64_t>(waiting.size()));
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> writer, RecordWriter::Create(fs, path));
  TANDEM_RETURN_IF_ERROR(writer->Append(state.SerializeAsString()));
  proto::StreamRows rows;
  const auto flush = [&]() -> absl::Status {
    if (rows.row_size() == 0) return absl::OkStatus();
    absl::Status written = writer->Append(rows.SerializeAsString());
    rows.Clear();
    return written;
  };
  const auto add = [&](const WaitingRow& row) -> absl::Status {
    proto::StreamRows::Row& added = *rows.add_row();
    added.set_raw(row.raw);
    added.set_time(row.time);
    added.set_positive(row.positive);
    return rows.row_size() < kRowsPerRecord ? absl::OkStatus() : flush();
  };
  for (const WaitingRow& row : at_hand) TANDEM_RETURN_IF_ERROR(add(row));
  for (const WaitingRow& row : waiting) TANDEM_RETURN_IF_ERROR(add(row));
  TANDEM_RETURN_IF_ERROR(flush());
  return writer->Close();
}

absl::StatusOr<StreamFile> ReadStreamFile(FileSystem& fs, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordReader> reader, RecordReader::Open(fs, path));
  StreamFile file;
  TANDEM_ASSIGN_OR_RETURN(file.state, NextState(path, reader.get()));
  const int64_t at_hand = file.state.batch_rows();
  for (int64_t left = at_hand + file.state.waiting_rows(); left > 0;) {
    TANDEM_ASSIGN_OR_RETURN(const absl::string_view record, reader->Next());
    proto::StreamRows rows;
    if (!ParseStrictly(record, &rows)) return Malformed(path);
    left -= rows.row_size();
    if (rows.row_size() == 0 || left < 0) return Malformed(path);
    for (proto::StreamRows::Row& row : *rows.mutable_row()) {
      if (!std::isfinite(row.time())) return Malformed(path);
      auto& to = static_cast<int64_t>(file.at_hand.size()) < at_hand ? file.at_hand : file.waiting;
      to.push_back({std::move(*row.mutable_raw()), row.time(), row.positive(), 0});
    }
  }
  TANDEM_RETURN_IF_ERROR(reader->ExpectEnd());
  return file;
}

absl::StatusOr<proto::OnlineState> ReadStreamState(FileSystem& fs, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordReader> reader, RecordReader::Open(fs, path));
  return NextState(path, reader.get());
}

}  // namespace tandem
