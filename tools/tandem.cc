// The command line: tandem <command> --flags [key=value ...]
//
// gflags keeps the flags; their parsing is here, because an unknown flag, or one that the command doesn't
// use, is a usage error (exit code 2) with the nearest known name. Logs go to stderr, data to stdout.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "src/config/undone.h"
#include "src/util/nearest_name.h"
#include "tandem/poor_model.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/messages.h"
#include "tools/standard_streams.h"

namespace tandem {
namespace {

std::vector<Command> Commands() {
  return {InitCommand(),    TrainCommand(),      FinetuneCommand(), DailyCommand(),  EvaluateCommand(),
          PredictCommand(), ImportanceCommand(), ReportCommand(),   ExportCommand(), InspectCommand(),
          OnlineCommand(),  SynthCommand(),      CompareCommand(),  TuneCommand()};
}

std::string Names(const std::vector<const char*>& flags) {
  return absl::StrJoin(flags, " ",
                       [](std::string* out, const char* flag) { absl::StrAppend(out, "--", flag); });
}

std::string DidYouMean(const std::string& nearest, const char* prefix) {
  return nearest.empty() ? "" : absl::StrCat("; did you mean '", prefix, nearest, "'?");
}

std::string GeneralHelp() {
  std::string help =
      "Tandem trains a teacher and a student click-through-rate ranker together, and scores with the "
      "student.\n\n"
      "usage: tandem <command> --flags [key=value ...]\n\n";
  for (const Command& command : Commands()) {
    absl::StrAppend(&help, "  ", command.name, std::string(12 - std::string(command.name).size(), ' '),
                    command.summary, "\n");
  }
  absl::StrAppend(&help, "\n`tandem help <command>` describes one.\n");
  return help;
}

std::string CommandHelp(const Command& command) {
  std::string help =
      absl::StrCat("tandem ", command.name, ": ", command.summary, "\n\n", command.usage, "\n\n");
  for (const char* flag : command.flags) {
    gflags::CommandLineFlagInfo info;
    if (!gflags::GetCommandLineFlagInfo(flag, &info)) continue;
    absl::StrAppend(&help, "  --", flag, " (", info.type, ", default '", info.default_value, "')  ",
                    info.description, "\n");
  }
  return help;
}

// gflags would keep the last value, and say nothing.
absl::Status CheckGivenOnce(const Command& command, const Invocation& invocation, const std::string& name,
                            const std::string& value) {
  for (const auto& [flag, before] : invocation.flags) {
    if (flag != name ||
        std::find(command.repeated.begin(), command.repeated.end(), name) != command.repeated.end())
      continue;
    const bool list = name == "config" || name == "test" ||
                      (name == "input" && absl::string_view(command.name) != "online");
    return ConfigError(
        "--", name, " is given twice (", before, " and ", value, "); it takes one value",
        list ? absl::StrCat(", several files with commas: --", name, "=", before, ",", value) : "");
  }
  return absl::OkStatus();
}

// Sets one flag from argv[*index], taking the next argument as its value where it has none of its own.
absl::Status SetFlag(const Command& command, const std::vector<std::string>& arguments, size_t* index,
                     Invocation* invocation) {
  absl::string_view argument = arguments[*index];
  argument.remove_prefix(absl::StartsWith(argument, "--") ? 2 : 1);
  const size_t equals = argument.find('=');
  std::string name(argument.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  const auto used = [&](const std::string& flag) {
    return std::any_of(command.flags.begin(), command.flags.end(),
                       [&](const char* known) { return flag == known; });
  };
  std::string value;
  gflags::CommandLineFlagInfo info;
  if (!used(name) && equals == absl::string_view::npos && absl::StartsWith(name, "no") &&
      used(name.substr(2)) && gflags::GetCommandLineFlagInfo(name.substr(2).c_str(), &info) &&
      info.type == "bool") {
    name = name.substr(2);
    value = "false";
  } else if (!used(name)) {
    const std::vector<std::string> known(command.flags.begin(), command.flags.end());
    return ConfigError("tandem ", command.name, " has no flag --", name,
                       DidYouMean(NearestName(name, known), "--"),
                       known.empty() ? "" : absl::StrCat(" (its flags: ", Names(command.flags), ")"));
  } else {
    CHECK(gflags::GetCommandLineFlagInfo(name.c_str(), &info)) << name;
    if (equals != absl::string_view::npos) {
      value = std::string(argument.substr(equals + 1));
    } else if (info.type == "bool") {
      value = "true";
    } else if (*index + 1 < arguments.size()) {
      value = arguments[++*index];
    } else {
      return ConfigError("--", name, " wants a value: --", name, "=...");
    }
  }
  if (gflags::SetCommandLineOption(name.c_str(), value.c_str()).empty()) {
    return ConfigError("--", name, "=", value, ": not a ", info.type);
  }
  TANDEM_RETURN_IF_ERROR(CheckGivenOnce(command, *invocation, name, value));
  invocation->flags.emplace_back(name, value);
  return absl::OkStatus();
}

absl::Status CheckOverride(const Command& command, const std::string& text) {
  if (command.override_groups.empty()) {
    return ConfigError("'", text, "': tandem ", command.name, " takes flags only");
  }
  if (!absl::StrContains(text, "=")) {
    return ConfigError("'", text, "' is neither a flag (--name=value) nor an override (key=value)");
  }
  for (const char* group : command.override_groups) {
    if (absl::StartsWith(text, group)) return absl::OkStatus();
  }
  return ConfigError("'", text, "': tandem ", command.name, " takes overrides of ",
                     absl::StrJoin(command.override_groups, "*, "), "* only; the rest belongs to the model");
}

absl::StatusOr<int> RunCommand(const Command& command, const std::vector<std::string>& arguments) {
  Invocation invocation;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      std::fputs(CommandHelp(command).c_str(), stdout);
      return kExitDone;
    }
    if (argument.size() > 1 && argument[0] == '-') {
      TANDEM_RETURN_IF_ERROR(SetFlag(command, arguments, &i, &invocation));
    } else {
      TANDEM_RETURN_IF_ERROR(CheckOverride(command, argument));
      invocation.overrides.push_back(argument);
    }
  }
  TANDEM_RETURN_IF_ERROR(CheckNoneUndone(invocation.overrides));
  for (const char* flag : command.required) {
    const auto is_flag = [&](const auto& given) { return given.first == flag && !given.second.empty(); };
    if (std::none_of(invocation.flags.begin(), invocation.flags.end(), is_flag)) {
      return ConfigError("tandem ", command.name, " needs --", flag, " (`tandem help ", command.name, "`)");
    }
  }
  return command.run(invocation);
}

absl::StatusOr<int> Main(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    std::fputs(GeneralHelp().c_str(), stderr);
    return kExitUsage;
  }
  std::vector<std::string> names;
  for (const Command& command : Commands()) names.push_back(command.name);
  const std::string& first = arguments[0];
  const bool help = first == "help" || first == "--help" || first == "-h";
  if (help && arguments.size() == 1) {
    std::fputs(GeneralHelp().c_str(), stdout);
    return kExitDone;
  }
  if (first == "--version") {
    std::printf("tandem %s\n", TANDEM_VERSION);
    return kExitDone;
  }
  const std::string& name = help ? arguments[1] : first;
  for (const Command& command : Commands()) {
    if (name != command.name) continue;
    if (!help) return RunCommand(command, {arguments.begin() + 1, arguments.end()});
    std::fputs(CommandHelp(command).c_str(), stdout);
    return kExitDone;
  }
  return ConfigError("tandem has no command '", name, "'", DidYouMean(NearestName(name, names), ""),
                     " (its commands: ", absl::StrJoin(names, " "), ")");
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
  tandem::OpenClosedStreams();
  tandem::StartMessages(argv[0]);
  absl::StatusOr<int> code = tandem::kExitInternal;
  try {
    code = tandem::Main({argv + 1, argv + argc});
  } catch (...) {
    tandem::PrintException();
  }
  if (!code.ok()) tandem::PrintError(code.status().message());
  const bool poor = absl::IsFailedPrecondition(code.status());
  return tandem::FinishStandardOutput(code.ok() ? *code
                                      : poor    ? tandem::kExitPoorModel
                                                : tandem::ExitCode(code.status()));
}
