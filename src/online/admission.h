// From a stream's raw rows to rows to learn from. What a row is, its format says.
//
//   Admission admission(experiment, schema, fs, "run/quarantine", "clicks.tsv", &state);
//   ... admission.ReadHead(reader, wait_seconds) until it gives kRow ...
//   TANDEM_RETURN_IF_ERROR(admission.Resume());
//   TANDEM_ASSIGN_OR_RETURN(std::optional<WaitingRow> row, admission.Admit(raw));
//   TANDEM_ASSIGN_OR_RETURN(const Batch* sample, admission.Sample(*row));
//
// A raw row is malformed (it goes to the quarantine), from before the base's cut, without a label, or a row.
// Each is counted. The first row of each day is noted, so that a new base finds the place where its own days
// end.
//
// In the run's state it reads `cut`, and keeps rows_before_cut, rows_unlabelled, day_start and what the
// quarantine keeps. Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_ADMISSION_H_
#define TANDEM_SRC_ONLINE_ADMISSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "src/online/label_queue.h"
#include "src/online/stream_quarantine.h"
#include "src/online/stream_reader.h"
#include "tandem/batch.h"
#include "tandem/file_system.h"
#include "tandem/sample_format.h"
#include "tandem/schema.h"

namespace tandem {

namespace proto {
class Experiment;
class OnlineState;
}  // namespace proto

class Admission {
 public:
  // `experiment`, `schema`, `fs` and `state` outlive it. `input`: the stream's file, or "-".
  Admission(const proto::Experiment& experiment, const Schema& schema, FileSystem& fs,
            const std::string& quarantine, const std::string& input, proto::OnlineState* state);

  // Whether the stream begins with a head.
  bool has_head() const { return format_->has_head(); }
  // Of the stream.
  const SampleFormat& format() const { return *format_; }
  // Finds the columns, in the stream's first row where it has a head. kRow: found; kWait: that row isn't
  // there yet; kEnd: it will never be. A column that is needed and isn't there is a DataError.
  absl::StatusOr<StreamReader::Event> ReadHead(StreamReader* reader, double wait_seconds);
  // The quarantine goes on where the state left it. Once the columns are found.
  absl::Status Resume();

  // nullopt: it is no row to learn from. A DataError when too many rows are malformed.
  absl::StatusOr<std::optional<WaitingRow>> Admit(const StreamRow& raw);
  // What Admit does to a row that comes from a checkpoint: says which rows it shares its clicks with.
  void Readmit(WaitingRow* row) const;
  // The row as a sample, with the label that it has by now; valid until the next call of any of these. A
  // ModelError for a row that Admit wouldn't have let in.
  absl::StatusOr<const Batch*> Sample(const WaitingRow& row);

  // The stream is over: judges the malformed rows since the last judgement.
  absl::Status Finish() { return quarantine_.Judge(); }
  // On return what was set aside is on the device.
  absl::Status Sync() { return quarantine_.Sync(); }

 private:
  absl::Status MakeDecoder();
  // Into parsed_, or into detail_ why not.
  RowFault Decode(const StreamRow& raw);
  // The time of a row, or what is wrong with it.
  absl::StatusOr<double> TimeOf(absl::string_view row) const;
  void NoteDay(double time, const StreamRow& raw);
  uint64_t KeyOf(absl::string_view row) const;

  const std::string time_column_;
  const bool joins_clicks_;
  const std::unique_ptr<const SampleFormat> format_;
  const Schema& schema_;
  const std::string input_;
  proto::OnlineState& state_;
  StreamQuarantine quarantine_;
  std::string head_;
  std::unique_ptr<const RowDecoder> decoder_;
  Batch parsed_;  // one row
  std::string detail_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_ADMISSION_H_
