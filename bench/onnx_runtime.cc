#include "bench/onnx_runtime.h"

#include <dlfcn.h>
#include <glog/logging.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "tandem/status.h"

namespace tandem::bench {
namespace {

// The C interface is one table of functions whose places never change once released; these are the few that
// are used here, by their place (onnxruntime.ai/docs/api/c, struct OrtApi, version 5).
constexpr uint32_t kApiVersion = 5;
enum Place {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSessionFromArray = 8,
  kCreateSessionOptions = 10,
  kSetSessionGraphOptimizationLevel = 23,
  kSetIntraOpNumThreads = 24,
  kSetInterOpNumThreads = 25,
  kCreateTensorWithDataAsOrtValue = 49,
  kCreateCpuMemoryInfo = 69,
  kReleaseEnv = 92,
  kReleaseStatus = 93,
  kReleaseMemoryInfo = 94,
  kReleaseSession = 95,
  kReleaseValue = 96,
  kReleaseSessionOptions = 100,
  kRunWithBinding = 133,
  kCreateIoBinding = 134,
  kReleaseIoBinding = 135,
  kBindInput = 136,
  kBindOutput = 137,
};
constexpr int kLogError = 3, kAllOptimizations = 99, kDeviceAllocator = 0, kDefaultMemory = 0, kFloat = 1;

struct ApiBase {
  const void* const* (*get_api)(uint32_t version);
  const char* (*version)();
};

using Object = void*;  // whatever the library hands out

class Api {
 public:
  explicit Api(const void* const* table) : table_(table) {}

  // Calls the function at `place` that returns a status.
  template <typename... Arguments>
  absl::Status Call(Place place, Arguments... arguments) const {
    Object status = Function<Object(Arguments...)>(place)(arguments...);
    if (status == nullptr) return absl::OkStatus();
    absl::Status result = absl::InternalError(Function<const char*(Object)>(kGetErrorMessage)(status));
    Release(kReleaseStatus, status);
    return result;
  }
  void Release(Place place, Object object) const {
    if (object != nullptr) Function<void(Object)>(place)(object);
  }

 private:
  template <typename Signature>
  Signature* Function(Place place) const {
    return reinterpret_cast<Signature*>(const_cast<void*>(table_[place]));
  }
  const void* const* table_;
};

class Session : public OnnxSession {
 public:
  explicit Session(const Api& api) : api_(api) {}
  ~Session() override {
    api_.Release(kReleaseIoBinding, binding_);
    api_.Release(kReleaseValue, x_);
    api_.Release(kReleaseValue, y_);
    api_.Release(kReleaseSession, session_);
    api_.Release(kReleaseSessionOptions, options_);
  }

  absl::Status Open(Object environment, Object memory, const std::string& model, int batch, int inputs,
                    float* x, float* y) {
    TANDEM_RETURN_IF_ERROR(api_.Call(kCreateSessionOptions, &options_));
    TANDEM_RETURN_IF_ERROR(api_.Call(kSetIntraOpNumThreads, options_, 1));
    TANDEM_RETURN_IF_ERROR(api_.Call(kSetInterOpNumThreads, options_, 1));
    TANDEM_RETURN_IF_ERROR(api_.Call(kSetSessionGraphOptimizationLevel, options_, kAllOptimizations));
    TANDEM_RETURN_IF_ERROR(api_.Call(kCreateSessionFromArray, environment,
                                     static_cast<const void*>(model.data()), model.size(), options_,
                                     &session_));
    TANDEM_RETURN_IF_ERROR(Tensor(memory, x, batch, inputs, &x_));
    TANDEM_RETURN_IF_ERROR(Tensor(memory, y, batch, 1, &y_));
    TANDEM_RETURN_IF_ERROR(api_.Call(kCreateIoBinding, session_, &binding_));
    TANDEM_RETURN_IF_ERROR(api_.Call(kBindInput, binding_, "x", x_));
    return api_.Call(kBindOutput, binding_, "y", y_);
  }

  void Run() override {
    const absl::Status status = api_.Call(kRunWithBinding, session_, Object{nullptr}, binding_);
    CHECK(status.ok()) << status;
  }

 private:
  absl::Status Tensor(Object memory, float* data, int64_t rows, int64_t cols, Object* value) const {
    const int64_t shape[2] = {rows, cols};
    const size_t bytes = static_cast<size_t>(rows * cols) * sizeof(float);
    return api_.Call(kCreateTensorWithDataAsOrtValue, memory, static_cast<void*>(data), bytes,
                     static_cast<const int64_t*>(shape), size_t{2}, kFloat, value);
  }

  const Api& api_;
  Object options_ = nullptr, session_ = nullptr, x_ = nullptr, y_ = nullptr, binding_ = nullptr;
};

class Runtime : public OnnxRuntime {
 public:
  Runtime(const void* const* table, std::string version) : api_(table), version_(std::move(version)) {}
  ~Runtime() override {
    api_.Release(kReleaseMemoryInfo, memory_);
    api_.Release(kReleaseEnv, environment_);
  }

  absl::Status Open() {
    TANDEM_RETURN_IF_ERROR(api_.Call(kCreateEnv, kLogError, "bench", &environment_));
    return api_.Call(kCreateCpuMemoryInfo, kDeviceAllocator, kDefaultMemory, &memory_);
  }

  std::string version() const override { return version_; }

  absl::StatusOr<std::unique_ptr<OnnxSession>> NewSession(const std::string& model, int batch, int inputs,
                                                          float* x, float* y) override {
    auto session = std::make_unique<Session>(api_);
    TANDEM_RETURN_IF_ERROR(session->Open(environment_, memory_, model, batch, inputs, x, y));
    return session;
  }

 private:
  const Api api_;
  const std::string version_;
  Object environment_ = nullptr, memory_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OnnxRuntime>> OnnxRuntime::Load(const std::string& library) {
  // Never closed: the library keeps threads and handlers till the process ends.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return absl::NotFoundError(dlerror());
  auto* get_base = reinterpret_cast<const ApiBase* (*)()>(dlsym(handle, "OrtGetApiBase"));
  if (get_base == nullptr) return absl::NotFoundError(absl::StrCat(library, " has no OrtGetApiBase"));
  const ApiBase* base = get_base();
  const void* const* table = base->get_api(kApiVersion);
  if (table == nullptr)
    return absl::UnimplementedError(absl::StrCat(library, " lacks version 5 of the C API"));
  auto runtime = std::make_unique<Runtime>(table, base->version());
  TANDEM_RETURN_IF_ERROR(runtime->Open());
  return runtime;
}

}  // namespace tandem::bench
