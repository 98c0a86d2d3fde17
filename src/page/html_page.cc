#include "src/page/html_page.h"

#include "absl/strings/str_cat.h"
#include "src/page/escape.h"

namespace tandem {
namespace {

constexpr char kStyle[] = R"(
body { font: 15px/1.5 system-ui, sans-serif; color: #333; background: #fff; max-width: 960px; margin: 0 auto; padding: 20px 16px 40px; }
h1 { font-size: 24px; line-height: 1.25; margin: 8px 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 34px 0 8px; border-bottom: 1px solid #ddd; padding-bottom: 3px; }
h3 { font-size: 15px; margin: 16px 0 4px; }
p { margin: 8px 0; max-width: 72ch; overflow-wrap: anywhere; }
.date { color: #666; margin: 0 0 14px; }
.verdict { border-left: 5px solid #7a7a7a; background: #f4f4f4; padding: 8px 14px; margin: 12px 0; }
.verdict.good { border-color: #2f8f4e; background: #eef7f0; } .verdict.bad { border-color: #c0392b; background: #fdf0ee; }
.scroll { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 4px 10px; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top; }
th { border-bottom: 2px solid #999; } .left { text-align: left; } tr.marked td { background: #fdecea; }
td.left { white-space: normal; min-width: 9em; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 12px 24px; }
figure { margin: 8px 0; break-inside: avoid; } figcaption { font-weight: bold; font-size: 14px; margin-bottom: 4px; }
svg { max-width: 100%; height: auto; display: block; } .scroll svg { min-width: 640px; }
dl { color: #555; font-size: 13px; margin: 8px 0; max-width: 90ch; } dt { display: inline; font-weight: bold; }
dd { display: inline; margin: 0; } dd::after { content: ""; display: block; margin-bottom: 2px; }
pre { background: #f4f4f4; padding: 8px 12px; overflow-x: auto; font-size: 13px; }
@media print { body { font-size: 11pt; max-width: none; padding: 0; } .scroll { overflow: visible; } .scroll svg { min-width: 0; }
  table { font-size: 8.5pt; } th, td { padding: 2px 6px; } h2 { break-after: avoid; } tr { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
)";

}  // namespace

HtmlPage::HtmlPage(absl::string_view title, absl::string_view date) : title_(EscapeXml(title)) {
  absl::StrAppend(&body_, "<h1>", title_, "</h1>\n<p class=\"date\">", EscapeXml(date), "</p>\n");
}

void HtmlPage::Verdict(const std::vector<std::string>& sentences, Tone tone) {
  absl::StrAppend(&body_, "<div class=\"verdict",
                  tone == Tone::kGood  ? " good"
                  : tone == Tone::kBad ? " bad"
                                       : "",
                  "\">\n");
  for (const std::string& sentence : sentences) Paragraph(sentence);
  body_ += "</div>\n";
}

void HtmlPage::Section(absl::string_view title) {
  absl::StrAppend(&body_, in_section_ ? "</section>\n" : "", "<section>\n<h2>", EscapeXml(title), "</h2>\n");
  in_section_ = true;
}

void HtmlPage::Paragraph(absl::string_view text) {
  absl::StrAppend(&body_, "<p>", EscapeXml(text), "</p>\n");
}

void HtmlPage::Command(absl::string_view text) {
  absl::StrAppend(&body_, "<pre>", EscapeXml(text), "</pre>\n");
}

void HtmlPage::Words(const std::vector<std::pair<std::string, std::string>>& words) {
  body_ += "<dl>\n";
  for (const auto& [word, meaning] : words)
    absl::StrAppend(&body_, "<dt>", EscapeXml(word), ":</dt> <dd>", EscapeXml(meaning), "</dd>\n");
  body_ += "</dl>\n";
}

void HtmlPage::Table(const TextTable& table) { Table(table, {}); }

void HtmlPage::Table(const TextTable& table, const std::vector<bool>& marked) {
  if (!table.title.empty()) absl::StrAppend(&body_, "<h3>", EscapeXml(table.title), "</h3>\n");
  body_ += HtmlTable(table, marked);
}

void HtmlPage::Figures(const std::vector<std::pair<std::string, std::string>>& captions_and_svgs) {
  body_ += "<div class=\"figures\">\n";
  for (const auto& [caption, svg] : captions_and_svgs) {
    if (svg.empty()) continue;
    absl::StrAppend(&body_, "<figure><figcaption>", EscapeXml(caption), "</figcaption>\n", svg,
                    "</figure>\n");
  }
  body_ += "</div>\n";
}

void HtmlPage::WideFigure(absl::string_view caption, absl::string_view svg) {
  if (svg.empty()) return;
  absl::StrAppend(&body_, "<figure><figcaption>", EscapeXml(caption), "</figcaption>\n<div class=\"scroll\">",
                  svg, "</div></figure>\n");
}

std::string HtmlPage::Html() const {
  return absl::StrCat("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
                      title_, "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n", body_,
                      in_section_ ? "</section>\n" : "", "</body>\n</html>\n");
}

}  // namespace tandem
