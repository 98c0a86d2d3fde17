// The days of a daily run, for people: a table in Markdown, and a page in HTML that needs nothing beside it.
#ifndef TANDEM_SRC_DAILY_DAYS_PAGE_H_
#define TANDEM_SRC_DAILY_DAYS_PAGE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tandem {

// `days`: the lines of days.jsonl.
std::string DaysMarkdown(const std::vector<nlohmann::ordered_json>& days);
std::string DaysHtml(const std::vector<nlohmann::ordered_json>& days);

}  // namespace tandem

#endif  // TANDEM_SRC_DAILY_DAYS_PAGE_H_
