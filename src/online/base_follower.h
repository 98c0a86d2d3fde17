// Watches where an online run's base comes from: a link that leads to another model one day (`published` of a
// daily run), and then the student starts over.
//
//   BaseFollower follower(fs, clock, "daily/published", /*replays=*/true);
//   TANDEM_ASSIGN_OR_RETURN(Base base, FindBase(fs, "daily/published"));
//   follower.Taken();
//   ... between micro-batches ...
//   std::optional<Base> next = follower.Look(state.base_id());
//   if (next.has_value()) { RewindTo(*next, &stream_state); ... }
//
// Not thread-safe.
#ifndef TANDEM_SRC_ONLINE_BASE_FOLLOWER_H_
#define TANDEM_SRC_ONLINE_BASE_FOLLOWER_H_

#include <limits>
#include <optional>
#include <string>

#include "tandem/clock.h"
#include "tandem/file_system.h"
#include "tandem/online.h"

namespace tandem {

namespace proto {
class OnlineState;
}  // namespace proto

class BaseFollower {
 public:
  // Looks at most once in so many seconds.
  static constexpr double kLookSeconds = 1;

  // `replays`: the stream can be read again from an earlier place. Else a new base is only announced. `fs`
  // and `clock` outlive it.
  BaseFollower(FileSystem& fs, Clock& clock, std::string init_from, bool replays);

  // Whether the base comes from a link; any other stays for ever.
  bool follows() const;
  // The base that init_from leads to now is the run's.
  void Taken();
  // A base of another id than `id`, where init_from leads to one since Taken. One that can't be read (it is
  // being written, or gone) is told in the log and looked at again.
  std::optional<Base> Look(const std::string& id);

 private:
  FileSystem& fs_;
  Clock& clock_;
  const std::string init_from_;
  const bool replays_;
  std::string taken_;      // where init_from led; "" where it is no link
  std::string announced_;  // that it can't be taken
  double looked_at_ = -std::numeric_limits<double>::infinity();
};

// Moves the place in the stream to the first row that isn't the base's own: where a day from its cut on was
// first met. Where none was met yet, or it has no cut, the place stays.
void RewindTo(const Base& base, proto::OnlineState* state);

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_BASE_FOLLOWER_H_
