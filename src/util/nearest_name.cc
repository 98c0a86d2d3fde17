#include "src/util/nearest_name.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tandem {
namespace {

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<int> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

bool OneHoldsTheOther(absl::string_view a, absl::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  return a.size() >= 3 && absl::StrContains(b, a);
}

}  // namespace

std::string NearestName(absl::string_view name, absl::Span<const std::string> known) {
  const std::string wanted = absl::AsciiStrToLower(name);
  const int limit = 1 + static_cast<int>(name.size()) / 3;
  int best = limit + 1;
  std::string nearest;
  for (const std::string& candidate : known) {
    const std::string lower = absl::AsciiStrToLower(candidate);
    int distance = EditDistance(wanted, lower);
    // Two letters changed in a name of two would be near to everything.
    if (distance >= static_cast<int>(std::max(wanted.size(), lower.size()))) distance = limit + 1;
    if (OneHoldsTheOther(wanted, lower)) distance = std::min(distance, limit);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string DidYouMean(absl::string_view name, absl::Span<const std::string> known) {
  if (const std::string nearest = NearestName(name, known); !nearest.empty()) {
    return absl::StrCat("; did you mean '", nearest, "'?");
  }
  if (known.empty()) return "";
  constexpr size_t kShown = 20;
  return absl::StrCat("; known: ", absl::StrJoin(known.subspan(0, kShown), ", "),
                      known.size() > kShown ? ", ..." : "");
}

}  // namespace tandem
