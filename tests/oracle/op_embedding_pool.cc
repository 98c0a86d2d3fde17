// Oracle cases of pooling bags of rows.
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/embedding.h"
#include "tandem/row_store_factory.h"
#include "tests/oracle/ops.h"
#include "tests/support/experiments.h"
#include "tests/support/local_rows.h"

namespace tandem {

// The gradient of the table is read off one SGD step of rate 1.
void CheckEmbeddingPool(const OracleCase& oracle) {
  const int dim = oracle.config().at("dim").get<int>();
  const bool weighted = oracle.config().at("weighted").get<bool>();
  const proto::Experiment experiment = ExperimentOf(absl::StrCat(
      "data { path: 'unused' } feature { name: 'f' sparse { multi_valued: true } } embedding { dim: ", dim,
      " optimizer { sgd { lr: 1 } } } model { method: STUDENT_ALONE student { mlp { hidden: 1 } } }"));
  const Schema schema(experiment);
  EmbeddingLayer layer(experiment, schema, MakeLocalRowStore(experiment, schema, /*trained=*/true));
  const AlignedFloats table = oracle.array("params", "table").floats();
  const int ids = static_cast<int>(table.size()) / dim;
  const auto key = [&](int id) { return schema.Key(0, absl::StrCat(id)); };
  for (int id = 0; id < ids; ++id) std::copy_n(table.begin() + id * dim, dim, LocalRow(&layer, 0, key(id)));

  const auto bags = oracle.json("inputs", "bags").get<std::vector<std::vector<int>>>();
  Batch batch(1);
  for (size_t row = 0; row < bags.size(); ++row) {
    std::vector<double> weights(bags[row].size(), 1.0);
    if (weighted) weights = oracle.json("inputs", "weights")[row].get<std::vector<double>>();
    double sum = 0;
    for (const double weight : weights) sum += weight;
    for (size_t i = 0; i < weights.size(); ++i) {
      batch.fields[0].keys.push_back(key(bags[row][i]));
      batch.fields[0].coefficients.push_back(static_cast<float>(weights[i] / sum));
    }
    batch.fields[0].offsets.push_back(static_cast<uint32_t>(batch.fields[0].keys.size()));
    batch.labels.push_back(0);
    batch.weights.push_back(1);
    batch.groups.push_back(0);
  }
  Workers workers(1);
  BatchRows rows;
  ASSERT_TRUE(layer.Resolve(batch, 1, &workers, &rows).ok());
  AlignedFloats x(bags.size() * dim, -1.0f);
  layer.Gather(batch, rows, 0, {x.data(), batch.rows(), dim, dim}, {});
  ExpectOracle("output", oracle.array("outputs", "output"), x);

  const AlignedFloats upstream = oracle.array("upstream", "output").floats();
  EmbeddingGradients gradients;
  gradients.d_x = {upstream.data(), batch.rows(), dim, dim};
  ASSERT_TRUE(layer.Update(batch, rows, gradients, 1, 1, 1, &workers).ok());
  AlignedFloats gradient(table.size());
  for (int id = 0; id < ids; ++id) {
    const float* after = LocalRow(&layer, 0, key(id));
    for (int d = 0; d < dim; ++d) gradient[id * dim + d] = table[id * dim + d] - after[d];
  }
  ExpectOracle("gradient of the table", oracle.array("grads", "table"), gradient);
}

}  // namespace tandem
