// By what a comparison knows a configuration, and a teacher.
#include <glog/logging.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_format.h"
#include "src/compare/comparison.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"

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

std::string TeacherChecksum(const DualModel& model) {
  CHECK(model.has_teacher());
  Hash hash;
  const AlignedFloats& values = model.teacher_parameters().values;
  hash.AddFloats(values.data(), values.size());
  const EmbeddingLayer& embedding = model.embedding();
  // The linear weight of the teacher comes right after the vector (tandem/embedding.h).
  const int floats = embedding.dim() + (model.teacher().linear() ? 1 : 0);
  for (size_t t = 0; t < embedding.tables().size(); ++t) {
    const std::string& name = model.schema().tables()[t].name;
    hash.Add(name.data(), name.size());
    const EmbeddingTable& table = embedding.tables()[t];
    hash.AddFloats(table.row(EmbeddingTable::kDefaultRow), floats);
    table.VisitInOrder(
        [&](uint64_t key, uint32_t row) {
          hash.Add(&key, sizeof(key));
          hash.AddFloats(table.row(row), floats);
        },
        nullptr);
  }
  return hash.Hex();
}

}  // namespace tandem
