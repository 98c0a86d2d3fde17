#include "src/online/stream_state.h"

#include <cmath>

#include "src/train/run_state.h"
#include "tandem/row_fault.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {

absl::Status CheckStreamState(const proto::OnlineState& state, const std::string& path) {
  TANDEM_RETURN_IF_ERROR(CheckCounters(state, path));
  const auto impossible = [&](const char* what) {
    return ModelError(path, ": ", what, "; no stream stood there: the file is damaged. Nothing was loaded.");
  };
  if (state.rows_bad_size() > kRowFaults)
    return impossible("rows_bad has more kinds of faults than there are");
  for (const double time : {state.watermark(), state.cut(), state.guard_reference(), state.doubted_time()}) {
    if (!std::isfinite(time)) return impossible("a time or a log loss is infinite");
  }
  int64_t offset = 0, numbers = 0;
  for (const proto::OnlineState::DayStart& day : state.day_start()) {
    if (!std::isfinite(day.time()) || day.offset() < offset || day.numbers() < numbers)
      return impossible("day_start is out of order");
    offset = day.offset();
    numbers = day.numbers();
  }
  return absl::OkStatus();
}

}  // namespace tandem
