#include "src/online/admission.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/data/id_hash.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr double kSecondsADay = 86400;
// Seconds since 1970 that no sample has: such a time is in milliseconds.
constexpr double kLatestTime = 1e11;

}  // namespace

Admission::Admission(const proto::Experiment& experiment, const Schema& schema, FileSystem& fs,
                     const std::string& quarantine, const std::string& input, proto::OnlineState* state)
    : time_column_(experiment.online().time_column()),
      joins_clicks_(experiment.online().label_delay() > 0),
      format_(MakeSampleFormat(experiment.data())),
      schema_(schema),
      input_(input),
      state_(*state),
      quarantine_(fs, quarantine, input, experiment.data().max_bad_fraction()),
      parsed_(static_cast<int>(schema.fields().size())) {}

absl::StatusOr<StreamReader::Event> Admission::ReadHeader(StreamReader* reader, double wait_seconds) {
  header_.clear();
  decoder_.reset();
  if (has_header()) {
    StreamLine line;
    TANDEM_ASSIGN_OR_RETURN(const StreamReader::Event event, reader->Next(wait_seconds, &line));
    if (event != StreamReader::Event::kLine) return event;
    // Blank lines before it.
    if (line.text.empty() && !line.too_long) return ReadHeader(reader, wait_seconds);
    header_ = std::string(line.text);
  }
  TANDEM_RETURN_IF_ERROR(MakeDecoder());
  return StreamReader::Event::kLine;
}

absl::Status Admission::MakeDecoder() {
  const RowNeeds needs{RowUse::kTrain, /*keys=*/joins_clicks_, time_column_};
  TANDEM_ASSIGN_OR_RETURN(decoder_, format_->MakeDecoder(schema_, needs, header_, input_));
  return absl::OkStatus();
}

absl::Status Admission::Resume() {
  std::string head;
  if (has_header()) format_->framing().Append(header_, &head);
  return quarantine_.Resume(head, &state_);
}

absl::StatusOr<std::optional<WaitingRow>> Admission::Admit(const StreamLine& line) {
  const auto set_aside = [&](RowFault fault,
                             absl::string_view detail) -> absl::StatusOr<std::optional<WaitingRow>> {
    std::string row;
    format_->framing().Append(line.text, &row);
    TANDEM_RETURN_IF_ERROR(quarantine_.BadRow(line.number, fault, detail, row));
    return std::nullopt;
  };
  if (line.too_long)
    return set_aside(RowFault::kLineTooLong,
                     absl::StrCat("longer than ", format_->max_row_bytes(), " bytes (max_line_bytes)"));
  parsed_.Clear();
  const RowFault fault = decoder_->Decode(line.text, &parsed_, &detail_);
  if (fault != RowFault::kNone) return set_aside(fault, detail_);
  WaitingRow row;
  if (!time_column_.empty()) {
    const absl::StatusOr<double> time = TimeOf(line.text);
    if (!time.ok()) return set_aside(RowFault::kNumber, time.status().message());
    row.time = *time;
    NoteDay(row.time, line);
    if (state_.has_cut() && row.time < state_.cut()) {
      state_.set_rows_before_cut(state_.rows_before_cut() + 1);
      return std::nullopt;
    }
  }
  if (!parsed_.labelled()) {
    state_.set_rows_unlabelled(state_.rows_unlabelled() + 1);
    return std::nullopt;
  }
  TANDEM_RETURN_IF_ERROR(quarantine_.GoodRow());
  row.line = std::string(line.text);
  row.positive = parsed_.labels[0] > 0;
  if (joins_clicks_) row.key = KeyOf(line.text);
  return row;
}

absl::StatusOr<double> Admission::TimeOf(absl::string_view line) const {
  double time = 0;
  if (decoder_->Time(line, &time) != RowFault::kNone)
    return DataError("the time in '", time_column_, "' is not a number");
  if (time > kLatestTime)
    return DataError("the time in '", time_column_, "' is not in seconds since 1970 (milliseconds?)");
  return time;
}

// The first row of a day later than all before it.
void Admission::NoteDay(double time, const StreamLine& line) {
  const double day = std::floor(time / kSecondsADay) * kSecondsADay;
  if (state_.day_start_size() > 0 && day <= state_.day_start().rbegin()->time()) return;
  proto::OnlineState::DayStart& start = *state_.add_day_start();
  start.set_time(day);
  start.set_offset(line.begin);
  start.set_lines(line.number - 1);
}

uint64_t Admission::KeyOf(absl::string_view line) const {
  std::string key;
  decoder_->AppendKeys(line, '\0', &key);
  return IdHash(0, key);
}

void Admission::Readmit(WaitingRow* row) const { row->key = KeyOf(row->line); }

absl::StatusOr<const Batch*> Admission::Sample(const WaitingRow& row) {
  parsed_.Clear();
  const RowFault fault = decoder_->Decode(row.line, &parsed_, &detail_);
  if (fault != RowFault::kNone)
    return ModelError("a row of the checkpoint's stream can't be read: ", detail_);
  parsed_.labels[0] = row.positive ? 1 : 0;
  return &parsed_;
}

}  // namespace tandem
