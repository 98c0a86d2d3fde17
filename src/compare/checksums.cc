// By what a comparison knows a configuration, and a teacher.
#include <glog/logging.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_format.h"
#include "src/compare/comparison.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

class Hash {
 public:
  Hash() : state_(XXH3_createState()) { XXH3_128bits_reset(state_); }
  ~Hash() { XXH3_freeState(state_); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  void Add(const void* bytes, size_t size) { XXH3_128bits_update(state_, bytes, size); }
  void AddFloats(const float* values, size_t n) { Add(values, n * sizeof(float)); }
  std::string Hex() const {
    const XXH128_hash_t digest = XXH3_128bits_digest(state_);
    return absl::StrFormat("%016x%016x", digest.high64, digest.low64);
  }

 private:
  XXH3_state_t* state_;
};

}  // namespace

std::string ConfigChecksum(proto::Experiment experiment) {
  experiment.clear_runtime();
  const std::string text = ExperimentText(experiment);
  Hash hash;
  hash.Add(text.data(), text.size());
  return hash.Hex();
}

absl::StatusOr<std::string> TeacherChecksum(const DualModel& model) {
  CHECK(model.has_teacher());
  Hash hash;
  const AlignedFloats& values = model.teacher_parameters().values;
  hash.AddFloats(values.data(), values.size());
  const EmbeddingLayer& embedding = model.embedding();
  // The linear weight of the teacher comes right after the vector (tandem/embedding.h).
  const int floats = embedding.dim() + model.teacher().linear();
  const int whole_floats = embedding.shape().whole_floats();
  for (size_t t = 0; t < model.schema().tables().size(); ++t) {
    const std::string& name = model.schema().tables()[t].name;
    hash.Add(name.data(), name.size());
    TANDEM_RETURN_IF_ERROR(embedding.store().Export(static_cast<int>(t), [&](const RowBlock& block) {
      if (block.kind == RowBlock::Kind::kPending) return absl::OkStatus();
      for (int64_t i = 0; i < block.rows(); ++i) {
        if (block.kind == RowBlock::Kind::kRows) hash.Add(&block.keys[i], sizeof(uint64_t));
        hash.AddFloats(block.floats.data() + i * whole_floats, floats);
      }
      return absl::OkStatus();
    }));
  }
  return hash.Hex();
}

}  // namespace tandem
