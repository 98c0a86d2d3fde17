// ONNX Runtime as a peer: an MLP of Gemm and Relu nodes, run by its shared library.
//
//   auto runtime = OnnxRuntime::Load("/opt/peers/libonnxruntime.so.1");
//   auto session = runtime->NewSession(OnnxMlp(layers, batch), batch, 416, x, y);
//   session->Run();                                       // reads x [batch, 416], writes y [batch, 1]
//
// The library is that of pip's onnxruntime (bench/install_peers.sh) and is loaded at run time; nothing of it
// is needed to build. One thread, all graph optimizations, input and output bound to the caller's
// memory.
#ifndef TANDEM_BENCH_ONNX_RUNTIME_H_
#define TANDEM_BENCH_ONNX_RUNTIME_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tandem::bench {

// y = x W + bias, W [inputs, outputs] row-major.
struct DenseLayer {
  int inputs, outputs;
  std::vector<float> weight, bias;
};

// The bytes of an ONNX model: the layers in order, ReLU after each but the last; input "x" [batch, inputs],
// output "y" [batch, outputs of the last].
std::string OnnxMlp(const std::vector<DenseLayer>& layers, int batch);

class OnnxSession {
 public:
  virtual ~OnnxSession() = default;
  // CHECK-fails where the library reports an error.
  virtual void Run() = 0;
};

class OnnxRuntime {
 public:
  // Why it couldn't be loaded is in the status.
  static absl::StatusOr<std::unique_ptr<OnnxRuntime>> Load(const std::string& library);
  virtual ~OnnxRuntime() = default;

  virtual std::string version() const = 0;
  // A session of `model` with x [batch, inputs] and y [batch, 1], which outlive it, as this runtime does.
  virtual absl::StatusOr<std::unique_ptr<OnnxSession>> NewSession(const std::string& model, int batch,
                                                                  int inputs, float* x, float* y) = 0;
};

}  // namespace tandem::bench

#endif  // TANDEM_BENCH_ONNX_RUNTIME_H_
