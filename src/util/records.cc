#include "tandem/records.h"

#include <glog/logging.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/util/format_version.h"
#include "src/util/zeroed_memory.h"
#include "tandem/status.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tandem {
namespace {

// A file's first bytes; the format's version, as '0' + version, follows.
constexpr absl::string_view kMagic = "TANDEMR";
static_assert(kFormatVersion <= 9, "one digit: format 10 needs another magic, and what reads both");
constexpr int64_t kBeginBytes = 8;
constexpr uint64_t kEndLength = std::numeric_limits<uint64_t>::max();
constexpr int64_t kHeaderBytes = 16;
constexpr int64_t kCountBytes = 8;
// Read ahead, so that small records don't cost a system call each.
constexpr int64_t kReadAhead = 256 << 10;
constexpr absl::string_view kDamaged = "; the file is damaged. Nothing was loaded.";

void StoreLittleEndian(uint64_t value, char* bytes) {
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
}

uint64_t LoadLittleEndian(const char* bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

uint64_t Checksum(uint64_t position, uint64_t length, absl::string_view content) {
  char key[16];
  StoreLittleEndian(position, key);
  StoreLittleEndian(length, key + 8);
  return XXH3_64bits_withSeed(content.data(), content.size(), XXH3_64bits(key, sizeof(key)));
}

class Writer : public RecordWriter {
 public:
  explicit Writer(std::unique_ptr<WritableFile> file)
      : file_(std::move(file)),
        status_(file_->Append(absl::StrCat(kMagic, std::string(1, '0' + kFormatVersion)))) {}

  absl::Status Append(absl::string_view record) override {
    CHECK(file_ != nullptr) << "the writer is closed";
    Write(record.size(), record);
    return status_;
  }

  absl::Status Close() override {
    if (file_ == nullptr) return status_;
    char count[kCountBytes];
    StoreLittleEndian(position_, count);
    Write(kEndLength, absl::string_view(count, sizeof(count)));
    const absl::Status closed = file_->Close();
    if (status_.ok()) status_ = closed;
    file_.reset();
    return status_;
  }

 private:
  void Write(uint64_t length, absl::string_view content) {
    if (!status_.ok()) return;
    char header[kHeaderBytes];
    StoreLittleEndian(length, header);
    StoreLittleEndian(Checksum(position_, length, content), header + 8);
    status_ = file_->Append(absl::string_view(header, sizeof(header)));
    if (status_.ok()) status_ = file_->Append(content);
    ++position_;
  }

  std::unique_ptr<WritableFile> file_;
  uint64_t position_ = 0;
  absl::Status status_;
};

class Reader : public RecordReader {
 public:
  Reader(FileSystem& fs, std::string path, int64_t size) : fs_(fs), path_(std::move(path)), size_(size) {}

  absl::Status ReadMagic() {
    if (size_ >= kBeginBytes) {
      TANDEM_ASSIGN_OR_RETURN(absl::string_view begin, Peek(kBeginBytes));
      if (absl::ConsumePrefix(&begin, kMagic) && begin[0] > '0') {
        offset_ = kBeginBytes;
        return CheckFormatVersion(begin[0] - '0', path_);
      }
    }
    return ModelError(path_,
                      ": does not begin as a file of records; it is another kind of file, or damaged. ",
                      "Nothing was loaded.");
  }

  absl::StatusOr<absl::string_view> Next() override {
    TANDEM_ASSIGN_OR_RETURN(const Header header, PeekHeader());
    if (header.length == kEndLength) {
      TANDEM_RETURN_IF_ERROR(CheckEnd(header));
      return ModelError(path_, ": ends after ", position_, " records, where more are needed; ",
                        "it belongs to something else. Nothing was loaded.");
    }
    TANDEM_ASSIGN_OR_RETURN(const absl::string_view content, PeekContent(header, header.length));
    offset_ += kHeaderBytes + content.size();
    ++position_;
    return content;
  }

  absl::Status ExpectEnd() override {
    TANDEM_ASSIGN_OR_RETURN(const Header header, PeekHeader());
    if (header.length == kEndLength) return CheckEnd(header);
    // A damaged length must not pass for a surplus.
    TANDEM_RETURN_IF_ERROR(PeekContent(header, header.length).status());
    return ModelError(path_, ": holds more than the ", position_, " records expected; ",
                      "it belongs to something else. Nothing was loaded.");
  }

 private:
  struct Header {
    uint64_t length;
    uint64_t checksum;
  };

  absl::Status CutShort() const {
    return ModelError(path_, ": cut short at record ", position_, " (", size_, " bytes)", kDamaged);
  }

  // The next `length` bytes, without going on.
  absl::StatusOr<absl::string_view> Peek(int64_t length) {
    if (length > size_ - offset_) return CutShort();
    if (offset_ + length > buffer_begin_ + buffered_) {
      const int64_t wanted = std::min(std::max(length, kReadAhead), size_ - offset_);
      if (static_cast<int64_t>(buffer_.bytes()) < wanted) {
        buffer_ = {};  // Freed first: two large records needn't fit at once.
        buffer_ = ZeroedMemory(wanted + wanted / 4, ZeroedMemory::Pages::kHuge);
      }
      buffer_begin_ = offset_;
      buffered_ = 0;
      TANDEM_ASSIGN_OR_RETURN(buffered_,
                              fs_.ReadRange(path_, offset_, wanted, static_cast<char*>(buffer_.data())));
      if (buffered_ < length) return CutShort();
    }
    return absl::string_view(static_cast<const char*>(buffer_.data()) + (offset_ - buffer_begin_), length);
  }

  absl::StatusOr<Header> PeekHeader() {
    TANDEM_ASSIGN_OR_RETURN(const absl::string_view bytes, Peek(kHeaderBytes));
    return Header{LoadLittleEndian(bytes.data()), LoadLittleEndian(bytes.data() + 8)};
  }

  // The content after the header, checked.
  absl::StatusOr<absl::string_view> PeekContent(const Header& header, uint64_t length) {
    // A length is believed only as far as there is a file: it may be the damage.
    const uint64_t left = size_ - offset_ - kHeaderBytes;
    if (length > left) {
      return ModelError(path_, ": record ", position_, " has a length of ", length, " where ", left,
                        " bytes are left; the file is cut short or damaged. Nothing was loaded.");
    }
    TANDEM_ASSIGN_OR_RETURN(absl::string_view content, Peek(kHeaderBytes + static_cast<int64_t>(length)));
    content.remove_prefix(kHeaderBytes);
    if (Checksum(position_, header.length, content) != header.checksum) {
      return ModelError(path_, ": checksum of record ", position_, " differs", kDamaged);
    }
    return content;
  }

  absl::Status CheckEnd(const Header& header) {
    TANDEM_ASSIGN_OR_RETURN(const absl::string_view count, PeekContent(header, kCountBytes));
    if (LoadLittleEndian(count.data()) != position_) {
      return ModelError(path_, ": ends after ", position_, " of ", LoadLittleEndian(count.data()), " records",
                        kDamaged);
    }
    const int64_t surplus = size_ - offset_ - kHeaderBytes - kCountBytes;
    if (surplus == 0) return absl::OkStatus();
    return ModelError(path_, ": ", surplus, " bytes after the end of the records", kDamaged);
  }

  FileSystem& fs_;
  const std::string path_;
  const int64_t size_;
  int64_t offset_ = 0;
  uint64_t position_ = 0;
  // Holds the file's bytes [buffer_begin_, buffer_begin_ + buffered_). Kept from record to record: fresh
  // pages would cost more than reading.
  ZeroedMemory buffer_;
  int64_t buffer_begin_ = 0;
  int64_t buffered_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordWriter>> RecordWriter::Create(FileSystem& fs, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(auto file, fs.Create(path));
  return std::make_unique<Writer>(std::move(file));
}

absl::StatusOr<std::unique_ptr<RecordReader>> RecordReader::Open(FileSystem& fs, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t size, fs.Size(path));
  auto reader = std::make_unique<Reader>(fs, path, size);
  TANDEM_RETURN_IF_ERROR(reader->ReadMagic());
  return reader;
}

}  // namespace tandem
