// What a model holds: fields, tables, sizes and costs of its towers, and where it comes from.
//
//   TANDEM_ASSIGN_OR_RETURN(const ModelDescription model, DescribeModel(fs, "run", {}));
//   std::cout << ModelDescriptionText(model);
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_MODEL_DESCRIPTION_H_
#define TANDEM_MODEL_DESCRIPTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/model_directory.h"
#include "tandem/precision.h"
#include "tandem/precision_report.h"
#include "tandem/schema.h"

namespace tandem {

struct TowerDescription {
  int64_t dense_parameters = 0;
  int64_t flops_per_sample = 0;  // forward, without look-ups
  int64_t embedding_rows = 0;
  int64_t embedding_bytes = 0;
  std::vector<std::pair<std::string, std::vector<int>>> parameters;  // names and shapes
  std::optional<double> microseconds_per_sample;                     // one thread, where it was measured
};

struct TableDescription {
  std::string name;
  int64_t rows = 0;  // the out-of-vocabulary row included
};

struct ModelDescription {
  std::string directory;  // the checkpoint or bundle
  bool bundle = false;
  std::string method;
  Precision precision = Precision::kF32;
  int embedding_dim = 0;
  std::vector<Field> fields;
  std::vector<TableDescription> tables;  // a field's `table` counts them
  std::optional<TowerDescription> teacher, student;
  ModelOrigin origin;
  std::optional<PrecisionReport> precision_report;
};

struct DescribeOptions {
  // Measures each tower's scoring time, on rows like the tables' own. Takes some seconds.
  bool times = false;
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
};

// `model` as ResolveModel takes it. Verified and loaded whole: ModelErrors for what is damaged.
absl::StatusOr<ModelDescription> DescribeModel(FileSystem& fs, const std::string& model,
                                               const DescribeOptions& options);

// For people; and one JSON object, indented.
std::string ModelDescriptionText(const ModelDescription& model);
std::string ModelDescriptionJson(const ModelDescription& model);

}  // namespace tandem

#endif  // TANDEM_MODEL_DESCRIPTION_H_
