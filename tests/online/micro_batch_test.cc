// When a micro-batch is full, or old enough to be trained as it is.
#include "src/online/micro_batch.h"

#include <gtest/gtest.h>

#include "tandem/experiment.pb.h"
#include "tests/support/experiments.h"
#include "tests/support/manual_clock.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

class MicroBatchTest : public testing::Test {
 protected:
  MicroBatchTest()
      : schema_(SmallExperiment("method: STUDENT_ALONE student { mlp { hidden: 8 } }")),
        sample_(RandomBatch(schema_, 1, 1)) {}
  MicroBatch Make(const std::string& config) {
    return MicroBatch(ParseText<proto::Online>(config), static_cast<int>(schema_.fields().size()), clock_);
  }
  void Add(MicroBatch* batch, const std::string& line) const { batch->Add({line, 0, false, 0}, sample_); }

  ManualClock clock_;
  const Schema schema_;
  const Batch sample_;
};

TEST_F(MicroBatchTest, IsFullWithItsRowsAndKeepsThemAsTheyWereRead) {
  MicroBatch batch = Make("batch_rows: 2");
  Add(&batch, "a");
  EXPECT_FALSE(batch.full());
  Add(&batch, "b");
  EXPECT_TRUE(batch.full());
  EXPECT_EQ(batch.batch().rows(), 2);
  ASSERT_EQ(batch.as_read().size(), 2u);
  EXPECT_EQ(batch.as_read()[1].raw, "b");
  batch.Clear();
  EXPECT_EQ(batch.rows(), 0);
  EXPECT_TRUE(batch.as_read().empty());
}

TEST_F(MicroBatchTest, IsLateOnceItsFirstRowHasWaited) {
  MicroBatch batch = Make("batch_rows: 100 max_delay_seconds: 5");
  clock_.Advance(60);
  EXPECT_FALSE(batch.late()) << "nothing waits";
  Add(&batch, "a");
  clock_.Advance(4);
  Add(&batch, "b");
  EXPECT_FALSE(batch.late());
  clock_.Advance(1);
  EXPECT_TRUE(batch.late());
  batch.Clear();
  EXPECT_FALSE(batch.late());
  Add(&batch, "c");
  EXPECT_FALSE(batch.late()) << "the next one has a time of its own";
}

TEST_F(MicroBatchTest, IsNeverLateWithoutALimit) {
  MicroBatch batch = Make("batch_rows: 100");
  Add(&batch, "a");
  clock_.Advance(1e6);
  EXPECT_FALSE(batch.late());
}

}  // namespace
}  // namespace tandem
