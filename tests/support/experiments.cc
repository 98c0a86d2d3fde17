#include "tests/support/experiments.h"

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.h"
#include "tandem/random.h"

namespace tandem {

proto::Experiment ExperimentOf(const std::string& text) {
  absl::StatusOr<proto::Experiment> experiment = ParseExperiment(text, "test");
  CHECK(experiment.ok()) << experiment.status();
  ResolveDefaults(&*experiment);
  const absl::Status valid = ValidateExperiment(*experiment);
  CHECK(valid.ok()) << valid;
  return *std::move(experiment);
}

proto::Experiment SmallExperiment(const std::string& model, const std::string& more) {
  proto::Experiment experiment = ExperimentOf(absl::StrCat(R"(
    data { path: "unused" group_column: "user" key_columns: "user" }
    feature { name: "user" sparse {} }
    feature { name: "item" sparse {} }
    feature { name: "tags" sparse { multi_valued: true table: "word" } }
    feature { name: "query" sparse { table: "word" } }
    feature { name: "age" dense { transform: LOG1P } }
    embedding { dim: 4 init_deviation: 0.1 optimizer { adagrad { lr: 0.05 } } }
    train { batch_size: 64 shard_rows: 16 shuffle_rows: 256 optimizer { adam { lr: 0.005 } } }
    model { )",
                                                           model, " }"));
  absl::StatusOr<proto::Experiment> over = ParseExperiment(more, "test");
  CHECK(over.ok()) << over.status();
  const absl::Status merged = MergeOver(*over, &experiment);
  CHECK(merged.ok()) << merged;
  ResolveDefaults(&experiment);
  return experiment;
}

Batch RandomBatch(const Schema& schema, int rows, uint64_t seed) {
  constexpr int kVocabulary = 30;
  const Random random(seed, RandomPurpose::kSynthetic, {1});
  uint64_t counter = 0;
  const auto draw = [&](int below) { return static_cast<int>(random.UniformDouble(counter++) * below); };
  Batch batch(static_cast<int>(schema.fields().size()));
  for (int row = 0; row < rows; ++row) {
    int signal = 0;
    for (size_t f = 0; f < schema.fields().size(); ++f) {
      const Field& field = schema.fields()[f];
      FieldBags& bags = batch.fields[f];
      if (field.kind == FieldKind::kDense) {
        bags.keys.push_back(schema.Key(field.table, "value"));
        bags.coefficients.push_back(static_cast<float>(draw(100)) / 50 - 1);
      } else if (field.kind == FieldKind::kPiecewise) {
        const int segment = draw(static_cast<int>(field.knots.size()) - 1);
        const float behind = 0.125f * static_cast<float>(1 + draw(7));
        for (const bool second : {false, true}) {
          bags.keys.push_back(schema.Key(field.table, KnotId(field.knots[segment + (second ? 1 : 0)])));
          bags.coefficients.push_back(second ? behind : 1 - behind);
        }
      } else {
        int ids = field.multi_valued ? draw(4) : 1;
        if (!field.sequence.empty()) ids = draw(3) > 0 ? 1 : 0;
        for (int i = 0; i < ids; ++i) {
          const int id = draw(kVocabulary);
          signal += id % 3 - 1;
          bags.keys.push_back(schema.Key(field.table, absl::StrCat(id)));
          bags.coefficients.push_back(1.0f / static_cast<float>(ids));
        }
      }
      bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
    }
    batch.labels.push_back(signal + draw(3) > 1 ? 1.0f : 0.0f);
    batch.weights.push_back(1);
    batch.groups.push_back(batch.fields[0].keys.empty() ? 0 : batch.fields[0].keys.back());
  }
  return batch;
}

}  // namespace tandem
