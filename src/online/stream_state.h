// Whether an online run can have stood where a checkpoint's stream.bin says.
//
//   TANDEM_RETURN_IF_ERROR(CheckStreamState(state, path));
#ifndef TANDEM_SRC_ONLINE_STREAM_STATE_H_
#define TANDEM_SRC_ONLINE_STREAM_STATE_H_

#include <string>

#include "absl/status/status.h"

namespace tandem {

namespace proto {
class OnlineState;
}  // namespace proto

// A ModelError that names `path` and the counter.
absl::Status CheckStreamState(const proto::OnlineState& state, const std::string& path);

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_STREAM_STATE_H_
