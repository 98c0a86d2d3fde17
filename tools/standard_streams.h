// Descriptors 0 to 2 at the start of a program: one that came closed would be given to the next file that is
// opened, and what is meant for a terminal would be written into it.
//
//   OpenClosedStreams();                       // first of all in main, before anything opens a file
//   ...
//   return FinishStandardOutput(code);         // last of all
#ifndef TANDEM_TOOLS_STANDARD_STREAMS_H_
#define TANDEM_TOOLS_STANDARD_STREAMS_H_

namespace tandem {

// Fills each of the three that is closed: standard input with one that can't be read (an error, and no empty
// log), the other two with /dev/null. Ends the program with exit code 1 where not even that can be opened.
void OpenClosedStreams();

// True if standard output came closed: who asks for data there is told, and the rest is nobody's loss.
bool StandardOutputWasClosed();

// Flushes standard output. What could not be written (a full disk) is told on standard error, and turns an
// exit code of 0 into 1.
int FinishStandardOutput(int exit_code);

}  // namespace tandem

#endif  // TANDEM_TOOLS_STANDARD_STREAMS_H_
