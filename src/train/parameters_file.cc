// Dense parameters in a record file: ParametersHeader, then a record of floats a block: values, then slot
// after slot, then the averages.
#include <cstring>

#include "src/config/stored_experiment.h"
#include "src/util/finite.h"
#include "tandem/checkpoint.h"
#include "tandem/records.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {

namespace {

// No optimizer keeps as many of a weight.
constexpr int kMostSlots = 8;

}  // namespace

absl::Status SaveParameters(const ParameterLayout& layout, const DenseParameters& parameters, bool slots,
                            RecordWriter* writer) {
  const auto size = static_cast<int64_t>(parameters.values.size());
  const int64_t slot_count = slots && size > 0 ? static_cast<int64_t>(parameters.slots.size()) / size : 0;
  proto::ParametersHeader header;
  header.set_slots(static_cast<int>(slot_count));
  const bool averages = slots && !parameters.averages.empty();
  if (averages) header.set_averages(true);
  for (const ParameterBlock& block : layout.blocks()) {
    proto::ParametersHeader::Block* written = header.add_block();
    written->set_name(block.name);
    for (const int extent : block.shape) written->add_shape(extent);
  }
  TANDEM_RETURN_IF_ERROR(writer->Append(header.SerializeAsString()));
  for (const ParameterBlock& block : layout.blocks()) {
    if (!AllFinite(parameters.values.data() + block.offset, block.size) ||
        (averages && !AllFinite(parameters.averages.data() + block.offset, block.size))) {
      return absl::InternalError(absl::StrCat("the weights '", block.name,
                                              "' are not finite any more; they were not kept. A lower rate "
                                              "(train.optimizer) or train.clip_norm may help"));
    }
    std::string record;
    const auto append = [&](const float* values) {
      record.append(reinterpret_cast<const char*>(values), block.size * sizeof(float));
    };
    append(parameters.values.data() + block.offset);
    for (int64_t slot = 0; slot < slot_count; ++slot)
      append(parameters.slots.data() + slot * size + block.offset);
    if (averages) append(parameters.averages.data() + block.offset);
    TANDEM_RETURN_IF_ERROR(writer->Append(record));
  }
  return absl::OkStatus();
}

absl::Status LoadParameters(const std::string& path, const ParameterLayout& layout, EmbeddingLoad how,
                            RecordReader* reader, DenseParameters* parameters) {
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, reader->Next());
  proto::ParametersHeader header;
  if (!ParseStrictly(record, &header) || header.slots() < 0 || header.slots() > kMostSlots) {
    return ModelError(path, ": parameters of another version, or damaged. Nothing was loaded.");
  }
  const bool keep_slots = how != EmbeddingLoad::kReset && how != EmbeddingLoad::kServed;
  const auto size = static_cast<int64_t>(parameters->values.size());
  const int64_t slots = size > 0 ? static_cast<int64_t>(parameters->slots.size()) / size : 0;
  if (keep_slots && slots != header.slots()) {
    return ModelError(path, ": ", header.slots(), " optimizer slots a weight where train.optimizer has ",
                      slots, "; reset_optimizer starts it anew");
  }
  if (how == EmbeddingLoad::kResume && header.averages() == parameters->averages.empty()) {
    return ModelError(
        path, header.averages() ? ": has averages of the weights" : ": has no averages of the weights",
        ", against train.average_decay of the configuration beside it. Nothing was loaded.");
  }
  if (header.block_size() != static_cast<int>(layout.blocks().size())) {
    return ModelError(path, ": ", header.block_size(), " parameter blocks where the model has ",
                      layout.blocks().size());
  }
  for (int b = 0; b < header.block_size(); ++b) {
    const ParameterBlock& block = layout.blocks()[b];
    const proto::ParametersHeader::Block& read = header.block(b);
    if (read.name() != block.name ||
        std::vector<int>(read.shape().begin(), read.shape().end()) != block.shape) {
      return ModelError(path, ": block '", read.name(), "' doesn't match the model's '", block.name,
                        "' in name or shape");
    }
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    const size_t bytes = block.size * sizeof(float);
    const size_t wanted = bytes * (1 + header.slots() + (header.averages() ? 1 : 0));
    if (record.size() != wanted) {
      return ModelError(path, ": block '", block.name, "' has ", record.size(), " bytes, not ", wanted,
                        ". Nothing was loaded.");
    }
    const char* averages = record.data() + (header.averages() ? wanted - bytes : 0);
    const bool served = how == EmbeddingLoad::kServed || how == EmbeddingLoad::kContinueServed;
    std::memcpy(parameters->values.data() + block.offset, served ? averages : record.data(), bytes);
    if (!AllFinite(parameters->values.data() + block.offset, block.size)) {
      return ModelError(path, ": the weights '", block.name,
                        "' are not all finite: their training diverged. Nothing was loaded.");
    }
    if (!parameters->averages.empty()) {
      const bool anew = how == EmbeddingLoad::kReset;
      std::memcpy(parameters->averages.data() + block.offset, anew ? record.data() : averages, bytes);
    }
    for (int64_t slot = 0; keep_slots && slot < slots; ++slot) {
      std::memcpy(parameters->slots.data() + slot * size + block.offset, record.data() + (slot + 1) * bytes,
                  bytes);
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
