#include "tests/support/small_log.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/random.h"

namespace tandem {

std::vector<std::string> SmallLogColumns() { return {"label", "user", "item", "tags", "query", "age"}; }

std::vector<std::vector<std::string>> SmallLogRows(int rows, uint64_t seed) {
  constexpr int kVocabulary = 30;
  const Random random(seed, RandomPurpose::kSynthetic, {2});
  uint64_t counter = 0;
  const auto draw = [&](int below) { return static_cast<int>(random.UniformDouble(counter++) * below); };
  std::vector<std::vector<std::string>> log;
  for (int row = 0; row < rows; ++row) {
    const int user = draw(kVocabulary), item = draw(kVocabulary), query = draw(kVocabulary);
    std::vector<std::string> tags;
    for (int tag = draw(4); tag > 0; --tag) tags.push_back(absl::StrCat(draw(kVocabulary)));
    const bool clicked = user % 3 + item % 3 + query % 3 + draw(3) > 4;
    log.push_back({clicked ? "1" : "0", absl::StrCat(user), absl::StrCat(item), absl::StrJoin(tags, "|"),
                   absl::StrCat(query), absl::StrCat(18 + draw(60))});
  }
  return log;
}

std::string SmallLog(int rows, uint64_t seed) {
  std::string text = absl::StrCat(absl::StrJoin(SmallLogColumns(), "\t"), "\n");
  for (const std::vector<std::string>& row : SmallLogRows(rows, seed))
    absl::StrAppend(&text, absl::StrJoin(row, "\t"), "\n");
  return text;
}

}  // namespace tandem
