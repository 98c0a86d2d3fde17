// The line by which what a command wrote is known again.
#include "src/util/seal.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(SealTest, WhatNobodyEditedIsKnown) {
  const std::string sealed = Sealed("train { epochs: 3 }\n", "tandem init");
  EXPECT_TRUE(IsUntouched(sealed, "tandem init"));
  EXPECT_EQ(sealed.rfind("train { epochs: 3 }\n", 0), 0u);
}

TEST(SealTest, WhatAnotherCommandWroteIsNotItsOwn) {
  EXPECT_FALSE(IsUntouched(Sealed("train { epochs: 3 }\n", "tandem init"), "tandem tune"));
}

TEST(SealTest, AnyEditBreaksIt) {
  const std::string sealed = Sealed("train { epochs: 3 }\n", "tandem init");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string edited = sealed;
    edited[i] ^= 1;
    EXPECT_FALSE(IsUntouched(edited, "tandem init")) << i;
  }
  EXPECT_FALSE(IsUntouched(sealed + "data {}\n", "tandem init"));
  EXPECT_FALSE(IsUntouched("", "tandem init"));
}

}  // namespace
}  // namespace tandem
