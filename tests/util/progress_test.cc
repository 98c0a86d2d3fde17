// The line that tells how far a command is.
#include "src/util/progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <memory>

namespace tandem {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

std::string Contents(std::FILE* file) {
  std::rewind(file);
  std::string bytes(4096, '\0');
  bytes.resize(std::fread(&bytes[0], 1, bytes.size(), file));
  return bytes;
}

TEST(ProgressTest, ATerminalsLineIsRewrittenInPlace) {
  const File file(std::tmpfile());
  Progress progress(true, file.get());
  progress.Update("day 1, a long line");
  progress.Update("day 2");
  progress.Finish();
  EXPECT_EQ(Contents(file.get()), "\rday 1, a long line\x1b[K\rday 2\x1b[K\n");
}

TEST(ProgressTest, ElsewhereEveryLineStands) {
  const File file(std::tmpfile());
  {
    Progress progress(false, file.get());
    progress.Update("day 1");
    progress.Update("day 2");
    progress.Finish();
  }
  EXPECT_EQ(Contents(file.get()), "day 1\nday 2\n");
}

TEST(ProgressTest, TheLastLineIsEndedOnce) {
  const File file(std::tmpfile());
  {
    Progress progress(true, file.get());
    progress.Finish();
    progress.Update("a");
    progress.Finish();
    progress.Finish();
    progress.Update("b");
  }
  EXPECT_EQ(Contents(file.get()), "\ra\x1b[K\n\rb\x1b[K\n");
}

TEST(ProgressTest, AFileIsNoTerminal) {
  const File file(std::tmpfile());
  EXPECT_FALSE(Progress::IsTerminal(file.get()));
}

TEST(ProgressTest, ALineIsCutToTheTerminalsWidth) {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) GTEST_SKIP() << "no pseudo terminal";
  const File terminal(std::fopen(ptsname(master), "w"));
  ASSERT_NE(terminal, nullptr);
  winsize size = {};
  size.ws_col = 6;
  ASSERT_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
  EXPECT_TRUE(Progress::IsTerminal(terminal.get()));
  Progress progress(true, terminal.get());
  progress.Update("12µ4567");
  char seen[64] = {};
  const ssize_t count = read(master, seen, sizeof(seen));
  EXPECT_EQ(std::string(seen, count > 0 ? count : 0), "\r12µ45\x1b[K");
  close(master);
}

TEST(FormatDurationTest, GivesTwoUnits) {
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(7.4), "7s");
  EXPECT_EQ(FormatDuration(59.4), "59s");
  EXPECT_EQ(FormatDuration(59.6), "1m00s");
  EXPECT_EQ(FormatDuration(187), "3m07s");
  EXPECT_EQ(FormatDuration(3599.4), "59m59s");
  EXPECT_EQ(FormatDuration(3599.6), "1h00m");
  EXPECT_EQ(FormatDuration(3725), "1h02m");
  EXPECT_EQ(FormatDuration(86399), "23h59m");
  EXPECT_EQ(FormatDuration(2 * 86400 + 5 * 3600), "2d05h");
}

TEST(FormatDurationTest, WhatIsNoDurationIsAQuestionMark) {
  EXPECT_EQ(FormatDuration(-1), "?");
  EXPECT_EQ(FormatDuration(std::nan("")), "?");
  EXPECT_EQ(FormatDuration(std::numeric_limits<double>::infinity()), "?");
  EXPECT_EQ(FormatDuration(1e300), "?");
}

TEST(FormatCountTest, GroupsThousands) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(123456), "123,456");
  EXPECT_EQ(FormatCount(1234567), "1,234,567");
  EXPECT_EQ(FormatCount(-999), "-999");
  EXPECT_EQ(FormatCount(-1234), "-1,234");
  EXPECT_EQ(FormatCount(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

}  // namespace
}  // namespace tandem
