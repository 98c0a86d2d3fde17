#include "src/online/admission.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/str_split.h"
#include "config/experiment.pb.h"
#include "src/data/id_hash.h"
#include "tandem/experiment.h"
#include "tandem/status.h"
#include "train/state.pb.h"

namespace tandem {
namespace {

constexpr double kSecondsADay = 86400;
// Seconds since 1970 that no sample has: such a time is in milliseconds.
constexpr double kLatestTime = 1e11;

// The cell of a line that the parser has taken.
absl::string_view Cell(absl::string_view line, char delimiter, int column) {
  for (; column > 0; --column) line.remove_prefix(line.find(delimiter) + 1);
  return line.substr(0, line.find(delimiter));
}

}  // namespace

Admission::Admission(const proto::Experiment& experiment, const Schema& schema, FileSystem& fs,
                     const std::string& quarantine, const std::string& input, proto::OnlineState* state)
    : time_column_name_(experiment.online().time_column()),
      joins_clicks_(experiment.online().label_delay() > 0),
      schema_(schema),
      input_(input),
      state_(*state),
      quarantine_(fs, quarantine, input, experiment.data().max_bad_fraction()),
      parsed_(static_cast<int>(schema.fields().size())) {}

absl::StatusOr<StreamReader::Event> Admission::ReadHeader(StreamReader* reader, double wait_seconds) {
  header_.clear();
  parser_.reset();
  if (!schema_.header) {
    TANDEM_RETURN_IF_ERROR(FindColumns(schema_.columns));
    return StreamReader::Event::kLine;
  }
  StreamLine line;
  TANDEM_ASSIGN_OR_RETURN(const StreamReader::Event event, reader->Next(wait_seconds, &line));
  if (event != StreamReader::Event::kLine) return event;
  header_ = std::string(line.text);
  TANDEM_RETURN_IF_ERROR(FindColumns(absl::StrSplit(header_, schema_.delimiter)));
  return event;
}

absl::Status Admission::FindColumns(const std::vector<std::string>& columns) {
  TANDEM_ASSIGN_OR_RETURN(parser_, RowParser::Create(schema_, columns, RowUse::kTrain, input_));
  const auto find = [&](const std::string& column, const char* why) -> absl::StatusOr<int> {
    const auto found = std::find(columns.begin(), columns.end(), column);
    if (found == columns.end())
      return DataError(input_, ": no column '", column, "' (", why, ")", DidYouMean(column, columns));
    return static_cast<int>(found - columns.begin());
  };
  if (!time_column_name_.empty()) {
    TANDEM_ASSIGN_OR_RETURN(time_column_, find(time_column_name_, "online.time_column"));
  }
  key_columns_.clear();
  if (!joins_clicks_) return absl::OkStatus();
  for (const std::string& key : schema_.key_columns) {
    TANDEM_ASSIGN_OR_RETURN(const int column, find(key, "data.key_columns"));
    key_columns_.push_back(column);
  }
  return absl::OkStatus();
}

absl::Status Admission::Resume() { return quarantine_.Resume(header_, &state_); }

absl::StatusOr<std::optional<WaitingRow>> Admission::Admit(const StreamLine& line) {
  const auto set_aside = [&](RowFault fault,
                             absl::string_view detail) -> absl::StatusOr<std::optional<WaitingRow>> {
    TANDEM_RETURN_IF_ERROR(quarantine_.BadRow(line.number, fault, detail, line.text));
    return std::nullopt;
  };
  if (line.too_long) return set_aside(RowFault::kLineTooLong, "longer than data.max_line_bytes");
  parsed_.Clear();
  const RowFault fault = parser_->Parse(line.text, &parsed_, &detail_);
  if (fault != RowFault::kNone) return set_aside(fault, detail_);
  WaitingRow row;
  if (time_column_ >= 0) {
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
  const absl::string_view cell = Cell(line, schema_.delimiter, time_column_);
  double time = 0;
  const std::from_chars_result read = std::from_chars(cell.data(), cell.data() + cell.size(), time);
  if (read.ec != std::errc() || read.ptr != cell.data() + cell.size() || !std::isfinite(time))
    return DataError("the time in '", time_column_name_, "' is not a number");
  if (time > kLatestTime)
    return DataError("the time in '", time_column_name_, "' is not in seconds since 1970 (milliseconds?)");
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
  for (const int column : key_columns_) {
    absl::StrAppend(&key, Cell(line, schema_.delimiter, column));
    key += schema_.delimiter;
  }
  return IdHash(0, key);
}

void Admission::Readmit(WaitingRow* row) const { row->key = KeyOf(row->line); }

absl::StatusOr<const Batch*> Admission::Sample(const WaitingRow& row) {
  parsed_.Clear();
  const RowFault fault = parser_->Parse(row.line, &parsed_, &detail_);
  if (fault != RowFault::kNone)
    return ModelError("a row of the checkpoint's stream can't be read: ", detail_);
  parsed_.labels[0] = row.positive ? 1 : 0;
  return &parsed_;
}

}  // namespace tandem
