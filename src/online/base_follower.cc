#include "src/online/base_follower.h"

#include <glog/logging.h>

#include <utility>

#include "src/util/links.h"
#include "tandem/state.pb.h"

namespace tandem {

BaseFollower::BaseFollower(FileSystem& fs, Clock& clock, std::string init_from, bool replays)
    : fs_(fs), clock_(clock), init_from_(std::move(init_from)), replays_(replays) {}

bool BaseFollower::follows() const { return !LinkTarget(fs_, init_from_).empty(); }

void BaseFollower::Taken() { taken_ = follows() ? FollowLink(fs_, init_from_) : ""; }

std::optional<Base> BaseFollower::Look(const std::string& id) {
  if (taken_.empty() || clock_.Now() - looked_at_ < kLookSeconds) return std::nullopt;
  looked_at_ = clock_.Now();
  const std::string path = FollowLink(fs_, init_from_);
  if (path == taken_ || path == announced_) return std::nullopt;
  if (!replays_) {
    announced_ = path;
    LOG(WARNING)
        << init_from_ << " leads to " << path
        << " now; standard input can't be read again from its cut: the run, resumed and fed the whole "
           "stream, takes it";
    return std::nullopt;
  }
  absl::StatusOr<Base> base = FindBase(fs_, init_from_);
  if (!base.ok()) {
    LOG(WARNING) << "the new base can't be read, trying again: " << base.status().message();
    return std::nullopt;
  }
  if (base->id == id) {
    taken_ = path;
    return std::nullopt;
  }
  return *std::move(base);
}

void RewindTo(const Base& base, proto::OnlineState* state) {
  if (!base.cut.has_value()) return;
  for (const proto::OnlineState::DayStart& day : state->day_start()) {
    if (day.time() < *base.cut) continue;
    state->set_offset(day.offset());
    state->set_numbers(day.numbers());
    return;
  }
}

}  // namespace tandem
