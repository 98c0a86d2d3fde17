// What a tuning remembers.
#include "src/tune/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "src/util/format_version.h"
#include "tandem/durable_files.h"
#include "tandem/status.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

class LedgerTest : public testing::Test {
 protected:
  absl::StatusOr<Ledger> Open(const std::string& data = "a.tsv 10") {
    return Ledger::Open(FileSystem::Default(), path_, data, "avx2");
  }
  void Fill(Ledger* ledger) {
    ASSERT_TRUE(ledger->Budget(60, 0).ok());
    ASSERT_EQ(ledger->Drawn({}, -1, 0.5).value(), 0);
    ASSERT_EQ(ledger->Drawn({{"train.l2", "1e-05"}, {"embedding.dim", "8"}}, 0, 1).value(), 1);
    ASSERT_TRUE(ledger->Validated(1, {1, false, true, 0.31, 0.7, 0.3, std::nullopt}, 0.5, 2).ok());
    ASSERT_TRUE(ledger->Validated(1, {2, false, false, 0.33, 0.6, 0.3, 2}, 1.5, 3).ok());
    ASSERT_TRUE(ledger->Ended(1, Trial::kStopped, "in the worse half", 2.25, 4).ok());
    ASSERT_TRUE(ledger->Confirmed({0, 1, 0.29, std::nullopt, 7}, 5).ok());
  }

  ScratchDirectory scratch_;
  const std::string path_ = scratch_ / "trials.jsonl";
};

TEST_F(LedgerTest, WhatWasWrittenIsReadBack) {
  {
    auto ledger = Open();
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    Fill(&*ledger);
  }
  const auto ledger = Open();
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_EQ(ledger->budget(), 60);
  EXPECT_EQ(ledger->spent(), 5);
  ASSERT_EQ(ledger->trials().size(), 2u);
  EXPECT_EQ(ledger->trials()[0].state, Trial::kPending);
  const Trial& trial = ledger->trials()[1];
  EXPECT_EQ(trial.state, Trial::kStopped);
  EXPECT_EQ(trial.why, "in the worse half");
  EXPECT_EQ(trial.parent, 0);
  EXPECT_EQ(trial.settings, (Settings{{"train.l2", "1e-05"}, {"embedding.dim", "8"}}));
  EXPECT_EQ(trial.passes, 2);
  EXPECT_EQ(trial.logloss, 0.31) << "of the best pass";
  EXPECT_EQ(trial.passes_figure, 0.3);
  EXPECT_EQ(trial.seconds, 2.25);
  ASSERT_EQ(ledger->rung_figures().size(), 1u);
  EXPECT_EQ(ledger->rung_figures()[0].rung, 2);
  ASSERT_EQ(ledger->confirmations().size(), 1u);
  EXPECT_EQ(ledger->confirmations()[0].logloss, 0.29);
}

TEST_F(LedgerTest, CutAnywhereItIsReadUpToTheLastWholeLine) {
  {
    auto ledger = Open();
    Fill(&*ledger);
  }
  FileSystem& fs = FileSystem::Default();
  const std::string whole = fs.ReadFile(path_).value();
  for (size_t size = 0; size < whole.size(); size += 7) {
    ASSERT_TRUE(WriteFileAtomically(fs, path_, whole.substr(0, size)).ok());
    auto ledger = Open();
    ASSERT_TRUE(ledger.ok()) << size << ": " << ledger.status();
    ASSERT_TRUE(ledger->Budget(61, 9).ok());
    const auto again = Open();
    ASSERT_TRUE(again.ok()) << size << ": " << again.status();
    EXPECT_EQ(again->budget(), 61);
  }
}

TEST_F(LedgerTest, AnotherLogIsRefused) {
  ASSERT_TRUE(Open().ok());
  const absl::Status status = Open("a.tsv 11").status();
  EXPECT_EQ(ExitCode(status), kExitUsage);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("a.tsv 11"));
}

TEST_F(LedgerTest, ANewerFormatIsRefusedByItsNumberAndALedgersOwnFirstOneIsRead) {
  FileSystem& fs = FileSystem::Default();
  {
    auto ledger = Open();
    Fill(&*ledger);
  }
  const std::string whole = fs.ReadFile(path_).value();
  const auto with_format = [&](int format) {
    return absl::StrReplaceAll(
        whole, {{absl::StrCat("\"format\":", kFormatVersion), absl::StrCat("\"format\":", format)}});
  };
  ASSERT_NE(with_format(9), whole);
  ASSERT_TRUE(WriteFileAtomically(fs, path_, with_format(kFormatVersion + 1)).ok());
  const absl::Status newer = Open().status();
  EXPECT_EQ(ExitCode(newer), kExitModel);
  EXPECT_THAT(std::string(newer.message()),
              testing::AllOf(testing::HasSubstr(path_), testing::HasSubstr("newer Tandem"),
                             testing::HasSubstr(absl::StrCat("format ", kFormatVersion + 1))));
  EXPECT_EQ(fs.ReadFile(path_).value(), with_format(kFormatVersion + 1)) << "is left alone";
  ASSERT_TRUE(WriteFileAtomically(fs, path_, with_format(1)).ok());
  const auto before = Open();
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->trials().size(), 2u);
}

TEST_F(LedgerTest, WhatIsNoLedgerIsRefused) {
  for (const char* text : {"{}\n", "no json\n", "{\"event\":\"begun\",\"format\":9}\n"}) {
    ASSERT_TRUE(WriteFileAtomically(FileSystem::Default(), path_, text).ok());
    EXPECT_EQ(ExitCode(Open().status()), kExitModel) << text;
  }
}

}  // namespace
}  // namespace tandem
