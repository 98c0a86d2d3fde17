#include "tools/common.h"

#include <fcntl.h>
#include <gflags/gflags.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_split.h"
#include "src/train/run_config.h"
#include "src/train/run_files.h"
#include "src/util/distinct_files.h"
#include "src/util/packed_name.h"
#include "tandem/file_system.h"
#include "tandem/status.h"
#include "tools/path_list.h"
#include "tools/standard_streams.h"

DEFINE_string(config, "",
              "Configuration files, comma-separated (\\, stands for a comma in a name); later ones override "
              "earlier ones.");
DEFINE_string(run_dir, "", "Directory of the run.");
DEFINE_string(end_date, "", "Last day (YYYY-MM-DD).");
DEFINE_string(begin_date, "", "First day (YYYY-MM-DD).");
DEFINE_bool(resume, false, "Go on with the run in --run_dir.");
DEFINE_string(model, "",
              "A run (its newest step), a checkpoint (RUN/checkpoints/step-N) or, except for export, an "
              "exported bundle.");
DEFINE_string(input, "",
              "Sample files: paths and globs, comma-separated (\\, stands for a comma in a name; online: one "
              "file); - is standard input.");
DEFINE_string(
    output, "",
    "Where to write: a file, - or nothing for standard output (export and synth: the folder to make).");
DEFINE_uint64(seed, 1, "Of all that is drawn (synth: of the truth, too).");
DEFINE_bool(
    profile, false,
    "At the end print where the time went, by stage, with FLOPs, bytes and shares of the machine's peak; "
    "train and finetune keep it as profile.json in the run directory.");
DEFINE_string(kernels, "auto", "Instruction set of the kernels: auto, generic, avx2 or avx512.");
DEFINE_string(format, "", "text or json; left out, text on standard output and JSON in a file of --output.");

namespace tandem {
namespace {

std::atomic<int> stop_signal{0};

void OnStopSignal(int signal_number) {
  if (stop_signal.exchange(signal_number) != 0) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
}

// The file that an Output is writing, for the handler: nothing but this can be reached from one.
char unfinished_file[PATH_MAX];
volatile std::sig_atomic_t has_unfinished_file = 0;

void OnFatalSignal(int signal_number) {
  if (has_unfinished_file != 0) unlink(unfinished_file);
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

// One that does more than end the process stays.
void RemoveWhenKilled(const std::string& path) {
  if (path.size() >= sizeof(unfinished_file)) return;
  std::memcpy(unfinished_file, path.c_str(), path.size() + 1);
  has_unfinished_file = 1;
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now;
    if (sigaction(signal_number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
      std::signal(signal_number, OnFatalSignal);
  }
}

absl::Status WriteError(const std::string& path) {
  return absl::InternalError(
      absl::StrCat(path.empty() ? "standard output" : path, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<OutputFormat> ChosenFormat() {
  if (FLAGS_format == "text") return OutputFormat::kText;
  if (FLAGS_format == "json") return OutputFormat::kJson;
  if (!FLAGS_format.empty()) return ConfigError("--format=", FLAGS_format, ": 'text' or 'json'");
  return FLAGS_output.empty() || FLAGS_output == "-" ? OutputFormat::kText : OutputFormat::kJson;
}

absl::Status CheckOutputIsFolder() {
  if (FLAGS_output != "-") return absl::OkStatus();
  return ConfigError("--output=-: standard output is no folder; name the folder to make");
}

absl::Status CheckOutputFile(const std::vector<std::string>& inputs, const std::string& output) {
  const PackedName name = PackedNameOf(output);
  if (name.packing != Packing::kNone) {
    return ConfigError("--output: ", output, ": what is written is plain text; leave ", name.ending,
                       " off, or compress what comes from --output=-");
  }
  const absl::Status status = CheckIsNoInput(FileSystem::Default(), output, inputs);
  return status.ok() ? status : ConfigError("--", status.message());
}

std::vector<std::string> SplitList(const std::string& text) {
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

absl::Status CheckNoneTwice(const char* flag, const std::vector<std::string>& list) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (std::find(list.begin(), list.begin() + static_cast<int64_t>(i), list[i]) !=
        list.begin() + static_cast<int64_t>(i))
      return ConfigError("--", flag, ": ", list[i], " is there twice");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FilesGivenOnce(const char* flag, const std::string& text) {
  std::vector<std::string> files = SplitPaths(text);
  DistinctFiles seen(FileSystem::Default());
  for (const std::string& file : files) {
    const std::string before = seen.Before(file);
    if (before.empty()) continue;
    return ConfigError("--", flag, ": ", file,
                       file == before ? " is there twice" : absl::StrCat(" is the same file as ", before),
                       "; what it says would hold over the files between");
  }
  return files;
}

absl::StatusOr<std::vector<std::string>> ConfigFiles(const char* command) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> files, FilesGivenOnce("config", FLAGS_config));
  if (!files.empty()) return files;
  if (!FLAGS_resume) return ConfigError("tandem ", command, " needs --config (`tandem help ", command, "`)");
  files.push_back(RunConfigPath(FLAGS_run_dir));
  FileSystem& fs = FileSystem::Default();
  // The run's own must be as the run wrote it; what isn't there is told of when it is loaded.
  if (fs.Exists(files[0])) TANDEM_RETURN_IF_ERROR(ReadRunConfig(fs, FLAGS_run_dir).status());
  return files;
}

absl::StatusOr<const Kernels*> ChosenKernels() {
  absl::StatusOr<const Kernels*> kernels = FindKernels(FLAGS_kernels);
  if (!kernels.ok()) return ConfigError("--kernels: ", kernels.status().message());
  return kernels;
}

const std::atomic<int>& CatchStopSignals() {
  std::signal(SIGINT, OnStopSignal);
  std::signal(SIGTERM, OnStopSignal);
  return stop_signal;
}

Output::Output(Output&& other) noexcept
    : file_(std::exchange(other.file_, std::nullopt)),
      path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

Output::~Output() {
  if (descriptor_ > STDOUT_FILENO) close(descriptor_);
  if (!file_.has_value()) return;
  file_.reset();
  has_unfinished_file = 0;
}

absl::StatusOr<Output> Output::Open(const std::string& path) {
  if (path.empty() || path == "-") {
    if (StandardOutputWasClosed())
      return ConfigError("--output: standard output is closed; name a file, or leave it open");
    return Output("", STDOUT_FILENO);
  }
  FileSystem& fs = FileSystem::Default();
  const absl::StatusOr<FileInfo> info = fs.Info(path);
  if (info.ok() && info->kind != FileInfo::Kind::kFile) {
    if (info->kind == FileInfo::Kind::kDirectory)
      return ConfigError("--output: ", path, " is a directory; name a file");
    // A pipe or a device is written to; it could only be replaced by a rename.
    const int device = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (device < 0) return ConfigError("--output: ", path, ": ", std::strerror(errno));
    return Output(path, device);
  }
  absl::StatusOr<OutputFile> file = OutputFile::Open(fs, path);
  if (!file.ok()) return ConfigError("--output: ", file.status().message());
  RemoveWhenKilled(file->aside());
  return Output(*std::move(file));
}

absl::Status Output::Write(absl::string_view bytes) {
  if (file_.has_value()) return file_->Write(bytes);
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return WriteError(path_);
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status Output::Finish() {
  if (!file_.has_value()) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(file_->Finish());
  has_unfinished_file = 0;
  return absl::OkStatus();
}

}  // namespace tandem
