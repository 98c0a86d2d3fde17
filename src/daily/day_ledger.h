// What a daily run has done: a line of JSON a date, and the same as pages for people.
//
//   DayLedger ledger(fs, run_dir);
//   TANDEM_RETURN_IF_ERROR(ledger.Read("2000-12-01"));
//   TANDEM_RETURN_IF_ERROR(ledger.Add({{"date", "2000-12-02"}, {"published", true}, ...}));
//   ledger.Published();                                                // "2000-12-02"
//
// days.jsonl in the run's directory is what a run that was killed goes on by; days.md and days.html follow
// from it. Each is written in one step. Not thread-safe.
#ifndef TANDEM_SRC_DAILY_DAY_LEDGER_H_
#define TANDEM_SRC_DAILY_DAY_LEDGER_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"

namespace tandem {

class DayLedger {
 public:
  using Json = nlohmann::ordered_json;

  // `fs` must outlive it.
  DayLedger(FileSystem& fs, const std::string& run_dir) : fs_(fs), run_dir_(run_dir) {}

  // The lines that are there, none without a file. ModelErrors of a file that is damaged or of another
  // format; a ConfigError where it begins with another date than `begin_date`.
  absl::Status Read(absl::string_view begin_date);
  // Writes file and pages with one line more.
  absl::Status Add(Json line);
  // Writes file and pages as they are to be.
  absl::Status Write() const;

  const std::vector<Json>& days() const { return days_; }
  int Count(absl::FunctionRef<bool(const Json&)> is_counted) const;
  // The date of the model in place, "" before there is one.
  std::string Published() const;

 private:
  FileSystem& fs_;
  const std::string run_dir_;
  std::vector<Json> days_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DAILY_DAY_LEDGER_H_
