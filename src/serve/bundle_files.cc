#include "src/serve/bundle_files.h"

#include <google/protobuf/text_format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "src/config/stored_experiment.h"
#include "src/nn/model_floats.h"
#include "src/serve/precision_proto.h"
#include "src/serve/quantize.h"
#include "src/util/finite.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/records.h"
#include "tandem/status.h"

namespace tandem {
namespace {

absl::Status BadGraph(const std::string& path) {
  return ModelError(path, ": a graph of another version, or damaged. Nothing was loaded.");
}

// Reads the parameters of a student whose MLP is in low precision.
absl::Status LoadLowPrecision(const std::string& path, const Tower& student, Precision precision,
                              RecordReader* reader, float* values) {
  const ParameterLayout& layout = student.layout();
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, reader->Next());
  proto::ParametersHeader header;
  if (!ParseStrictly(record, &header) || header.slots() != 0 || header.averages()) return BadGraph(path);
  if (header.block_size() != static_cast<int>(layout.blocks().size())) return BadGraph(path);
  for (int b = 0; b < header.block_size(); ++b) {
    const ParameterBlock& block = layout.blocks()[b];
    const proto::ParametersHeader::Block& read = header.block(b);
    const Precision stored = BlockPrecision(student, block, precision);
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    if (read.name() != block.name ||
        std::vector<int>(read.shape().begin(), read.shape().end()) != block.shape ||
        read.precision() != ToProto(stored) ||
        static_cast<int64_t>(record.size()) != EncodedBytes(block, stored)) {
      return BadGraph(path);
    }
    DecodeWeights(record, block, stored, values + block.offset);
    if (!AllFinite(values + block.offset, block.size)) return BadGraph(path);
  }
  return absl::OkStatus();
}

absl::Status SaveLowPrecision(const Tower& student, Precision precision, const float* values,
                              RecordWriter* writer) {
  const ParameterLayout& layout = student.layout();
  proto::ParametersHeader header;
  header.set_slots(0);
  for (const ParameterBlock& block : layout.blocks()) {
    proto::ParametersHeader::Block* written = header.add_block();
    written->set_name(block.name);
    for (const int extent : block.shape) written->add_shape(extent);
    written->set_precision(ToProto(BlockPrecision(student, block, precision)));
  }
  TANDEM_RETURN_IF_ERROR(writer->Append(header.SerializeAsString()));
  for (const ParameterBlock& block : layout.blocks()) {
    TANDEM_RETURN_IF_ERROR(writer->Append(
        EncodeWeights(block, BlockPrecision(student, block, precision), values + block.offset)));
  }
  return absl::OkStatus();
}

}  // namespace

std::string BundleGraphPath(const std::string& bundle) { return bundle + "/graph.bin"; }
std::string BundleEmbeddingPath(const std::string& bundle) { return bundle + "/embedding.bin"; }

absl::StatusOr<std::string> ExportedModelId(FileSystem& fs, const std::string& checkpoint,
                                            Precision precision) {
  TANDEM_ASSIGN_OR_RETURN(std::string manifest, fs.ReadFile(checkpoint + "/MANIFEST"));
  if (precision != Precision::kF32) manifest += PrecisionName(precision);
  const XXH128_hash_t hash = XXH3_128bits(manifest.data(), manifest.size());
  return absl::StrFormat("%016x%016x", hash.high64, hash.low64);
}

absl::StatusOr<BundleGraph> OpenBundleGraph(FileSystem& fs, const std::string& bundle) {
  BundleGraph graph;
  graph.path = BundleGraphPath(bundle);
  TANDEM_ASSIGN_OR_RETURN(graph.reader, RecordReader::Open(fs, graph.path));
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, graph.reader->Next());
  if (!ParseStrictly(record, &graph.header)) return BadGraph(graph.path);
  TANDEM_ASSIGN_OR_RETURN(record, graph.reader->Next());
  graph.experiment_text.assign(record.data(), record.size());
  return graph;
}

absl::StatusOr<proto::Experiment> ReadBundleExperiment(FileSystem& fs, const std::string& bundle) {
  TANDEM_ASSIGN_OR_RETURN(const BundleGraph graph, OpenBundleGraph(fs, bundle));
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment,
                          ParseStoredExperiment(graph.experiment_text, graph.path, ModelKind::kBundle));
  TANDEM_ASSIGN_OR_RETURN(const int64_t bytes, fs.Size(graph.path));
  const double weights = StudentFloats(experiment).weights;
  const bool f32 = graph.header.precision() == proto::F32;
  TANDEM_RETURN_IF_ERROR(CheckHoldsWeights(graph.path, bytes, weights, f32 ? sizeof(float) : 1));
  return experiment;
}

absl::Status LoadBundleParameters(const Tower& student, BundleGraph* graph, DenseParameters* parameters) {
  const Precision precision = FromProto(graph->header.precision());
  if (precision == Precision::kF32) {
    TANDEM_RETURN_IF_ERROR(LoadParameters(graph->path, student.layout(), EmbeddingLoad::kServed,
                                          graph->reader.get(), parameters));
  } else {
    TANDEM_RETURN_IF_ERROR(
        LoadLowPrecision(graph->path, student, precision, graph->reader.get(), parameters->values.data()));
  }
  return graph->reader->ExpectEnd();
}

absl::Status WriteBundleFiles(FileSystem& fs, const std::string& directory, const proto::BundleHeader& header,
                              const proto::Experiment& experiment, const Tower& student,
                              const DenseParameters& parameters, const ServingTables& tables) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(experiment, &text);
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> graph,
                          RecordWriter::Create(fs, BundleGraphPath(directory)));
  TANDEM_RETURN_IF_ERROR(graph->Append(header.SerializeAsString()));
  TANDEM_RETURN_IF_ERROR(graph->Append(text));
  const Precision precision = FromProto(header.precision());
  if (precision == Precision::kF32) {
    TANDEM_RETURN_IF_ERROR(SaveParameters(student.layout(), parameters, /*slots=*/false, graph.get()));
  } else {
    TANDEM_RETURN_IF_ERROR(SaveLowPrecision(student, precision, parameters.values.data(), graph.get()));
  }
  TANDEM_RETURN_IF_ERROR(graph->Close());
  return tables.Save(fs, BundleEmbeddingPath(directory), header.model_id());
}

}  // namespace tandem
