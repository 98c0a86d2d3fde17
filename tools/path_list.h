// Paths, or names, as one argument of the command line: comma-separated, in order.
//
//   SplitPaths("a.tsv,b*.tsv")        // "a.tsv", "b*.tsv"
//   SplitPaths("clicks\\,1.tsv")      // "clicks,1.tsv": a backslash keeps a comma in its path
//   SplitPaths("clicks,1.tsv")        // the same, where there is a file of that name
//   SplitNames("age,city")            // "age", "city", whatever files there are
//
// The library itself takes lists: a comma in a path means nothing to it.
#ifndef TANDEM_TOOLS_PATH_LIST_H_
#define TANDEM_TOOLS_PATH_LIST_H_

#include <string>
#include <vector>

namespace tandem {

// Empty parts are left out. A backslash before anything but a comma is one of the part's own.
std::vector<std::string> SplitNames(const std::string& text);
// The same, but a text that names a file as it is is one path.
std::vector<std::string> SplitPaths(const std::string& text);

}  // namespace tandem

#endif  // TANDEM_TOOLS_PATH_LIST_H_
