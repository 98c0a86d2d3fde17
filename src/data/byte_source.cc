#include "src/data/byte_source.h"

#include <poll.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "src/data/file_kind.h"
#include "src/util/packed_name.h"
#include "src/util/paths.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int64_t kBufferBytes = 1 << 18;

absl::Status AsDataError(const absl::Status& status) { return DataError(status.message()); }

class StandardInput : public ReadableFile {
 public:
  absl::StatusOr<int64_t> Read(char* bytes, int64_t size) override {
    for (;;) {
      const ssize_t n = read(STDIN_FILENO, bytes, size);
      if (n >= 0) return n;
      if (errno != EINTR) return DataError("standard input: ", std::strerror(errno));
    }
  }
};

// The file as it is, with a look at its first bytes.
class PlainSource : public ByteSource {
 public:
  // `bytes`: that the file has when it is opened, 0 where that isn't known. It may grow.
  PlainSource(std::string path, std::unique_ptr<ReadableFile> file, int64_t bytes)
      : path_(std::move(path)), file_(std::move(file)), bytes_(bytes) {}

  // The first `size` bytes, fewer if the file is shorter; they are read again by Read.
  absl::StatusOr<std::string> Peek(int64_t size) {
    std::string bytes(size, '\0');
    int64_t have = 0;
    while (have < size) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t read, Read(&bytes[have], size - have));
      if (read == 0) break;
      have += read;
    }
    bytes.resize(have);
    peeked_ = bytes;
    return bytes;
  }

  absl::StatusOr<int64_t> Read(char* out, int64_t size) override {
    if (!peeked_.empty()) {
      const auto n = std::min<int64_t>(size, static_cast<int64_t>(peeked_.size()));
      std::memcpy(out, peeked_.data(), n);
      peeked_.erase(0, n);
      return n;
    }
    const absl::StatusOr<int64_t> n = file_->Read(out, size);
    if (!n.ok()) return AsDataError(n.status());
    read_ += *n;
    if (*n == 0 && size > 0 && read_ < bytes_) {
      return DataError(path_, ": ends after ", read_, " bytes, but had ", bytes_,
                       " when it was opened: it was cut while it was read");
    }
    return n;
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::unique_ptr<ReadableFile> file_;
  const int64_t bytes_;
  int64_t read_ = 0;
  std::string peeked_;
};

// One or more gzip members, one after another.
class GzipSource : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<PlainSource> file) : file_(std::move(file)), in_(kBufferBytes) {
    stream_ = {};
    // 16: the gzip header and trailer, and nothing else.
    inflateInit2(&stream_, MAX_WBITS + 16);
  }
  ~GzipSource() override { inflateEnd(&stream_); }

  absl::StatusOr<int64_t> Read(char* out, int64_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out == static_cast<uInt>(size)) {
      if (stream_.avail_in == 0) {
        TANDEM_ASSIGN_OR_RETURN(const int64_t n, file_->Read(in_.data(), kBufferBytes));
        if (n == 0) {
          if (between_members_) return 0;
          return DataError(file_->path(), ": the gzip data ends in the middle, after ", produced_,
                           " bytes of text; the file is truncated");
        }
        stream_.next_in = reinterpret_cast<Bytef*>(in_.data());
        stream_.avail_in = static_cast<uInt>(n);
      }
      if (between_members_) {
        inflateReset(&stream_);
        between_members_ = false;
      }
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        between_members_ = true;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return DataError(file_->path(), ": damaged gzip data after ", produced_ + size - stream_.avail_out,
                         " bytes of text (", stream_.msg == nullptr ? "no detail" : stream_.msg, ")");
      }
    }
    const int64_t n = size - stream_.avail_out;
    produced_ += n;
    return n;
  }

 private:
  std::unique_ptr<PlainSource> file_;
  std::vector<char> in_;
  z_stream stream_;
  bool between_members_ = false;
  int64_t produced_ = 0;
};

// One or more zstd frames.
class ZstdSource : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<PlainSource> file)
      : file_(std::move(file)), in_(kBufferBytes), stream_(ZSTD_createDStream(), ZSTD_freeDStream) {}

  absl::StatusOr<int64_t> Read(char* out, int64_t size) override {
    ZSTD_outBuffer output{out, static_cast<size_t>(size), 0};
    while (output.pos == 0) {
      if (input_.pos == input_.size && (frame_done_ || !more_output_)) {
        TANDEM_ASSIGN_OR_RETURN(const int64_t n, file_->Read(in_.data(), kBufferBytes));
        if (n == 0) {
          if (frame_done_) return 0;
          return DataError(file_->path(), ": the zstd data ends in the middle, after ", produced_,
                           " bytes of text; the file is truncated");
        }
        input_ = {in_.data(), static_cast<size_t>(n), 0};
      }
      const size_t code = ZSTD_decompressStream(stream_.get(), &output, &input_);
      if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
        return DataError(
            file_->path(), ": zstd data with a window of more than 128 MB (zstd --long, --ultra), which a ",
            "reader must hold in memory; compress it without --long: zstd -dc --long=31 FILE | zstd");
      }
      if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        return DataError(file_->path(), ": zstd data that needs more memory than there is");
      if (ZSTD_isError(code) != 0) {
        return DataError(file_->path(), ": damaged zstd data after ", produced_, " bytes of text (",
                         ZSTD_getErrorName(code), ")");
      }
      frame_done_ = code == 0;
      more_output_ = output.pos == output.size;
    }
    produced_ += static_cast<int64_t>(output.pos);
    return static_cast<int64_t>(output.pos);
  }

 private:
  std::unique_ptr<PlainSource> file_;
  std::vector<char> in_;
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
  ZSTD_inBuffer input_ = {nullptr, 0, 0};
  bool frame_done_ = false;
  bool more_output_ = false;
  int64_t produced_ = 0;
};

// Looks at the first bytes of what another source reads: what isn't text is said to be what it is.
class TextSource : public ByteSource {
 public:
  TextSource(std::string path, std::unique_ptr<ByteSource> bytes)
      : path_(std::move(path)), bytes_(std::move(bytes)) {}

  absl::StatusOr<int64_t> Read(char* out, int64_t size) override {
    TANDEM_ASSIGN_OR_RETURN(const int64_t read, bytes_->Read(out, size));
    if (first_.size() >= kKindBytes) return read;
    first_.append(out, std::min<int64_t>(read, kKindBytes - first_.size()));
    const std::string kind = KindOfBinary(first_);
    if (kind.empty()) return read;
    return DataError(path_, ": is ", kind, ". Read is text, plain, gzip or zstd");
  }

 private:
  const std::string path_;
  const std::unique_ptr<ByteSource> bytes_;
  std::string first_;
};

Packing PackingOf(absl::string_view path, absl::string_view first_bytes, ByteSource::Content content) {
  if (content == ByteSource::Content::kBytes) return PackedNameOf(path).packing;
  if (absl::StartsWith(first_bytes, "\x1f\x8b")) return Packing::kGzip;
  // pzstd begins with a skippable frame.
  const bool skippable =
      first_bytes.size() == 4 && (first_bytes[0] & 0xf0) == 0x50 && first_bytes.substr(1) == "\x2a\x4d\x18";
  return skippable || absl::StartsWith(first_bytes, "\x28\xb5\x2f\xfd") ? Packing::kZstd : Packing::kNone;
}

bool IsNamedPipe(FileSystem& fs, const std::string& path) {
  if (IsStreamName(path)) return false;
  const absl::StatusOr<FileInfo> info = fs.Info(path);
  return info.ok() && info->kind == FileInfo::Kind::kPipe;
}

absl::StatusOr<std::unique_ptr<ByteSource>> OpenBytes(FileSystem& fs, const std::string& path,
                                                      ByteSource::Content content, ByteSource::Pipes pipes) {
  if (pipes == ByteSource::Pipes::kRefused && IsNamedPipe(fs, path))
    return DataError(path, ": is a pipe, where a file is wanted; - and /dev/stdin are read as streams");
  std::unique_ptr<ReadableFile> opened;
  int64_t bytes = 0;
  if (path == "-") {
    opened = std::make_unique<StandardInput>();
  } else {
    if (fs.IsDirectory(path))
      return DataError(path, ": a directory, where a sample file is wanted; name its files: ", path, "/*");
    absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs.OpenForReading(path);
    if (!file.ok()) return AsDataError(file.status());
    opened = *std::move(file);
    bytes = fs.Size(path).value_or(0);
  }
  auto file = std::make_unique<PlainSource>(path == "-" ? "standard input" : path, std::move(opened), bytes);
  TANDEM_ASSIGN_OR_RETURN(const std::string first_bytes, file->Peek(4));
  switch (PackingOf(path, first_bytes, content)) {
    case Packing::kGzip:
      return std::unique_ptr<ByteSource>(std::make_unique<GzipSource>(std::move(file)));
    case Packing::kZstd:
      return std::unique_ptr<ByteSource>(std::make_unique<ZstdSource>(std::move(file)));
    case Packing::kNone:
    case Packing::kUnread:
      break;
  }
  return std::unique_ptr<ByteSource>(std::move(file));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::Open(FileSystem& fs, const std::string& path,
                                                             Content content, Pipes pipes) {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> bytes, OpenBytes(fs, path, content, pipes));
  if (content == Content::kBytes) return bytes;
  const std::string name = path == "-" ? "standard input" : path;
  return std::unique_ptr<ByteSource>(std::make_unique<TextSource>(name, std::move(bytes)));
}

ByteSource::Content ContentOf(const RowFraming& framing) {
  return framing.is_text() ? ByteSource::Content::kText : ByteSource::Content::kBytes;
}

bool IsCompressed(absl::string_view path, absl::string_view first_bytes, ByteSource::Content content) {
  return PackingOf(path, first_bytes, content) != Packing::kNone;
}

bool WaitForStandardInput(double seconds) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, static_cast<int>(seconds * 1000)) > 0;
}

}  // namespace tandem
