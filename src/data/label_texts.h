// What the text of a label means: a number equal to 0 or 1, or a text that data.positive or data.negative
// names.
//
//   const LabelTexts labels({"yes"}, {});
//   labels.Read("no");                       // false: where only `positive` is set, every other text means 0
#ifndef TANDEM_SRC_DATA_LABEL_TEXTS_H_
#define TANDEM_SRC_DATA_LABEL_TEXTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tandem {

// Thread-safe.
class LabelTexts {
 public:
  LabelTexts(const std::vector<std::string>& positive, const std::vector<std::string>& negative);

  // No text is named: "0" and "1" are what they are.
  bool plain() const { return positive_.texts.empty() && negative_.texts.empty(); }
  // Whether the label is positive; nullopt where it is neither. Of a text that isn't missing.
  std::optional<bool> Read(absl::string_view text) const;

 private:
  // A text that is a number stands for it in any spelling.
  struct Texts {
    explicit Texts(const std::vector<std::string>& texts);
    bool Hold(absl::string_view text) const;
    bool Hold(double number) const;
    std::vector<std::string> texts;
    std::vector<double> numbers;
  };

  const Texts positive_, negative_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_LABEL_TEXTS_H_
