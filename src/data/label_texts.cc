#include "src/data/label_texts.h"

#include <algorithm>

#include "src/data/numbers.h"

namespace tandem {

LabelTexts::Texts::Texts(const std::vector<std::string>& texts) : texts(texts) {
  for (const std::string& text : texts) {
    double number = 0;
    if (ParseNumber(text, &number) == RowFault::kNone) numbers.push_back(number);
  }
}

bool LabelTexts::Texts::Hold(absl::string_view text) const {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

bool LabelTexts::Texts::Hold(double number) const {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

LabelTexts::LabelTexts(const std::vector<std::string>& positive, const std::vector<std::string>& negative)
    : positive_(positive), negative_(negative) {}

std::optional<bool> LabelTexts::Read(absl::string_view text) const {
  if (positive_.Hold(text)) return true;
  if (negative_.Hold(text)) return false;
  double number = 0;
  const bool is_number = ParseNumber(text, &number) == RowFault::kNone;
  if (is_number && positive_.Hold(number)) return true;
  if (is_number && negative_.Hold(number)) return false;
  if (negative_.texts.empty() && !positive_.texts.empty()) return false;
  if (is_number && (number == 0 || number == 1)) return number == 1;
  return std::nullopt;
}

}  // namespace tandem
