// The files of a bundle: graph.bin and embedding.bin, as docs/file_formats.md describes them.
//
//   TANDEM_ASSIGN_OR_RETURN(BundleGraph graph, OpenBundleGraph(fs, "bundle"));
//   TANDEM_RETURN_IF_ERROR(LoadBundleParameters(student, &graph, &parameters));
//
// graph.bin is a file of records (tandem/records.h): the header, the configuration as text, the student's
// parameters. Errors of reading are ModelErrors that name the file.
#ifndef TANDEM_SRC_SERVE_BUNDLE_FILES_H_
#define TANDEM_SRC_SERVE_BUNDLE_FILES_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/serve/serving_tables.h"
#include "tandem/dual_model.h"
#include "tandem/file_system.h"
#include "tandem/records.h"
#include "tandem/state.pb.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

std::string BundleGraphPath(const std::string& bundle);
std::string BundleEmbeddingPath(const std::string& bundle);

// The model id of the bundle that a checkpoint is exported as: what its MANIFEST says of every byte in it,
// and the precision.
absl::StatusOr<std::string> ExportedModelId(FileSystem& fs, const std::string& checkpoint,
                                            Precision precision);

// A graph that has been read up to the parameters.
struct BundleGraph {
  std::string path;
  proto::BundleHeader header;
  std::string experiment_text;
  std::unique_ptr<RecordReader> reader;
};

absl::StatusOr<BundleGraph> OpenBundleGraph(FileSystem& fs, const std::string& bundle);
// The configuration alone, resolved.
absl::StatusOr<proto::Experiment> ReadBundleExperiment(FileSystem& fs, const std::string& bundle);
// Reads the rest of the graph. In low precision the values are the floats that the stored ones stand for.
absl::Status LoadBundleParameters(const Tower& student, BundleGraph* graph, DenseParameters* parameters);

// Writes both files into `directory`: the student's parameters and `tables`, in the header's precision.
absl::Status WriteBundleFiles(FileSystem& fs, const std::string& directory, const proto::BundleHeader& header,
                              const proto::Experiment& experiment, const Tower& student,
                              const DenseParameters& parameters, const ServingTables& tables);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_BUNDLE_FILES_H_
