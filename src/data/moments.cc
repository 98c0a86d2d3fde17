#include "src/data/moments.h"

#include <cmath>
#include <cstdint>

#include "absl/time/civil_time.h"
#include "src/data/numbers.h"

namespace tandem {
namespace {

constexpr int64_t kDaySeconds = 86400;
// Numbers from here on are milliseconds.
constexpr double kMilliseconds = 1e11;

// Takes `digits` digits from the front.
bool TakeNumber(absl::string_view* text, size_t digits, int* number) {
  if (text->size() < digits) return false;
  *number = 0;
  for (size_t i = 0; i < digits; ++i) {
    const int digit = (*text)[i] - '0';
    if (digit < 0 || digit > 9) return false;
    *number = *number * 10 + digit;
  }
  text->remove_prefix(digits);
  return true;
}

bool Take(absl::string_view* text, char byte) {
  if (text->empty() || text->front() != byte) return false;
  text->remove_prefix(1);
  return true;
}

// "00:53:11", "00:53:11.5Z".
bool ParseTimeOfDay(absl::string_view text, int* hour) {
  int minute = 0;
  int second = 0;
  if (!TakeNumber(&text, 2, hour) || !Take(&text, ':') || !TakeNumber(&text, 2, &minute) ||
      !Take(&text, ':') || !TakeNumber(&text, 2, &second) || *hour > 23 || minute > 59 || second > 59) {
    return false;
  }
  if (Take(&text, '.')) {
    size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  Take(&text, 'Z');
  return text.empty();
}

bool ParseText(absl::string_view text, absl::CivilDay* day, int* hour) {
  int year = 0;
  int month = 0;
  int number = 0;
  if (!TakeNumber(&text, 4, &year) || !Take(&text, '-') || !TakeNumber(&text, 2, &month) ||
      !Take(&text, '-') || !TakeNumber(&text, 2, &number)) {
    return false;
  }
  *day = absl::CivilDay(year, month, number);
  // A day that isn't in the calendar becomes another one.
  if (year < 1 || day->month() != month || day->day() != number) return false;
  if (text.empty()) return true;
  return (Take(&text, ' ') || Take(&text, 'T')) && ParseTimeOfDay(text, hour);
}

bool ParseSeconds(absl::string_view text, absl::CivilDay* day, int* hour) {
  double number = 0;
  if (ParseNumber(text, &number) != RowFault::kNone) return false;
  if (std::abs(number) >= kMilliseconds) number /= 1000;
  const absl::CivilDay epoch(1970, 1, 1);
  const double days = std::floor(number / kDaySeconds);
  if (days < static_cast<double>(absl::CivilDay(1, 1, 1) - epoch) ||
      days > static_cast<double>(absl::CivilDay(9999, 12, 31) - epoch)) {
    return false;
  }
  *day = epoch + static_cast<int64_t>(days);
  *hour = static_cast<int>((number - days * kDaySeconds) / 3600);
  return true;
}

}  // namespace

bool ParseMomentPart(absl::string_view text, TimePart part, int* value) {
  absl::CivilDay day;
  int hour = 0;
  const bool is_text = text.size() > 4 && text[4] == '-';
  if (!(is_text ? ParseText(text, &day, &hour) : ParseSeconds(text, &day, &hour))) return false;
  switch (part) {
    case TimePart::kHour:
      *value = hour;
      break;
    case TimePart::kWeekday:
      *value = static_cast<int>(absl::GetWeekday(day)) + 1;
      break;
    case TimePart::kDay:
      *value = day.day();
      break;
    case TimePart::kMonth:
      *value = day.month();
      break;
  }
  return true;
}

}  // namespace tandem
