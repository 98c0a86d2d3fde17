// What is said on standard error, in one place: every message is one line, without what a terminal would
// obey.
//
//   StartMessages(argv[0]);            // logs go to stderr
//   PrintError("no such file");        // tandem: no such file
#ifndef TANDEM_TOOLS_MESSAGES_H_
#define TANDEM_TOOLS_MESSAGES_H_

#include "absl/strings/string_view.h"

namespace tandem {

// Logs go to standard error line by line, names in them escaped (src/util/printable.h), and an exception that
// nobody catches, on any thread, ends the program with a sentence and exit code 1. A file that grows beyond
// what the system allows is an error of its write, not a signal.
void StartMessages(const char* program);

// "tandem: " and the message.
void PrintError(absl::string_view message);

// What an exception that came to main says; for a catch clause.
void PrintException();

}  // namespace tandem

#endif  // TANDEM_TOOLS_MESSAGES_H_
