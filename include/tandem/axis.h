// What the indices along an axis of a parameter block, or of a layer's output, stand for.
//
//   Axis(64);                                   // 64 units of no field; an int converts: Add(name, {64, 32})
//   Axis::OfFields(39, 16);                     // x itself: 16 floats of each of 39 fields, field by field
//   Axis::Owned({{1}, {4}}, 16);                // 16 floats of field 1, then 16 of field 4
//   Axis::Owned({{0, 1}, {0, 2}, {1, 2}}, 1);   // an inner product for each pair of three fields
//   Axis::Join({Axis::OfFields(39, 16), 64});   // one after another
//
// An axis is a row of segments, a segment a row of groups of equally many floats, and a group belongs to a
// set of fields, to none where it is plain. Fields are numbered as in the x that the tower reads
// (FieldShape).
//
// What it is for: when features come or go, a layer that says its axes needs no code of its own to keep what
// it has learned. See IndicesBefore. A value: copied freely, read from any thread. What can't be is a CHECK.
#ifndef TANDEM_AXIS_H_
#define TANDEM_AXIS_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace tandem {

class Axis {
 public:
  struct Segment {
    std::vector<std::vector<int>> owners;  // of each group, ascending; {} for a group that is no field's
    int floats;                            // of a group
  };

  Axis() = default;  // of no index
  // NOLINTNEXTLINE(google-explicit-constructor): most axes are plain, and shapes read as lists of numbers.
  Axis(int size);
  static Axis Owned(std::vector<std::vector<int>> owners, int floats);
  static Axis OfFields(int fields, int floats);
  static Axis Join(absl::Span<const Axis> axes);

  int size() const { return size_; }
  const std::vector<Segment>& segments() const { return segments_; }

 private:
  std::vector<Segment> segments_;
  int size_ = 0;
};

// For each index of `after` the one of `before` that it goes on from, -1 for a new one. `field_before` has
// for each field of `after` its number in `before`, -1 where there was none. An index is found by its
// segment, its owners and its place in the group; with a new field among the owners it is new. Nothing when
// the axes differ in more than their fields: in segments, in floats of a group, in what no field owns.
std::optional<std::vector<int>> IndicesBefore(const Axis& before, const Axis& after,
                                              absl::Span<const int> field_before);

}  // namespace tandem

#endif  // TANDEM_AXIS_H_
