// From a log that nobody has described to a configuration that trains well as it is: what its format, its
// label and its columns are is found in a sample of its rows, and said.
//
//   InitOptions options;
//   options.input = {"clicks.csv"};
//   options.label = "clicked";
//   options.output = "experiment.pbtxt";
//   TANDEM_ASSIGN_OR_RETURN(const InitReport report, InitExperiment(FileSystem::Default(), options));
//   std::cout << InitReportText(report);
//
// Equal files and options give equal texts. Memory doesn't grow with the log: statistics of a column are
// bounded.
//
// Thread-safe, for outputs that differ.
#ifndef TANDEM_INIT_H_
#define TANDEM_INIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"

namespace tandem {

struct InitOptions {
  // Paths, globs, or one path with {date} in it. Files whose names differ by a day make a daily log.
  std::vector<std::string> input;
  // Column of the label; empty: the likely one.
  std::string label;
  // Texts of the label that mean 1; empty: what 0 and 1, or two texts, suggest.
  std::vector<std::string> positive;
  // Column of times, by whose days one log is written as daily files into `days_folder`.
  std::string date;
  std::string days_folder;
  // Column whose values group the rows for GAUC.
  std::string group;
  // Columns to leave out, and those to use whatever is odd about them.
  std::vector<std::string> drop, keep;
  // `key=value` of `data` that are known already: "data.delimited.delimiter=;".
  std::vector<std::string> settings;
  // The file of the configuration; empty: none is written.
  std::string output;
  // Writes over an output that was edited since init wrote it, or that init did not write, and over a folder
  // of days.
  bool replace = false;
  // Rows that are looked at, the first ones of every file.
  int64_t sample_rows = 300000;
};

struct InitColumn {
  std::string name;
  std::string kind;  // "number", "ids", "leak-like", ...
  bool used = false;
  int64_t distinct = 0;
  double missing = 0;  // share of the rows
  std::string why;
};

struct InitReport {
  std::string configuration;          // its text
  std::vector<std::string> findings;  // sentences: files, format, label
  std::vector<InitColumn> columns;    // as in the log
  std::vector<std::string> warnings;  // what to look at, first of all
  std::vector<std::string> plan;      // sentences: model, training, memory
  std::vector<std::string> commands;  // what to type next
  int64_t rows = 0;                   // looked at
  double total_rows = 0;              // about, where that isn't all
  double positive_rate = 0;
  double memory_bytes = 0;  // that training will take, about
};

// ConfigErrors for what is asked for and isn't there, or must be asked for; DataErrors for what can't be
// read.
absl::StatusOr<InitReport> InitExperiment(FileSystem& fs, const InitOptions& options);

// For people, in lines of at most 100 characters.
std::string InitReportText(const InitReport& report);

}  // namespace tandem

#endif  // TANDEM_INIT_H_
