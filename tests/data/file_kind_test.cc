// Files that aren't text are named for what they are, plain or within gzip; text that begins like one is
// text.
#include "src/data/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/data/byte_source.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <size_t kSize>
std::string Bytes(const char (&text)[kSize]) {
  return std::string(text, kSize - 1);
}

std::string Utf16(const std::string& text, bool big_endian) {
  std::string bytes;
  for (const char c : text) bytes += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
  return bytes;
}

class FileKindTest : public SampleFilesTest {
 protected:
  absl::Status Read(const std::string& bytes) {
    const auto source = ByteSource::Open(FileSystem::Default(), Write("log", bytes));
    if (!source.ok()) return source.status();
    std::string buffer(1024, '\0');
    for (;;) {
      const absl::StatusOr<int64_t> read = (*source)->Read(&buffer[0], 1024);
      if (!read.ok()) return read.status();
      if (*read == 0) return absl::OkStatus();
    }
  }
};

TEST_F(FileKindTest, AFileThatIsNoTextIsNamed) {
  std::string tar(512, '\0');
  tar.replace(0, 5, "a.tsv").replace(257, 5, "ustar");
  for (const auto& [bytes, name] :
       {std::pair(Bytes("PAR1\x15\x04\x15\x10"), "a Parquet file"),
        std::pair(Bytes("ORC\x0a\x03\x00"), "an ORC file"), std::pair(Bytes("Obj\x01\x04"), "an Avro file"),
        std::pair(Bytes("ARROW1\x00\x00"), "an Arrow"),
        std::pair(Bytes("PK\x03\x04\x14"), "a zip archive (an Excel workbook, .xlsx"),
        std::pair(Bytes("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an Excel workbook (.xls)"),
        std::pair(Bytes("\xfd"
                        "7zXZ\x00"),
                  "xz-compressed"),
        std::pair(Bytes("BZh91AY&SY\x12"), "bzip2-compressed"), std::pair(Bytes("\xff\xfel\x00"), "UTF-16"),
        std::pair(Bytes("\xfe\xff\x00l"), "UTF-16"), std::pair(Utf16("label\tuser\n", false), "UTF-16"),
        std::pair(Utf16("label\tuser\n", true), "UTF-16"), std::pair(tar, "a tar archive"),
        std::pair(Bytes("\x04\x22\x4d\x18"), "lz4"), std::pair(Bytes("\x89HDF\r\n"), "HDF5")}) {
    for (const std::string& file : {bytes, Gzip(bytes), Zstd(bytes)}) {
      const absl::Status status = Read(file);
      EXPECT_EQ(ExitCode(status), kExitData) << name;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr("/log: is "), HasSubstr(name), HasSubstr("gzip or zstd")));
    }
  }
}

TEST_F(FileKindTest, TextThatBeginsAsOneOfThemIsText) {
  for (const char* text : {"PAR1,PAR2\n1,2\n", "ORCID\tlabel\n", "BZh9,a\n", "SEQ\tlabel\n", "ARROW1\n",
                           "PK,label\n", "a\n", "", "LZIP\tx\n", "\xef\xbb\xbflabel\n"}) {
    EXPECT_TRUE(Read(text).ok()) << text << Read(text);
  }
}

TEST_F(FileKindTest, ANulAmongTheFirstBytesIsNoText) {
  proto::Data data;
  EXPECT_TRUE(CheckIsText("log", "a\tb\n\xff\x01", data).ok());
  const absl::Status status = CheckIsText("log", Bytes("\x03\0\0\0one"), data);
  EXPECT_EQ(ExitCode(status), kExitData);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("log: is binary, not text: it has NUL bytes; data.delimited reads text"));
  data.mutable_json_lines();
  EXPECT_THAT(std::string(CheckIsText("log", Bytes("\0"), data).message()),
              HasSubstr("data.json_lines reads"));
  EXPECT_TRUE(CheckIsText("log", std::string(kTextBytes, 'x') + '\0', data).ok()) << "too late to be told";
}

}  // namespace
}  // namespace tandem
