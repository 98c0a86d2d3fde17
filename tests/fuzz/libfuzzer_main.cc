// One target, TANDEM_FUZZ_TARGET, for libFuzzer (cmake -DTANDEM_FUZZ=ON, tools/fuzz.sh).
#include <glog/logging.h>

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** argv) {
  FLAGS_minloglevel = google::GLOG_FATAL;  // the messages of millions of inputs are of no use
  FLAGS_logtostderr = true;
  google::InitGoogleLogging((*argv)[0]);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tandem::TANDEM_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
