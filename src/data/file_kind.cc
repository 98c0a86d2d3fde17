#include "src/data/file_kind.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "tandem/experiment.pb.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr char kUnpack[] = "; unpack it, or pipe what is in it to standard input";
constexpr char kExport[] = "; export it as CSV or JSON lines";
constexpr char kConvert[] = "; convert it: iconv -t UTF-8";

struct Kind {
  absl::string_view magic;
  const char* name;
  const char* advice;
  // The magic is text: what follows it must not be.
  bool like_text = false;
};

// A magic with zeros in it needs its length.
template <size_t kSize>
constexpr absl::string_view Bytes(const char (&text)[kSize]) {
  return {text, kSize - 1};
}

constexpr Kind kKinds[] = {
    {Bytes("PAR1"), "a Parquet file", kExport, true},
    {Bytes("PARE"), "an encrypted Parquet file", kExport, true},
    {Bytes("ORC"), "an ORC file", kExport, true},
    {Bytes("Obj\x01"), "an Avro file", kExport},
    {Bytes("ARROW1"), "an Arrow (Feather) file", kExport, true},
    {Bytes("FEA1"), "a Feather file", kExport, true},
    {Bytes("SEQ"), "a Hadoop sequence file", kExport, true},
    {Bytes("\x89HDF"), "an HDF5 file", kExport},
    {Bytes("\x93NUMPY"), "a NumPy file", kExport},
    {Bytes("SQLite format 3"), "an SQLite database", kExport, true},
    {Bytes("PK\x03\x04"), "a zip archive (an Excel workbook, .xlsx, is one, too)",
     "; unpack it, or save the sheet as CSV"},
    {Bytes("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an Excel workbook (.xls)", "; save the sheet as CSV"},
    {Bytes("%PDF-"), "a PDF", kExport},
    {Bytes("\xfd"
           "7zXZ"),
     "xz-compressed", kUnpack},
    {Bytes("BZh"), "bzip2-compressed (bz2)", kUnpack, true},
    {Bytes("7z\xbc\xaf\x27\x1c"), "a 7z archive", kUnpack},
    {Bytes("\x04\x22\x4d\x18"), "lz4-compressed", kUnpack},
    {Bytes("LZIP"), "lzip-compressed", kUnpack, true},
    {Bytes("\xff\x06\x00\x00sNaPpY"), "snappy-compressed", kUnpack},
    {Bytes("\x1f\x9d"), "compressed by compress (.Z)", kUnpack},
    {Bytes("\x89LZO"), "lzo-compressed", kUnpack},
    {Bytes("\xff\xfe\x00\x00"), "UTF-32 text", kConvert},
    {Bytes("\x00\x00\xfe\xff"), "UTF-32 text", kConvert},
    {Bytes("\xff\xfe"), "UTF-16 text", kConvert},
    {Bytes("\xfe\xff"), "UTF-16 text", kConvert},
};

bool IsBinary(unsigned char byte) { return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r'; }

// bzip2's block begins with the digits of pi.
bool IsBzip2(absl::string_view bytes) {
  return bytes.size() >= 10 && bytes[3] >= '1' && bytes[3] <= '9' && bytes.substr(4, 6) == "1AY&SY";
}

bool IsKind(const Kind& kind, absl::string_view bytes) {
  if (!absl::StartsWith(bytes, kind.magic)) return false;
  if (kind.magic == "BZh") return IsBzip2(bytes);
  if (!kind.like_text) return true;
  const absl::string_view next = bytes.substr(kind.magic.size(), 8);
  return std::any_of(next.begin(), next.end(), IsBinary);
}

// ASCII as UTF-16 without a byte order mark: every other byte is 0.
bool LooksLikeUtf16(absl::string_view bytes) {
  constexpr size_t kLook = 16;
  if (bytes.size() < kLook) return false;
  for (const size_t zero : {0, 1}) {
    bool alternates = true;
    for (size_t i = 0; i < kLook; ++i) alternates &= (bytes[i] == '\0') == (i % 2 == zero);
    if (alternates) return true;
  }
  return false;
}

}  // namespace

std::string KindOfBinary(absl::string_view bytes) {
  for (const Kind& kind : kKinds) {
    if (IsKind(kind, bytes)) return std::string(kind.name) + kind.advice;
  }
  if (LooksLikeUtf16(bytes)) return std::string("UTF-16 text") + kConvert;
  if (bytes.size() >= 262 && bytes.substr(257, 5) == "ustar") return std::string("a tar archive") + kUnpack;
  return "";
}

absl::Status CheckIsText(absl::string_view path, absl::string_view bytes, const proto::Data& data) {
  const size_t at = bytes.substr(0, kTextBytes).find('\0');
  if (at == absl::string_view::npos || !MakeSampleFormat(data)->framing().is_text()) return absl::OkStatus();
  const auto* const formats = proto::Data::descriptor()->FindOneofByName("format");
  const auto* const format = data.GetReflection()->GetOneofFieldDescriptor(data, formats);
  return DataError(path, ": is binary, not text: it has NUL bytes; data.",
                   format == nullptr ? "delimited" : format->name(),
                   " reads text, plain, gzip or zstd (of a format of your own: "
                   "docs/how_to_add_a_sample_format.md)");
}

}  // namespace tandem
