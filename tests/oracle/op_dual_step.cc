// Oracle cases of a whole step of both towers.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tandem/trainer.h"
#include "tests/oracle/ops.h"
#include "tests/support/experiments.h"
#include "tests/support/local_rows.h"

namespace tandem {
namespace {

std::string InteractionText(const std::string& kind, const std::string& layers) {
  if (kind == "fm") return "fm {}";
  if (kind == "cin") return absl::StrCat("cin { layers: [", layers, "] }");
  return absl::StrCat("cross { layers: 2 version: ", kind == "cross_v1" ? "V1" : "V2", " }");
}

proto::Experiment ExperimentOfOracle(const OracleCase& oracle) {
  const nlohmann::json& config = oracle.config();
  const auto list = [&](const char* key) {
    return absl::StrJoin(config.at(key).get<std::vector<int>>(), ",");
  };
  std::string text = absl::StrCat(
      "data { path: 'unused' } embedding { dim: ", config.at("dim").get<int>(),
      " optimizer { sgd { lr: ", config.at("lr").get<double>(),
      " } } } train { shard_rows: 3 optimizer { sgd { lr: ", config.at("lr").get<double>(),
      " } } } model { teacher { interaction { ",
      InteractionText(config.at("interaction").get<std::string>(), list("layers")), " } mlp { hidden: [",
      list("teacher_hidden"), "] } } student { mlp { hidden: [", list("student_hidden"),
      "] } } distill { student_label_weight: ", config.at("student_label_weight").get<double>(),
      " logit_weight: ", config.at("logit_weight").get<double>(),
      " hint_weight: ", config.at("hint_weight").get<double>(),
      " logit_loss: ", config.at("logit_loss").get<std::string>() == "mse" ? "MSE" : "SOFT_LABEL",
      " temperature: ", config.at("temperature").get<double>());
  for (const auto& pair : config.at("hint_pairs").get<std::vector<std::vector<int>>>()) {
    absl::StrAppend(&text, " hint { teacher_layer: ", pair[0], " student_layer: ", pair[1], " }");
  }
  text += " } }";
  for (int f = 0; f < config.at("fields").get<int>(); ++f) {
    absl::StrAppend(&text, " feature { name: 'f", f, "' sparse { multi_valued: true } }");
  }
  return ExperimentOf(text);
}

// What the oracle calls the arrays of a block, one after another: "mlp/1/weight" of the teacher is
// "teacher_w1".
std::vector<std::string> OracleNames(const OracleCase& oracle, const std::string& tower,
                                     const std::string& block) {
  const std::vector<std::string> parts = absl::StrSplit(block, '/');
  const std::string kind = parts.back() == "weight" ? "w" : "b";
  if (block == "head/weight") return {tower + "_out_w"};
  if (block == "bias") return {tower + "_out_b"};
  if (parts[0] == "mlp") return {absl::StrCat(tower, "_", kind, parts[1])};
  if (parts[0] == "adapter") return {absl::StrCat("adapter", parts[1], "_", kind)};
  const std::string prefix = absl::StrCat(oracle.has("params", "cin_w0") ? "cin_" : "cross_", kind);
  if (parts.size() == 4) return {prefix + parts[2]};
  return {prefix + "0", prefix + "1"};  // one block of all layers
}

// Copies the oracle's arrays in, or compares them with what is there, block by block.
void ForBlocks(const OracleCase& oracle, const std::string& tower, const ParameterLayout& layout,
               const std::function<void(const std::string& name, int64_t offset, int64_t size)>& function) {
  for (const ParameterBlock& block : layout.blocks()) {
    int64_t offset = block.offset;
    for (const std::string& name : OracleNames(oracle, tower, block.name)) {
      const auto size = static_cast<int64_t>(oracle.array("params", name).data.size());
      function(name, offset, size);
      offset += size;
    }
    EXPECT_EQ(offset, block.offset + block.size) << block.name;
  }
}

Batch BatchOfOracle(const OracleCase& oracle, const Schema& schema) {
  const auto bags = oracle.json("inputs", "bags").get<std::vector<std::vector<std::vector<int>>>>();
  Batch batch(static_cast<int>(bags.size()));
  for (const double label : oracle.array("inputs", "label").data) {
    batch.labels.push_back(static_cast<float>(label));
    batch.weights.push_back(1);
    batch.groups.push_back(0);
  }
  for (size_t f = 0; f < bags.size(); ++f) {
    FieldBags& field = batch.fields[f];
    for (const std::vector<int>& bag : bags[f]) {
      for (const int id : bag) {
        field.keys.push_back(schema.Key(static_cast<int>(f), absl::StrCat(id)));
        field.coefficients.push_back(1.0f / static_cast<float>(bag.size()));
      }
      field.offsets.push_back(static_cast<uint32_t>(field.keys.size()));
    }
  }
  return batch;
}

void CheckWith(const OracleCase& oracle, const Kernels& kernels) {
  const proto::Experiment experiment = ExperimentOfOracle(oracle);
  DualModel model(experiment, kernels, /*trained=*/true);
  model.Initialize();
  struct Part {
    const char* tower;
    const ParameterLayout& layout;
    DenseParameters& parameters;
  };
  Part parts[] = {{"teacher", model.teacher().layout(), model.teacher_parameters()},
                  {"student", model.student().layout(), model.student_parameters()},
                  {"adapter", model.loss().layout(), model.adapter_parameters()}};
  for (const Part& part : parts) {
    ForBlocks(oracle, part.tower, part.layout,
              [&](const std::string& name, int64_t offset, int64_t /*size*/) {
                const AlignedFloats values = oracle.array("params", name).floats();
                std::copy(values.begin(), values.end(), part.parameters.values.begin() + offset);
              });
  }
  model.Prepare();
  const int dim = model.embedding().dim();
  const int vocabulary = oracle.config().at("vocab").get<int>();
  const auto row = [&](int table, int id) {
    return LocalRow(&model.embedding(), table, model.schema().Key(table, absl::StrCat(id)));
  };
  for (int table = 0; table < model.embedding().fields(); ++table) {
    const AlignedFloats values = oracle.array("params", absl::StrCat("table", table)).floats();
    for (int id = 0; id < vocabulary; ++id) std::copy_n(values.begin() + id * dim, dim, row(table, id));
  }

  Workers workers(2);
  Trainer trainer(&model, TrainedParts::kAll, TrainerClock(), &workers);
  const absl::StatusOr<const StepResult*> result = trainer.Step(BatchOfOracle(oracle, model.schema()));
  ASSERT_TRUE(result.ok()) << result.status();
  const LossTerms& terms = (*result)->terms;
  ExpectOracle("teacher_label", oracle.array("outputs", "teacher_label"),
               std::vector<double>{terms.teacher_label});
  ExpectOracle("student_label", oracle.array("outputs", "student_label"),
               std::vector<double>{terms.student_label});
  ExpectOracle("logit", oracle.array("outputs", "logit"), std::vector<double>{terms.logit});
  ExpectOracle("hint", oracle.array("outputs", "hint"), std::vector<double>{terms.hint});
  ExpectOracle("total", oracle.array("outputs", "total"), std::vector<double>{terms.total});
  ExpectOracle("teacher_logit", oracle.array("outputs", "teacher_logit"),
               AlignedFloats((*result)->teacher_logits.begin(), (*result)->teacher_logits.end()));
  ExpectOracle("student_logit", oracle.array("outputs", "student_logit"),
               AlignedFloats((*result)->student_logits.begin(), (*result)->student_logits.end()));
  for (const Part& part : parts) {
    ForBlocks(oracle, part.tower, part.layout, [&](const std::string& name, int64_t offset, int64_t size) {
      const auto begin = part.parameters.values.begin() + offset;
      ExpectOracle("after_" + name, oracle.array("outputs", "after_" + name),
                   AlignedFloats(begin, begin + size));
    });
  }
  for (int table = 0; table < model.embedding().fields(); ++table) {
    AlignedFloats after;
    for (int id = 0; id < vocabulary; ++id) after.insert(after.end(), row(table, id), row(table, id) + dim);
    ExpectOracle(absl::StrCat("after_table", table),
                 oracle.array("outputs", absl::StrCat("after_table", table)), after);
  }
}

}  // namespace

void CheckDualStep(const OracleCase& oracle) {
  for (const Kernels* kernels : AvailableKernels()) {
    SCOPED_TRACE(kernels->name());
    CheckWith(oracle, *kernels);
  }
}

}  // namespace tandem
