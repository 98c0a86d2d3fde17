// What several subcommands share: flags, kernels, output files, signals.
#ifndef TANDEM_TOOLS_COMMON_H_
#define TANDEM_TOOLS_COMMON_H_

#include <gflags/gflags_declare.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "src/util/output_file.h"
#include "tandem/kernels.h"

DECLARE_string(config);
DECLARE_string(run_dir);
DECLARE_string(end_date);
DECLARE_string(begin_date);
DECLARE_bool(resume);
DECLARE_string(model);
DECLARE_string(input);
DECLARE_string(output);
DECLARE_string(kernels);
DECLARE_string(format);
DECLARE_uint64(seed);
DECLARE_bool(profile);

namespace tandem {

enum class OutputFormat { kText, kJson };

// As --format says; without it text for a terminal or a pipe, JSON in a file of --output.
absl::StatusOr<OutputFormat> ChosenFormat();

// Comma-separated, empty parts left out.
std::vector<std::string> SplitList(const std::string& text);

// A ConfigError where a list that a flag gave says something twice.
absl::Status CheckNoneTwice(const char* flag, const std::vector<std::string>& list);

// The files that a flag names (SplitPaths); a ConfigError where one is there twice, under whatever name.
absl::StatusOr<std::vector<std::string>> FilesGivenOnce(const char* flag, const std::string& text);

// The files of --config; a run that is resumed needs none: it has its own.
absl::StatusOr<std::vector<std::string>> ConfigFiles(const char* command);

// The kernels that --kernels names.
absl::StatusOr<const Kernels*> ChosenKernels();

// Set to the signal's number by SIGINT and SIGTERM from now on; a second one kills.
const std::atomic<int>& CatchStopSignals();

// A ConfigError unless --output can be the name of a folder to make.
absl::Status CheckOutputIsFolder();

// A ConfigError when the file to write is one of those to read, or has the name of a compressed one: text is
// what is written.
absl::Status CheckOutputFile(const std::vector<std::string>& inputs, const std::string& output);

// Where a command's data goes: a file, written aside and renamed by Finish; a pipe or a device, written to as
// it is; or standard output for "" and "-". Without Finish, destroyed or ended by SIGINT or SIGTERM, it
// leaves no file. One at a time.
class Output {
 public:
  static absl::StatusOr<Output> Open(const std::string& path);
  Output(Output&& other) noexcept;
  Output& operator=(Output&& other) = delete;
  ~Output();

  absl::Status Write(absl::string_view bytes);
  absl::Status Finish();

 private:
  explicit Output(OutputFile file) : file_(std::move(file)) {}
  Output(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::optional<OutputFile> file_;
  // Of what is no file.
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace tandem

#endif  // TANDEM_TOOLS_COMMON_H_
