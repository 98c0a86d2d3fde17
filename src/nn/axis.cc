#include "tandem/axis.h"

#include <glog/logging.h>

#include <algorithm>
#include <map>
#include <utility>

namespace tandem {
namespace {

int GroupsOfNoField(const Axis::Segment& segment) {
  return static_cast<int>(std::count_if(segment.owners.begin(), segment.owners.end(),
                                        [](const std::vector<int>& owners) { return owners.empty(); }));
}

// The owners' numbers in the model before, ascending; nothing where one of them is new.
std::optional<std::vector<int>> OwnersBefore(const std::vector<int>& owners,
                                             absl::Span<const int> field_before) {
  std::vector<int> before;
  for (const int field : owners) {
    CHECK_LT(field, static_cast<int>(field_before.size()));
    if (field_before[field] < 0) return std::nullopt;
    before.push_back(field_before[field]);
  }
  std::sort(before.begin(), before.end());
  return before;
}

// Adds the indices of one segment to `from`, false when the segments don't fit. `first` is the segment's
// first index in the axis before.
bool MatchSegment(const Axis::Segment& before, const Axis::Segment& after, int first,
                  absl::Span<const int> field_before, std::vector<int>* from) {
  if (before.floats != after.floats || GroupsOfNoField(before) != GroupsOfNoField(after)) return false;
  // Groups of the same owners go on from one another in their order.
  std::map<std::vector<int>, std::vector<int>> places;
  for (size_t group = 0; group < before.owners.size(); ++group)
    places[before.owners[group]].push_back(static_cast<int>(group));
  std::map<std::vector<int>, size_t> taken;
  for (const std::vector<int>& owners : after.owners) {
    const std::optional<std::vector<int>> wanted = OwnersBefore(owners, field_before);
    int begin = -1;
    if (wanted.has_value()) {
      const std::vector<int>& found = places[*wanted];
      const size_t turn = taken[*wanted]++;
      if (turn >= found.size()) return false;
      begin = first + found[turn] * before.floats;
    }
    for (int i = 0; i < after.floats; ++i) from->push_back(begin < 0 ? -1 : begin + i);
  }
  return true;
}

}  // namespace

Axis::Axis(int size) : segments_{{{{}}, size}}, size_(size) { CHECK_GT(size, 0); }

Axis Axis::Owned(std::vector<std::vector<int>> owners, int floats) {
  CHECK_GT(floats, 0);
  Axis axis;
  axis.size_ = static_cast<int>(owners.size()) * floats;
  for (std::vector<int>& fields : owners) std::sort(fields.begin(), fields.end());
  axis.segments_.push_back({std::move(owners), floats});
  return axis;
}

Axis Axis::OfFields(int fields, int floats) {
  std::vector<std::vector<int>> owners;
  for (int field = 0; field < fields; ++field) owners.push_back({field});
  return Owned(std::move(owners), floats);
}

Axis Axis::Join(absl::Span<const Axis> axes) {
  Axis joined;
  for (const Axis& axis : axes) {
    joined.segments_.insert(joined.segments_.end(), axis.segments_.begin(), axis.segments_.end());
    joined.size_ += axis.size_;
  }
  return joined;
}

std::optional<std::vector<int>> IndicesBefore(const Axis& before, const Axis& after,
                                              absl::Span<const int> field_before) {
  if (before.segments().size() != after.segments().size()) return std::nullopt;
  std::vector<int> from;
  int first = 0;
  for (size_t s = 0; s < after.segments().size(); ++s) {
    const Axis::Segment& segment = before.segments()[s];
    if (!MatchSegment(segment, after.segments()[s], first, field_before, &from)) return std::nullopt;
    first += static_cast<int>(segment.owners.size()) * segment.floats;
  }
  return from;
}

}  // namespace tandem
