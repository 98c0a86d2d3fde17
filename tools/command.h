// A subcommand of `tandem`: its flags, its help and its function. One file a subcommand; tools/tandem.cc
// lists them.
#ifndef TANDEM_TOOLS_COMMAND_H_
#define TANDEM_TOOLS_COMMAND_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tandem {

// What the command line says beyond flags.
struct Invocation {
  std::vector<std::string> overrides;  // key=value, in order
  // Name and value, in order: for a flag that may be given several times. gflags keep the last one.
  std::vector<std::pair<std::string, std::string>> flags;
};

struct Command {
  const char* name;
  const char* summary;                // one line
  const char* usage;                  // the rest of its help: an example, what comes out
  std::vector<const char*> flags;     // those it uses; any other is an error
  std::vector<const char*> required;  // those that must be given
  std::vector<const char*>
      override_groups;  // "" for any key, "data." for those below data; empty: takes none
  // Returns the exit code, or a status that tandem/status.h maps to one.
  absl::StatusOr<int> (*run)(const Invocation& invocation);
  // Flags that may be given several times; of any other that is an error.
  std::vector<const char*> repeated = {};
};

Command TrainCommand();
Command FinetuneCommand();
Command DailyCommand();
Command EvaluateCommand();
Command ImportanceCommand();
Command ReportCommand();
Command PredictCommand();
Command ExportCommand();
Command InspectCommand();
Command OnlineCommand();
Command SynthCommand();
Command CompareCommand();
Command TuneCommand();
Command InitCommand();

}  // namespace tandem

#endif  // TANDEM_TOOLS_COMMAND_H_
