// Rows that wait for their label, and clicks that find them.
#include "src/online/label_queue.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace tandem {
namespace {

WaitingRow Row(const std::string& line, uint64_t key, double time, bool positive) {
  return {line, time, positive, key};
}

// "a0 b1": the rows that are ready, with their labels.
std::string Drain(LabelQueue* queue, bool all) {
  std::string text;
  while (queue->Ready(all)) {
    const WaitingRow row = queue->Take();
    text += (text.empty() ? "" : " ") + row.raw + (row.positive ? "1" : "0");
  }
  return text;
}

TEST(LabelQueue, ARowWaitsForTheStreamsOwnTime) {
  LabelQueue queue(10, 100);
  EXPECT_FALSE(queue.Offer(Row("a", 1, 100, false)));
  EXPECT_FALSE(queue.Offer(Row("b", 2, 105, false)));
  EXPECT_EQ(Drain(&queue, false), "");
  EXPECT_FALSE(queue.Offer(Row("c", 3, 110, false)));
  EXPECT_EQ(Drain(&queue, false), "a0");
  EXPECT_FALSE(queue.Offer(Row("d", 4, 115.5, false)));
  EXPECT_EQ(Drain(&queue, false), "b0");
  EXPECT_EQ(Drain(&queue, true), "c0 d0");
}

TEST(LabelQueue, AClickTurnsTheLatestWaitingRowOfItsKeyAndIsUsedUp) {
  LabelQueue queue(10, 100);
  queue.Offer(Row("a", 7, 1, false));
  queue.Offer(Row("b", 7, 2, false));
  queue.Offer(Row("c", 8, 3, false));
  EXPECT_TRUE(queue.Offer(Row("click", 7, 4, true)));
  EXPECT_TRUE(queue.Offer(Row("click", 7, 5, true)));
  // No impression of the key is left to turn: it is a sample.
  EXPECT_FALSE(queue.Offer(Row("third", 7, 6, true)));
  EXPECT_EQ(Drain(&queue, true), "a1 b1 c0 third1");
}

TEST(LabelQueue, AClickThatComesTooLateIsASampleOfItsOwn) {
  LabelQueue queue(10, 100);
  queue.Offer(Row("a", 7, 1, false));
  queue.Offer(Row("b", 8, 20, false));
  EXPECT_EQ(Drain(&queue, false), "") << "one row that is so far ahead may be wrong";
  queue.Offer(Row("c", 9, 20, false));
  EXPECT_EQ(Drain(&queue, false), "a0");
  EXPECT_FALSE(queue.Offer(Row("late", 7, 21, true)));
  EXPECT_EQ(Drain(&queue, true), "b0 c0 late1");
}

TEST(LabelQueue, AFullQueueLetsTheOldestGoEarlyAndSaysSo) {
  LabelQueue queue(1000, 2);
  for (const char* line : {"a", "b", "c", "d"}) {
    queue.Offer(Row(line, line[0], 1, false));
    EXPECT_LE(queue.size(), 3);
    Drain(&queue, false);
  }
  EXPECT_EQ(queue.released_early(), 2);
  EXPECT_EQ(Drain(&queue, true), "c0 d0");
}

TEST(LabelQueue, OneTimeFarAheadHoldsUpNothing) {
  constexpr double kYear = 3e7;
  for (const int wrong : {0, 5, 19}) {
    LabelQueue queue(10, 100);
    std::string left;
    for (int i = 0; i < 20; ++i) {
      queue.Offer(Row(std::to_string(i), i, 5 * i + (i == wrong ? kYear : 0), false));
      left += Drain(&queue, false) + ";";
    }
    EXPECT_EQ(queue.times_wrong(), wrong < 19 ? 1 : 0) << "the last one may yet be right";
    EXPECT_EQ(queue.clock(), wrong < 19 ? 95 : 90) << wrong;
    // All but the last two have left, a row or so later than they would have.
    EXPECT_LE(queue.size(), wrong < 19 ? 3 : 4) << wrong << left;
  }
}

TEST(LabelQueue, AGapIsBelievedOnceTheNextRowIsThereToo) {
  LabelQueue queue(10, 100);
  queue.Offer(Row("a", 1, 100, false));
  queue.Offer(Row("b", 2, 101, false));
  queue.Offer(Row("c", 3, 1e6, false));
  EXPECT_EQ(Drain(&queue, false), "");
  EXPECT_EQ(*queue.doubted(), 1e6);
  queue.Offer(Row("d", 4, 1e6 + 1, false));
  EXPECT_EQ(Drain(&queue, false), "a0 b0");
  // Those after the gap wait for their clicks as ever.
  EXPECT_TRUE(queue.Offer(Row("click", 3, 1e6 + 2, true)));
  queue.Offer(Row("e", 5, 1e6 + 10, false));
  EXPECT_EQ(Drain(&queue, false), "c1");
  EXPECT_EQ(queue.times_wrong(), 0);
}

TEST(LabelQueue, RowsFurtherApartThanTheDelayMoveTheClockARowLater) {
  LabelQueue queue(10, 100);
  std::string left;
  for (int i = 0; i < 6; ++i) {
    queue.Offer(Row(std::to_string(i), i, 100 * i, false));
    left += Drain(&queue, false) + ";";
  }
  EXPECT_EQ(left,
            ";;0"
            "0;10;20;30;");
  EXPECT_EQ(queue.times_wrong(), 0);
  // One that is wrong among them.
  queue.Offer(Row("x", 9, 1e9, false));
  queue.Offer(Row("6", 6, 600, false));
  EXPECT_EQ(queue.clock(), 600);
  EXPECT_EQ(queue.times_wrong(), 1);
}

TEST(LabelQueue, ADoubtIsRestored) {
  LabelQueue kept(10, 100);
  kept.Offer(Row("a", 1, 100, false));
  kept.Offer(Row("b", 2, 101, false));
  kept.Offer(Row("c", 3, 1e9, false));
  LabelQueue restored(10, 100);
  restored.Restore({kept.rows().begin(), kept.rows().end()}, kept.clock(), 0, kept.doubted());
  for (LabelQueue* queue : {&kept, &restored}) {
    queue->Offer(Row("d", 4, 111, false));
    EXPECT_EQ(Drain(queue, false), "a0 b0 c0");
    EXPECT_EQ(queue->times_wrong(), 1);
  }
}

TEST(LabelQueue, ARestoredQueueGoesOnAsTheOneThatWasKept) {
  LabelQueue kept(10, 100);
  for (int i = 0; i < 50; ++i) {
    kept.Offer(Row(std::to_string(i), i % 7, i, i % 3 == 0));
    if (i % 2 == 0 && kept.Ready(false)) kept.Take();
  }
  LabelQueue restored(10, 100);
  restored.Restore({kept.rows().begin(), kept.rows().end()}, kept.clock(), kept.released_early(),
                   kept.doubted());
  std::string a, b;
  for (int i = 50; i < 100; ++i) {
    EXPECT_EQ(kept.Offer(Row(std::to_string(i), i % 7, i, i % 3 == 0)),
              restored.Offer(Row(std::to_string(i), i % 7, i, i % 3 == 0)));
    a += Drain(&kept, false) + ";";
    b += Drain(&restored, false) + ";";
  }
  EXPECT_EQ(a + Drain(&kept, true), b + Drain(&restored, true));
}

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Of as many rows of `keys` keys, which all wait, and then go.
double SecondsOf(int rows, int keys) {
  LabelQueue queue(1e6, rows);
  const double begin = CpuSeconds();
  for (int i = 0; i < rows; ++i) queue.Offer(Row("", i % keys, i, false));
  while (queue.Ready(/*drain=*/true)) queue.Take();
  return CpuSeconds() - begin;
}

TEST(LabelQueue, ARowCostsTheSameWhetherItSharesItsKeyWithNoneOrWithAll) {
  // One key was 8 times as long at 400,000 rows, and 20 at a million.
  constexpr int kRows = 1000000;
  const double apart = SecondsOf(kRows, kRows);
  EXPECT_LT(SecondsOf(kRows, 1), 3 * apart + 0.2);
}

TEST(LabelQueue, ClicksAndDeparturesOfOneKeyInAnyOrder) {
  LabelQueue queue(1e6, 3);
  std::string left;
  // Every third is a click, for the latest that waits; the queue holds three.
  for (int i = 0; i < 12; ++i) {
    queue.Offer(Row(std::to_string(i), 7, i, i % 3 == 2));
    left += Drain(&queue, false) + ";";
  }
  EXPECT_EQ(left, ";;;;00;;11;30;;41;60;;");
  EXPECT_EQ(Drain(&queue, true), "71 90 101");
}

}  // namespace
}  // namespace tandem
