// The file of embedding tables, in its precisions.
#include "src/embedding/embedding_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "src/embedding/stored_precision.h"
#include "tandem/status.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

proto::TableHeader Header(const std::string& name, int64_t rows) {
  proto::TableHeader header;
  header.set_name(name);
  header.set_dim(2);
  header.set_student_linear(true);
  header.set_rows(rows);
  return header;
}

// Two tables of bytes, the rows of the second all `fill`.
absl::Status WriteLow(FileSystem& fs, const std::string& path, char fill) {
  proto::EmbeddingHeader header;
  header.set_model_id("id");
  header.set_tables(2);
  header.set_precision(ToProto(Precision::kInt8));
  TANDEM_ASSIGN_OR_RETURN(const auto writer, EmbeddingFileWriter::Create(fs, path, header));
  for (const char* name : {"first", "second"}) {
    const std::string rows(3 * 8, fill);  // 2 codes, the scale's 2 bytes, the linear weight's 4
    TANDEM_RETURN_IF_ERROR(writer->BeginTable(Header(name, 3), {}));
    TANDEM_RETURN_IF_ERROR(writer->AppendOovRow(rows.data(), 8, {}, {}));
    TANDEM_RETURN_IF_ERROR(writer->AppendRows({1, 2, 3}, rows.data(), 8, {}, {}));
  }
  return writer->Close();
}

TEST(EmbeddingFile, ATableIsPassedOverInAnyPrecision) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  ASSERT_TRUE(WriteLow(fs, scratch / "low.bin", 7).ok());
  auto reader = EmbeddingFileReader::Open(fs, scratch / "low.bin", "id", Precision::kInt8);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_TRUE((*reader)->NextTable().ok());
  ASSERT_TRUE((*reader)->NextTable().ok()) << "the first one's rows aren't read";
  EXPECT_EQ((*reader)->table().name(), "second");
  EXPECT_EQ((*reader)->row_bytes(), 8);
  EXPECT_EQ(*(*reader)->NextRows(), 1) << "the OOV row";
  EXPECT_EQ(*(*reader)->NextRows(), 3);
  std::vector<uint64_t> keys(3);
  (*reader)->CopyKeys(keys.data());
  EXPECT_EQ(keys, (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ((*reader)->row(2)[7], 7);
  EXPECT_EQ(*(*reader)->NextRows(), 0);
  EXPECT_TRUE((*reader)->Finish().ok());
}

TEST(EmbeddingFile, AnotherModelsFileAndAnotherPrecisionAreRefused) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  ASSERT_TRUE(WriteLow(fs, scratch / "low.bin", 7).ok());
  EXPECT_TRUE(absl::IsDataLoss(
      EmbeddingFileReader::Open(fs, scratch / "low.bin", "other", Precision::kInt8).status()));
  EXPECT_TRUE(
      absl::IsDataLoss(EmbeddingFileReader::Open(fs, scratch / "low.bin", "id", Precision::kF32).status()));
}

TEST(EmbeddingFile, PendingDecayIsAppliedToWeightsAndSlotsAreNot) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  proto::EmbeddingHeader header;
  header.set_model_id("id");
  header.set_tables(1);
  proto::TableHeader table = Header("only", 1);
  table.set_slots(1);
  table.set_last_steps(true);
  table.set_pending(2);
  const std::vector<float> row = {1, 2, 3, 10, 20, 30};
  const std::vector<double> decay = {0, -0.5, -1.0};
  {
    const auto writer = EmbeddingFileWriter::Create(fs, scratch / "rows.bin", header);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->BeginTable(table, decay).ok());
    ASSERT_TRUE((*writer)->AppendOovRow(row.data(), 24, {}, {2}).ok());
    ASSERT_TRUE((*writer)->AppendRows({5}, row.data(), 24, {}, {1}).ok());
    ASSERT_TRUE((*writer)->AppendPending({8, 9}, {1, 3}).ok());
    ASSERT_TRUE((*writer)->Close().ok());
  }
  auto reader = EmbeddingFileReader::Open(fs, scratch / "rows.bin", "id", Precision::kF32);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_TRUE((*reader)->NextTable().ok());
  std::vector<float> weights(3), slots(3);
  ASSERT_EQ(*(*reader)->NextRows(), 1);
  (*reader)->Weights(0, weights.data());
  EXPECT_EQ(weights, (std::vector<float>{1, 2, 3})) << "up to date";
  ASSERT_EQ(*(*reader)->NextRows(), 1);
  (*reader)->Weights(0, weights.data());
  for (int i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(weights[i], row[i] * std::exp(-0.5f));
  (*reader)->CopyFloats(0, 3, 3, slots.data());
  EXPECT_EQ(slots, (std::vector<float>{10, 20, 30}));
  EXPECT_EQ(*(*reader)->NextRows(), 0);
  ASSERT_EQ(*(*reader)->NextPending(), 2);
  std::vector<uint32_t> counts(2);
  (*reader)->CopyCounts(counts.data());
  EXPECT_EQ(counts, (std::vector<uint32_t>{1, 3}));
  EXPECT_TRUE((*reader)->Finish().ok());
}

}  // namespace
}  // namespace tandem
