#include "tests/support/sample_files.h"

#include <glog/logging.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace tandem {

namespace stdfs = std::filesystem;

SampleFilesTest::SampleFilesTest() {
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  root_ =
      absl::StrCat(testing::TempDir(), "/tandem_", test.test_suite_name(), "_", test.name(), "_p", getpid());
  stdfs::remove_all(root_);
  stdfs::create_directories(root_);
}

SampleFilesTest::~SampleFilesTest() { stdfs::remove_all(root_); }

std::string SampleFilesTest::Write(const std::string& name, absl::string_view bytes) const {
  const std::string path = Path(name);
  stdfs::create_directories(stdfs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  CHECK(file.good()) << path;
  return path;
}

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Gzip(absl::string_view text) {
  z_stream stream = {};
  CHECK_EQ(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string bytes(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(&bytes[0]);
  stream.avail_out = static_cast<uInt>(bytes.size());
  CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

std::string Zstd(absl::string_view text) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress2(context, &bytes[0], bytes.size(), text.data(), text.size());
  CHECK_EQ(ZSTD_isError(size), 0u);
  ZSTD_freeCCtx(context);
  bytes.resize(size);
  return bytes;
}

std::string RowText(const Batch& batch, int row) {
  std::string text =
      absl::StrCat(batch.labels[row], " w=", batch.weights[row], " g=", absl::Hex(batch.groups[row]));
  for (const FieldBags& field : batch.fields) {
    text += " |";
    for (uint32_t i = field.offsets[row]; i < field.offsets[row + 1]; ++i) {
      absl::StrAppend(&text, " ", absl::Hex(field.keys[i]), ":", field.coefficients[i]);
    }
  }
  return text;
}

std::vector<std::string> RowTexts(const Batch& batch) {
  std::vector<std::string> rows;
  for (int row = 0; row < batch.rows(); ++row) rows.push_back(RowText(batch, row));
  return rows;
}

std::string RealData(const std::string& name) {
  const char* folder = std::getenv("TANDEM_DATA_DIR");
  const std::string path =
      absl::StrCat(folder != nullptr ? folder : TANDEM_SOURCE_DIR "/../shared/data", "/", name);
  return stdfs::exists(path) ? path : "";
}

}  // namespace tandem
