// What the ending of a file's name says.
#include "src/util/packed_name.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(PackedNameTest, TheEndingSaysHowAFileIsPackedAndWhatItsNameWouldBe) {
  EXPECT_EQ(PackedNameOf("logs/a.tsv.gz").packing, Packing::kGzip);
  EXPECT_EQ(PackedNameOf("logs/a.tsv.gz").bare, "logs/a.tsv");
  EXPECT_EQ(PackedNameOf("logs/a.tsv.gz").ending, ".gz");
  EXPECT_EQ(PackedNameOf("a.zst").packing, Packing::kZstd);
  EXPECT_EQ(PackedNameOf("a.zstd").packing, Packing::kZstd);
  EXPECT_EQ(PackedNameOf("a.zstd").bare, "a");
  EXPECT_EQ(PackedNameOf("a.csv").packing, Packing::kNone);
  EXPECT_EQ(PackedNameOf("a.csv").bare, "a.csv");
  EXPECT_EQ(PackedNameOf("a.csv").ending, "");
}

TEST(PackedNameTest, WhatIsPackedInAnotherWayKeepsItsName) {
  EXPECT_EQ(PackedNameOf("scores.tsv.xz").packing, Packing::kUnread);
  EXPECT_EQ(PackedNameOf("scores.tsv.xz").ending, ".xz");
  EXPECT_FALSE(IsPackedLog("scores.tsv.xz"));
  EXPECT_EQ(UnpackedName("scores.tsv.xz"), "scores.tsv.xz");
  EXPECT_TRUE(IsPackedLog("log.zstd"));
  EXPECT_EQ(UnpackedName("log.zstd"), "log");
}

TEST(PackedNameTest, AnEndingAloneIsAName) {
  EXPECT_EQ(UnpackedName(".gz"), ".gz");
  EXPECT_EQ(UnpackedName("logs/.zst"), "logs/.zst");
  EXPECT_EQ(UnpackedName(""), "");
}

}  // namespace
}  // namespace tandem
