// Models as somebody with ill will makes them: every field and record changed, every checksum right.
//
//   const HandMadeFiles good = ReadModelFiles(checkpoint);
//   std::vector<HandMade> cases = HandMadeModels(good);
//   TryEach(cases.size(), name_of, [&](int i) { WriteModelFiles(cases[i].files(), path); return Load(path); });
//
// Cases run in a process of their own, with bounded memory and time; one that dies is named, and the next one
// goes on.
#ifndef TANDEM_TESTS_SUPPORT_HAND_MADE_H_
#define TANDEM_TESTS_SUPPORT_HAND_MADE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "tandem/file_system.h"
#include "tests/support/sanitized.h"

namespace tandem {

// Of a directory with a MANIFEST, by name: the records of a file of records, or one string, the file.
struct HandMadeFile {
  bool records = false;
  std::vector<std::string> content;
};
using HandMadeFiles = std::map<std::string, HandMadeFile>;

HandMadeFiles ReadModelFiles(const std::string& directory);
// With a MANIFEST and checksums that are right.
void WriteModelFiles(const HandMadeFiles& files, const std::string& directory,
                     FileSystem& fs = FileSystem::Default());

struct HandMade {
  std::string name;  // "embedding.bin[1] TableHeader.rows = 4294967295"
  // All files are the good model's, but for a record.
  std::shared_ptr<const HandMadeFiles> good;
  std::string file;
  size_t record = 0;
  std::string bytes;

  HandMadeFiles files() const;
};

// Every scalar field of a message, and of those in it, set to each of some values that a program might trip
// over; fields that aren't set too, and a field that nobody knows.
void ForEachEvilMessage(
    const google::protobuf::Message& good,
    const std::function<void(const std::string& name, const google::protobuf::Message& evil)>& visit);

// Of a checkpoint or a bundle, one change each: of a message wherever one lies, and of every record as a
// whole.
std::vector<HandMade> HandMadeModels(const HandMadeFiles& good);

// The same records in another arrangement: one gone, twice, or in the next one's place; a file gone, empty,
// or in another's place.
std::vector<HandMade> RearrangedModels(const HandMadeFiles& good);

struct Outcomes {
  int tried = 0;
  int refused = 0;  // with a Status
  int taken = 0;
  std::vector<std::string> died;  // "NAME: signal 11"
};

// Calls `run` with 0 to cases - 1. A case has 3 GiB of address space (where no sanitizer needs more), and a
// minute.
Outcomes TryEach(int cases, const std::function<std::string(int)>& name,
                 const std::function<absl::Status(int)>& run);

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_HAND_MADE_H_
