// One page of HTML with nothing from elsewhere: a title, a date, a verdict, then sections of text, tables and
// plots. Good on a telephone, a wide screen and paper.
//
//   HtmlPage page("What did run learn?", "2026-11-30");
//   page.Verdict({"The student ranks as its teacher does."}, HtmlPage::Tone::kGood);
//   page.Section("Metrics");
//   page.Table(table);
//   page.Words({{"AUC", "how often a click is scored above a row without one"}});
//   WriteFileAtomically(fs, "report.html", page.Html());
//
// Texts are escaped; SVG is taken as it is. Equal calls give equal bytes.
#ifndef TANDEM_SRC_PAGE_HTML_PAGE_H_
#define TANDEM_SRC_PAGE_HTML_PAGE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "src/page/text_table.h"

namespace tandem {

class HtmlPage {
 public:
  enum class Tone { kGood, kBad, kPlain };

  // `date`: a day, or what days it is about; shown below the title.
  HtmlPage(absl::string_view title, absl::string_view date);

  // Sentences in words, each a line of the box at the top.
  void Verdict(const std::vector<std::string>& sentences, Tone tone);
  // Begins one; what follows belongs to it.
  void Section(absl::string_view title);
  void Paragraph(absl::string_view text);
  // A command to type.
  void Command(absl::string_view text);
  // What words mean that a stranger may not know, where they stand.
  void Words(const std::vector<std::pair<std::string, std::string>>& words);
  // With its title, where it has one.
  void Table(const TextTable& table);
  // `marked`: rows that stand out, a row each.
  void Table(const TextTable& table, const std::vector<bool>& marked);
  // Plots of a kind, side by side where there is room; empty ones are left out.
  void Figures(const std::vector<std::pair<std::string, std::string>>& captions_and_svgs);
  // One that is wider than a telephone, and scrolls there.
  void WideFigure(absl::string_view caption, absl::string_view svg);
  std::string Html() const;

 private:
  std::string title_;
  std::string body_;
  bool in_section_ = false;
};

}  // namespace tandem

#endif  // TANDEM_SRC_PAGE_HTML_PAGE_H_
