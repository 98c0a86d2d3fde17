#include "src/daily/day_log.h"

#include <glog/logging.h>

#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "tandem/batch.h"
#include "tandem/day_reader.h"
#include "tandem/experiment.pb.h"
#include "tandem/quarantine.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kBlockRows = 65536;

}  // namespace

DayLog::DayLog(FileSystem& fs, const proto::Experiment& experiment)
    : fs_(fs),
      experiment_(experiment),
      format_(MakeSampleFormat(experiment.data())),
      schema_(experiment),
      workers_(experiment.runtime().threads()) {}

absl::StatusOr<bool> DayLog::HoldsRows(const Day& day) {
  Quarantine quarantine(fs_, "", /*max_bad_fraction=*/1);
  DayReader reader(fs_, *format_, schema_, RowUse::kEvaluate, day.files, &quarantine, &workers_);
  Batch block(static_cast<int>(schema_.fields().size()));
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const bool more, reader.ReadBlock(DayReader::kPieceRows, &block));
    if (!more) break;
    block.TakeUnlabelled(nullptr);
    if (block.rows() > 0) return true;
  }
  return static_cast<double>(quarantine.rows_bad()) >
         experiment_.data().max_bad_fraction() * static_cast<double>(quarantine.rows_read());
}

absl::StatusOr<std::optional<Day>> DayLog::NextDay(absl::CivilDay date) {
  for (absl::CivilDay later = date + 1; later <= date + kDaysAhead; ++later) {
    const std::string text = absl::FormatCivilTime(later);
    std::vector<std::string> missing;
    absl::StatusOr<std::vector<Day>> days = FindDays(fs_, experiment_.data().path(), text, text, &missing);
    if (!days.ok()) continue;
    TANDEM_ASSIGN_OR_RETURN(const bool holds_rows, HoldsRows(days->front()));
    if (holds_rows) return std::move(days->front());
    LOG(WARNING) << absl::StrJoin(days->front().files, ", ") << ": not one row with a label; " << text
                 << " counts as a day without a log";
  }
  return std::nullopt;
}

absl::StatusOr<DayLog::Rows> DayLog::CountRows(const Day& day) {
  const auto known = rows_of_days_.find(day.date);
  if (known != rows_of_days_.end()) return known->second;
  Quarantine quarantine(fs_, "", /*max_bad_fraction=*/1);
  DayReader reader(fs_, *format_, schema_, RowUse::kTrain, day.files, &quarantine, &workers_);
  Batch block(static_cast<int>(schema_.fields().size()));
  int64_t unlabelled = 0;
  for (bool more = true; more;) {
    TANDEM_ASSIGN_OR_RETURN(more, reader.ReadBlock(kBlockRows, &block));
    unlabelled += block.TakeUnlabelled(nullptr);
  }
  const Rows rows{quarantine.rows_read() - quarantine.rows_bad() - unlabelled, quarantine.rows_bad()};
  rows_of_days_[day.date] = rows;
  return rows;
}

}  // namespace tandem
