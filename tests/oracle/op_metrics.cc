// Oracle cases of the metrics.
#include <gtest/gtest.h>

#include <optional>

#include "tandem/metrics.h"
#include "tests/oracle/ops.h"

namespace tandem {

void CheckMetrics(const OracleCase& oracle) {
  const AlignedFloats predictions = oracle.array("inputs", "prediction").floats();
  const AlignedFloats labels = oracle.array("inputs", "label").floats();
  const std::vector<double> groups = oracle.array("inputs", "group").data;
  ASSERT_EQ(predictions.size(), labels.size());
  ASSERT_EQ(predictions.size(), groups.size());
  ScoreLog log;
  for (size_t i = 0; i < predictions.size(); ++i) {
    log.Add(predictions[i], labels[i], /*weight=*/1, 1 + static_cast<uint64_t>(groups[i]));
  }

  const Metrics metrics = ComputeMetrics(log, /*with_groups=*/true);
  const auto expect = [&](const char* name, const std::optional<double>& value) {
    ASSERT_TRUE(value.has_value()) << name;
    ExpectOracle(name, oracle.array("outputs", name), std::vector<double>{*value});
  };
  expect("auc", metrics.auc);
  expect("logloss", metrics.logloss);
  expect("gauc", metrics.gauc);
  expect("copc", metrics.copc);
  expect("normalized_entropy", metrics.normalized_entropy);
}

}  // namespace tandem
