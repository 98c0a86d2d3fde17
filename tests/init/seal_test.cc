// The line by which what init wrote is known again.
#include "src/init/seal.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(SealTest, WhatNobodyEditedIsKnown) {
  const std::string sealed = Sealed("train { epochs: 3 }\n");
  EXPECT_TRUE(IsUntouched(sealed));
  EXPECT_EQ(sealed.rfind("train { epochs: 3 }\n", 0), 0u);
}

TEST(SealTest, AnyEditBreaksIt) {
  const std::string sealed = Sealed("train { epochs: 3 }\n");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string edited = sealed;
    edited[i] ^= 1;
    EXPECT_FALSE(IsUntouched(edited)) << i;
  }
  EXPECT_FALSE(IsUntouched(sealed + "data {}\n"));
  EXPECT_FALSE(IsUntouched(""));
}

}  // namespace
}  // namespace tandem
