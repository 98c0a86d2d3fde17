// What a column holds, gathered in one pass over rows in bounded memory.
//
//   ColumnProfile profile("age");
//   for (...) profile.AddCell("39", {row, /*positive=*/true});
//   profile.distinct();                        // exact up to ProfileLimits::values, about afterwards
//
// Equal rows in equal order give equal profiles. Not thread-safe.
#ifndef TANDEM_SRC_INIT_COLUMN_PROFILE_H_
#define TANDEM_SRC_INIT_COLUMN_PROFILE_H_

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem {

struct ProfileLimits {
  size_t values = 1 << 16;     // distinct ones whose rows are counted
  size_t numbers = 50000;      // that quantiles are taken of
  int64_t list_cells = 20000;  // that are cut into items
};

// The row of a cell. Halves, by a hash of the number, tell what a value says of other rows' labels from what
// it says of its own.
struct ProfiledRow {
  int64_t number;
  bool positive;
  int half() const;
};

// How often a value stands in the rows of a half, and with label 1.
struct ValueCount {
  std::array<uint32_t, 2> rows = {0, 0};
  std::array<uint32_t, 2> positives = {0, 0};
  uint32_t all() const { return rows[0] + rows[1]; }
  void Add(const ProfiledRow& row) {
    ++rows[row.half()];
    positives[row.half()] += row.positive ? 1 : 0;
  }
};

// Values by hash. Once there are too many, those of every second, fourth, ... hash: a sample of the values
// whose counts are whole.
class ValueSample {
 public:
  explicit ValueSample(size_t limit) : limit_(limit) {}
  void Add(uint64_t hash, const ProfiledRow& row);
  bool exact() const { return level_ == 0; }
  int64_t distinct() const { return static_cast<int64_t>(counts_.size()) << level_; }
  // In the order of the hashes.
  std::vector<std::pair<uint64_t, ValueCount>> sorted() const;
  const absl::flat_hash_map<uint64_t, ValueCount>& counts() const { return counts_; }

 private:
  size_t limit_;
  int level_ = 0;
  absl::flat_hash_map<uint64_t, ValueCount> counts_;
};

struct SampledNumber {
  double value;
  int half;
  bool positive;
};

// A byte that may stand between the values of a cell.
struct ListEvidence {
  char separator;
  int64_t cells = 0;  // that hold it
  int64_t items = 0;
  int64_t items_of_texts = 0;  // those of each distinct text once
  int64_t weighted_items = 0;  // "id:number", the number positive
  int64_t longest = 0;         // item, bytes
  ValueSample values{1 << 14};
};

class ColumnProfile {
 public:
  explicit ColumnProfile(std::string name, const ProfileLimits& limits = {});

  void AddCell(absl::string_view text, const ProfiledRow& row);
  // A cell of a format whose cells say that they are lists.
  void AddList(absl::Span<const absl::string_view> values, const ProfiledRow& row);
  // A row without this column.
  void AddAbsent(const ProfiledRow& row) { AddMissing(row); }

  std::string name;
  int64_t cells = 0;
  int64_t empty = 0;
  // Texts that say that there is no value (NULL, NA, nan, ?), and that say so only among numbers (none, -).
  std::map<std::string, int64_t> missing_texts, perhaps_missing;
  ValueCount missing;  // rows that are empty or have one of missing_texts
  ValueSample values;  // of the others
  // The first distinct values, shortened.
  std::vector<std::pair<std::string, uint64_t>> first_values;

  // -- values that are numbers
  int64_t numbers = 0;
  int64_t integers = 0;
  int64_t spaced_numbers = 0;  // with blanks around
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  bool increasing = true;  // each more than the one before
  std::vector<SampledNumber> sample;
  int64_t comma_numbers = 0;                   // texts like 3,14 or 1,000
  std::map<std::string, int64_t> other_texts;  // no numbers and no times: the first of them, and how often
  int64_t other_cells = 0;

  // -- values that are times
  int64_t times = 0;
  int64_t epochs = 0;  // integers that would be seconds or milliseconds of 1990 to 2100
  double first_time = std::numeric_limits<double>::infinity();  // seconds since 1970
  double last_time = -std::numeric_limits<double>::infinity();
  bool hours = false;  // not all of them midnights
  int64_t epoch_hours = 0;

  // -- values that are lists
  int64_t list_cells = 0;  // AddList
  int64_t list_items = 0;
  int64_t examined_cells = 0;  // of `separators`
  ValueSample examined_values{1 << 14};
  std::vector<ListEvidence> separators;
  int64_t text_bytes = 0;
  int64_t blanks = 0;

  int64_t present() const { return cells - missing_rows(); }
  int64_t missing_rows() const { return missing.all(); }
  int64_t distinct() const { return values.distinct(); }
  int64_t maybe_missing_rows() const;
  // Distinct values when a half, a quarter ... of the rows were read: (rows, distinct).
  std::vector<std::pair<int64_t, int64_t>> growth;

 private:
  void AddMissing(const ProfiledRow& row);
  void AddValue(absl::string_view text, const ProfiledRow& row);
  void AddNumber(double number, absl::string_view text, const ProfiledRow& row);
  void AddListEvidence(absl::string_view text, const ProfiledRow& row);

  ProfileLimits limits_;
  double before_ = -std::numeric_limits<double>::infinity();
};

// The moment that a text says, seconds since 1970.
bool ParseMomentText(absl::string_view text, double* seconds);

// A text that says that there is no value: NULL, NA, nan, ?.
bool IsMissingText(absl::string_view text);

uint64_t ValueHash(absl::string_view text);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_COLUMN_PROFILE_H_
