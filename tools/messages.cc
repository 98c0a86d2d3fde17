#include "tools/messages.h"

#include <glog/logging.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "src/util/printable.h"
#include "tandem/status.h"

namespace tandem {
namespace {

class StandardErrorSink : public google::LogSink {
 public:
  void send(google::LogSeverity /*severity*/, const char* /*full_filename*/, const char* /*base_filename*/,
            int /*line*/, const google::LogMessageTime& /*time*/, const char* message,
            size_t message_length) override {
    std::string line = Printable(absl::string_view(message, message_length));
    line += '\n';
    std::fputs(line.c_str(), stderr);
  }
};

// No memory may be left to say it with.
void PrintOutOfMemory() {
  std::fputs(
      "tandem: out of memory: the model or the log asks for more than the machine, or its limit, has\n",
      stderr);
}

[[noreturn]] void OnUncaught() {
  PrintException();
  std::_Exit(kExitInternal);
}

}  // namespace

void StartMessages(const char* program) {
  // The sink alone prints; no log goes to a file.
  FLAGS_logtostderr = false;
  FLAGS_stderrthreshold = google::NUM_SEVERITIES;
  FLAGS_log_prefix = false;
  google::InitGoogleLogging(program);
  for (int severity = 0; severity < google::NUM_SEVERITIES; ++severity)
    google::SetLogDestination(severity, "");
  static StandardErrorSink* const sink = new StandardErrorSink;  // threads may log to the end
  google::AddLogSink(sink);
  std::set_terminate(OnUncaught);
  std::signal(SIGXFSZ, SIG_IGN);
}

void PrintError(absl::string_view message) {
  std::fprintf(stderr, "tandem: %s\n", Printable(message).c_str());
}

void PrintException() {
  try {
    if (std::current_exception() != nullptr) std::rethrow_exception(std::current_exception());
    std::fputs("tandem: ended for no reason that is known\n", stderr);
  } catch (const std::bad_alloc&) {
    PrintOutOfMemory();
  } catch (const std::system_error& error) {
    // Where the memory of a thread's stack isn't there, too.
    std::fprintf(stderr, "tandem: the system says: %s (out of memory or threads?)\n",
                 Printable(error.what()).c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: internal error: %s\n", Printable(error.what()).c_str());
  } catch (...) {
    std::fputs("tandem: internal error of a kind that isn't known\n", stderr);
  }
}

}  // namespace tandem
