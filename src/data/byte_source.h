// The bytes of a sample file, decompressed.
//
//   TANDEM_ASSIGN_OR_RETURN(auto source, ByteSource::Open(fs, path, ContentOf(format.framing())));
//
// Of text the first bytes say whether it is gzip or zstd, and it is an error where they say that it isn't
// text. Other bytes may be any, the first ones too: what is called .gz, .zst or .zstd is compressed.
#ifndef TANDEM_SRC_DATA_BYTE_SOURCE_H_
#define TANDEM_SRC_DATA_BYTE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/file_system.h"
#include "tandem/row_framing.h"

namespace tandem {

// Not thread-safe. Errors are DataErrors that name the file.
class ByteSource {
 public:
  enum class Content { kText, kBytes };
  enum class Pipes { kRefused, kRead };
  // "-" is standard input, which is no file system's, and may be a pipe, as /dev/stdin may; another name's
  // pipe is read where the caller has it so: a log is read more than once. `fs` must outlive the source.
  static absl::StatusOr<std::unique_ptr<ByteSource>> Open(FileSystem& fs, const std::string& path,
                                                          Content content = Content::kText,
                                                          Pipes pipes = Pipes::kRefused);
  virtual ~ByteSource() = default;
  // Up to `size` bytes into `out`; 0 at the end of the file.
  virtual absl::StatusOr<int64_t> Read(char* out, int64_t size) = 0;
};

// What rows lie in.
ByteSource::Content ContentOf(const RowFraming& framing);
// Whether it is what Open decompresses. `first_bytes`: up to 4.
bool IsCompressed(absl::string_view path, absl::string_view first_bytes, ByteSource::Content content);

// Waits up to so long, on the machine's clock, until standard input has bytes or has ended; whether it has.
bool WaitForStandardInput(double seconds);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_BYTE_SOURCE_H_
