#include "src/init/column_profile.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "src/data/id_hash.h"
#include "src/data/numbers.h"

namespace tandem {
namespace {

constexpr absl::string_view kMissing[] = {"null", "na", "n/a", "nan", "#n/a", "\\n", "?", "", "<na>"};
constexpr absl::string_view kPerhapsMissing[] = {"none", "-", "--", ".", "nil", "missing"};
constexpr char kSeparators[] = {'|', ';', ',', ' '};
constexpr size_t kOtherTexts = 16;
constexpr size_t kFirstValues = 64;
constexpr size_t kShownBytes = 64;
// 1990 and 2100.
constexpr double kFirstEpoch = 631152000;
constexpr double kLastEpoch = 4102444800;

// The finalizer of SplitMix64 (Steele et al. 2014).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

template <size_t n>
bool IsOneOf(const absl::string_view (&texts)[n], absl::string_view text) {
  if (text.size() > 8) return false;
  const std::string lower = absl::AsciiStrToLower(text);
  return std::find(std::begin(texts), std::end(texts), lower) != std::end(texts);
}

// 1,234.5 or 3,14: what people write, and ParseNumber doesn't read.
bool IsCommaNumber(absl::string_view text) {
  if (!absl::StrContains(text, ",")) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isdigit(c) || c == ',' || c == '.' || c == '-'; });
}

}  // namespace

bool IsMissingText(absl::string_view text) { return IsOneOf(kMissing, absl::StripAsciiWhitespace(text)); }

int ProfiledRow::half() const { return static_cast<int>(Mix(static_cast<uint64_t>(number)) & 1); }

uint64_t ValueHash(absl::string_view text) { return IdHash(0, text); }

bool ParseMomentText(absl::string_view text, double* seconds) {
  if (text.size() < 10 || !absl::ascii_isdigit(text[0]) || text[4] != '-') return false;
  absl::Time time;
  for (const char* format :
       {"%Y-%m-%d %H:%M:%E*S", "%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%dT%H:%M:%E*SZ", "%Y-%m-%d"}) {
    if (!absl::ParseTime(format, text, &time, nullptr)) continue;
    *seconds = absl::ToDoubleSeconds(time - absl::UnixEpoch());
    return std::isfinite(*seconds);
  }
  return false;
}

void ValueSample::Add(uint64_t hash, const ProfiledRow& row) {
  const auto kept = [&](uint64_t value) { return (value >> 40 & ((uint64_t{1} << level_) - 1)) == 0; };
  if (!kept(hash)) return;
  counts_[hash].Add(row);
  while (counts_.size() > limit_) {
    ++level_;
    for (auto it = counts_.begin(); it != counts_.end();) {
      const auto here = it++;
      if (!kept(here->first)) counts_.erase(here);
    }
  }
}

std::vector<std::pair<uint64_t, ValueCount>> ValueSample::sorted() const {
  std::vector<std::pair<uint64_t, ValueCount>> all(counts_.begin(), counts_.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

ColumnProfile::ColumnProfile(std::string column, const ProfileLimits& limits)
    : name(std::move(column)), values(limits.values), limits_(limits) {
  for (const char separator : kSeparators) {
    separators.emplace_back();
    separators.back().separator = separator;
  }
}

int64_t ColumnProfile::maybe_missing_rows() const {
  int64_t rows = 0;
  for (const auto& [text, count] : perhaps_missing) rows += count;
  return rows;
}

void ColumnProfile::AddMissing(const ProfiledRow& row) {
  ++cells;
  missing.Add(row);
}

void ColumnProfile::AddCell(absl::string_view text, const ProfiledRow& row) {
  if (text.empty()) {
    ++empty;
    return AddMissing(row);
  }
  const absl::string_view stripped = absl::StripAsciiWhitespace(text);
  if (IsMissingText(stripped)) {
    ++missing_texts[std::string(text)];
    return AddMissing(row);
  }
  ++cells;
  if (IsOneOf(kPerhapsMissing, stripped)) ++perhaps_missing[std::string(text)];
  AddValue(text, row);
  text_bytes += static_cast<int64_t>(text.size());
  double number = 0;
  double seconds = 0;
  if (ParseNumber(stripped, &number) == RowFault::kNone) {
    spaced_numbers += stripped.size() != text.size() ? 1 : 0;
    AddNumber(number, stripped, row);
  } else if (ParseMomentText(text, &seconds)) {
    ++times;
    first_time = std::min(first_time, seconds);
    last_time = std::max(last_time, seconds);
    hours |= std::fmod(seconds, 86400) != 0;
  } else {
    ++other_cells;
    const std::string other(text.substr(0, kShownBytes));
    if (other_texts.size() < kOtherTexts || other_texts.count(other) > 0) ++other_texts[other];
    comma_numbers += IsCommaNumber(stripped) ? 1 : 0;
    if (examined_cells < limits_.list_cells) AddListEvidence(text, row);
  }
}

void ColumnProfile::AddList(absl::Span<const absl::string_view> items, const ProfiledRow& row) {
  if (items.empty()) {
    ++empty;
    return AddMissing(row);
  }
  ++cells;
  ++list_cells;
  list_items += static_cast<int64_t>(items.size());
  for (const absl::string_view item : items) AddValue(item, row);
}

void ColumnProfile::AddValue(absl::string_view text, const ProfiledRow& row) {
  const uint64_t hash = ValueHash(text);
  if (first_values.size() < kFirstValues && values.counts().find(hash) == values.counts().end())
    first_values.emplace_back(std::string(text.substr(0, kShownBytes)), hash);
  values.Add(hash, row);
  if ((cells & (cells - 1)) == 0) growth.emplace_back(cells, distinct());
}

void ColumnProfile::AddNumber(double number, absl::string_view text, const ProfiledRow& row) {
  least = std::min(least, number);
  greatest = std::max(greatest, number);
  increasing &= number > before_;
  before_ = number;
  if (number == std::floor(number) && !absl::StrContains(text, ".")) ++integers;
  const double epoch = std::abs(number) >= 1e11 ? number / 1000 : number;
  if (number == std::floor(number) && epoch >= kFirstEpoch && epoch < kLastEpoch) {
    ++epochs;
    epoch_hours += std::fmod(epoch, 86400) != 0 ? 1 : 0;
  }
  // A reservoir (Vitter 1985, algorithm R).
  ++numbers;
  const SampledNumber sampled{number, row.half(), row.positive};
  if (sample.size() < limits_.numbers) {
    sample.push_back(sampled);
  } else {
    const uint64_t at = Mix(static_cast<uint64_t>(numbers) ^ 0x5bd1e995u) % static_cast<uint64_t>(numbers);
    if (at < sample.size()) sample[at] = sampled;
  }
}

void ColumnProfile::AddListEvidence(absl::string_view text, const ProfiledRow& row) {
  ++examined_cells;
  const bool is_new = examined_values.counts().find(ValueHash(text)) == examined_values.counts().end();
  examined_values.Add(ValueHash(text), row);
  for (ListEvidence& evidence : separators) {
    evidence.cells += absl::StrContains(text, absl::string_view(&evidence.separator, 1)) ? 1 : 0;
    absl::string_view rest = text;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(evidence.separator), rest.size());
      const absl::string_view item = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (item.empty()) continue;
      ++evidence.items;
      evidence.items_of_texts += is_new ? 1 : 0;
      evidence.longest = std::max(evidence.longest, static_cast<int64_t>(item.size()));
      const size_t colon = item.rfind(':');
      double weight = 0;
      const bool weighted = colon != absl::string_view::npos && colon > 0 &&
                            ParseNumber(item.substr(colon + 1), &weight) == RowFault::kNone && weight > 0;
      evidence.weighted_items += weighted ? 1 : 0;
      evidence.values.Add(ValueHash(weighted ? item.substr(0, colon) : item), row);
    }
  }
}

}  // namespace tandem
