// What a sample format says of itself to whoever looks at a log before there is a configuration, and the
// looks at all of them.
//
//   if (SetFormatLike(text, &data)) LOG(INFO) << MakeSampleFormat(data)->look().name();       // "JSON lines"
//
// Thread-safe.
#ifndef TANDEM_FORMAT_LOOK_H_
#define TANDEM_FORMAT_LOOK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/cell_reader.h"

namespace tandem {

namespace proto {
class Data;
}  // namespace proto

// The defaults are those of a format that nothing can be told of by its bytes.
class FormatLook {
 public:
  virtual ~FormatLook() = default;
  // In the plural: "JSON lines".
  virtual std::string name() const { return "text"; }
  // Of the name of a file of it, not compressed.
  virtual std::string extension() const { return ".txt"; }
  // Whether a cell says itself that it is a list, and of what: ListColumns are for the other formats.
  virtual bool cells_say_lists() const { return false; }
  // Whether a file whose text begins so, blanks passed over, says that it is of this format and no other.
  virtual bool IsLike(absl::string_view /*text*/) const { return false; }
  // A sentence for somebody who read a line of it as another format; "" for what isn't a line of it.
  virtual std::string Hint(absl::string_view /*line*/) const { return ""; }
  // The columns whose cells are lists in `text`, a file's first bytes, where cells say so. A DataError that
  // names `origin` where it isn't of the format at all.
  virtual absl::StatusOr<ListColumns> FindLists(absl::string_view /*text*/,
                                                absl::string_view /*origin*/) const {
    return ListColumns();
  }
};

// Sets `data`'s format to the one that IsLike `text`, with its defaults. False, with nothing done, where none
// is.
bool SetFormatLike(absl::string_view text, proto::Data* data);
// What the formats say to somebody who read such a line as another one (FormatLook::Hint): " The first..."
std::string FormatHint(absl::string_view line);

}  // namespace tandem

#endif  // TANDEM_FORMAT_LOOK_H_
