#include "src/online/admission.h"

#include <glog/logging.h>

#include <cmath>
#include <utility>

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

absl::StatusOr<StreamReader::Event> Admission::ReadHead(StreamReader* reader, double wait_seconds) {
  head_.clear();
  decoder_.reset();
  if (has_head()) {
    StreamRow raw;
    do {
      TANDEM_ASSIGN_OR_RETURN(const StreamReader::Event event, reader->Next(wait_seconds, &raw));
      if (event != StreamReader::Event::kRow) return event;
    } while (!raw.too_long && !format_->IsHead(raw.text));
    head_ = std::string(raw.text);
  }
  TANDEM_RETURN_IF_ERROR(MakeDecoder());
  return StreamReader::Event::kRow;
}

absl::Status Admission::MakeDecoder() {
  const RowNeeds needs{RowUse::kTrain, /*keys=*/joins_clicks_, time_column_};
  TANDEM_ASSIGN_OR_RETURN(decoder_, format_->MakeDecoder(schema_, needs, head_, input_));
  return absl::OkStatus();
}

absl::Status Admission::Resume() {
  std::string head;
  if (has_head()) format_->framing().Append(head_, &head);
  return quarantine_.Resume(head, &state_);
}

absl::StatusOr<std::optional<WaitingRow>> Admission::Admit(const StreamRow& raw) {
  const auto set_aside = [&](RowFault fault,
                             absl::string_view detail) -> absl::StatusOr<std::optional<WaitingRow>> {
    std::string row;
    format_->framing().Append(raw.text, &row);
    TANDEM_RETURN_IF_ERROR(quarantine_.BadRow(raw.number, fault, detail, row));
    return std::nullopt;
  };
  parsed_.Clear();
  const RowFault fault = Decode(raw);
  if (fault != RowFault::kNone) return set_aside(fault, detail_);
  WaitingRow row;
  if (!time_column_.empty()) {
    const absl::StatusOr<double> time = TimeOf(raw.text);
    if (!time.ok()) return set_aside(RowFault::kNumber, time.status().message());
    row.time = *time;
    NoteDay(row.time, raw);
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
  row.raw = std::string(raw.text);
  row.positive = parsed_.labels[0] > 0;
  if (joins_clicks_) row.key = KeyOf(raw.text);
  return row;
}

RowFault Admission::Decode(const StreamRow& raw) {
  if (raw.cut_off && !raw.too_long) {
    detail_ = kCutOffRow;
    return RowFault::kSyntax;
  }
  if (!raw.too_long) return decoder_->Decode(raw.text, &parsed_, &detail_);
  // Which setting says so, the format knows.
  RawRows one;
  one.rows = {raw.text};
  one.too_long = {true};
  std::vector<BadRow> bad;
  decoder_->DecodeRows(one, 0, 1, &parsed_, &bad);
  CHECK_EQ(bad.size(), 1);
  detail_ = std::move(bad[0].detail);
  return bad[0].fault;
}

absl::StatusOr<double> Admission::TimeOf(absl::string_view row) const {
  double time = 0;
  if (decoder_->Time(row, &time) != RowFault::kNone)
    return DataError("the time in '", time_column_, "' is not a number");
  if (time > kLatestTime)
    return DataError("the time in '", time_column_, "' is not in seconds since 1970 (milliseconds?)");
  return time;
}

// The first row of a day later than all before it.
void Admission::NoteDay(double time, const StreamRow& raw) {
  const double day = std::floor(time / kSecondsADay) * kSecondsADay;
  if (state_.day_start_size() > 0 && day <= state_.day_start().rbegin()->time()) return;
  proto::OnlineState::DayStart& start = *state_.add_day_start();
  start.set_time(day);
  start.set_offset(raw.begin);
  start.set_numbers(raw.number - 1);
}

uint64_t Admission::KeyOf(absl::string_view row) const {
  std::string key;
  decoder_->AppendKeys(row, '\0', &key);
  return IdHash(0, key);
}

void Admission::Readmit(WaitingRow* row) const { row->key = KeyOf(row->raw); }

absl::StatusOr<const Batch*> Admission::Sample(const WaitingRow& row) {
  parsed_.Clear();
  const RowFault fault = decoder_->Decode(row.raw, &parsed_, &detail_);
  if (fault != RowFault::kNone)
    return ModelError("a row of the checkpoint's stream can't be read: ", detail_);
  parsed_.labels[0] = row.positive ? 1 : 0;
  return &parsed_;
}

}  // namespace tandem
