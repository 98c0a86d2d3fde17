// Speed of the layers around the kernels: interactions, the embedding's look-up, gather and update, and the
// optimizers, each with its share of what bounds it, measured in the same process.
//
//   taskset -c 1 build/bench/layers_bench [--benchmark_filter=Gather]
//
// `of_peak`: of the FMA peak, by the multiplications and additions that the formula needs. `of_stream`: of
// the bandwidth of reading memory in order, by the bytes that must be read and written. `of_random`: of the
// rate of reading 64-byte rows at random places with prefetch, by table rows (bench/peak.h). One thread, 39
// fields x 16, batches of 512.
#include <benchmark/benchmark.h>
#include <glog/logging.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/operands.h"
#include "bench/peak.h"
#include "google/protobuf/text_format.h"
#include "src/embedding/local_row_store.h"
#include "tandem/embedding.h"
#include "tandem/experiment.pb.h"
#include "tandem/interaction.h"
#include "tandem/kernels.h"
#include "tandem/optimizer.h"
#include "tandem/schema.h"
#include "tandem/threads.h"

namespace tandem::bench {
namespace {

constexpr int kFields = 39, kDim = 16, kShardRows = 128, kBatchRows = 512;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) std::abort();
  return message;
}

void Rate(benchmark::State& state, const char* name, double per_iteration, double yardstick) {
  const double amount = per_iteration * static_cast<double>(state.iterations());
  state.counters[name] = benchmark::Counter(amount / yardstick, benchmark::Counter::kIsRate);
}

// ---- interactions, a shard of 128 rows

struct Crossing {
  explicit Crossing(const std::string& config)
      : kernels(*FindKernels("auto").value()),
        layer(MakeInteraction(Parse<proto::Interaction>(config), {kFields, kDim}, "interaction/0", kernels,
                              &layout)),
        parameters(layout.size()),
        gradients(layout.size()),
        workspace(layer->workspace_floats(kShardRows)),
        x(Values(int64_t{kShardRows} * kFields * kDim)),
        d_x(x.size()),
        output(int64_t{kShardRows} * layer->width()),
        d_output(Values(static_cast<int64_t>(output.size()))) {
    layer->Initialize(1, parameters.data());
    layer->Prepare(parameters.data());
  }
  void Forward() { layer->Forward(View(x, kFields * kDim), workspace.data(), View(output, layer->width())); }
  void Backward() {
    layer->Backward(View(x, kFields * kDim), workspace.data(), View(d_output, layer->width()),
                    View(d_x, kFields * kDim), gradients.data());
  }
  static Matrix View(AlignedFloats& data, int cols) { return {data.data(), kShardRows, cols, cols}; }

  const Kernels& kernels;
  ParameterLayout layout;
  std::unique_ptr<Interaction> layer;
  AlignedFloats parameters, gradients, workspace, x, d_x, output, d_output;
};

void InteractionForward(benchmark::State& state, const std::string& config) {
  Crossing crossing(config);
  for (auto _ : state) {
    crossing.Forward();
    benchmark::ClobberMemory();
  }
  const double flops = static_cast<double>(crossing.layer->flops_per_sample()) * kShardRows;
  Rate(state, "GFLOP/s", flops, 1e9);
  Rate(state, "of_peak", flops, FmaPeak(crossing.kernels.name()));
}

void InteractionBackward(benchmark::State& state, const std::string& config) {
  Crossing crossing(config);
  crossing.Forward();
  for (auto _ : state) {
    crossing.Backward();
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * static_cast<double>(crossing.layer->flops_per_sample()) * kShardRows;
  Rate(state, "GFLOP/s", flops, 1e9);
  Rate(state, "of_peak", flops, FmaPeak(crossing.kernels.name()));
}

// ---- the embedding layer: 39 tables of `ids` rows, batches of ids drawn evenly

struct Tables {
  Tables(int ids, bool trained, const std::string& optimizer)
      : experiment(Parse<proto::Experiment>(Config(optimizer))),
        schema(experiment),
        store(new LocalRowStore(experiment, schema, trained)),
        layer(experiment, schema, std::unique_ptr<RowStore>(store)),
        workers(1) {
    std::vector<std::vector<uint64_t>> keys(kFields);
    for (int f = 0; f < kFields; ++f) {
      for (int id = 0; id < ids; ++id) {
        keys[f].push_back(schema.Key(f, absl::StrCat(id)));
        store->InsertRow(f, keys[f].back());
      }
    }
    uint64_t state = 1;
    for (int b = 0; b < 32; ++b) {
      Batch batch(kFields);
      for (int row = 0; row < kBatchRows; ++row) {
        batch.labels.push_back(0);
        batch.weights.push_back(1);
        batch.groups.push_back(0);
        for (int f = 0; f < kFields; ++f) {
          state = state * 6364136223846793005u + 1442695040888963407u;
          FieldBags& bags = batch.fields[f];
          bags.keys.push_back(keys[f][(state >> 33) % ids]);
          bags.coefficients.push_back(1);
          bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
        }
      }
      batches.push_back(std::move(batch));
    }
    rows.resize(batches.size());
    for (size_t b = 0; b < batches.size(); ++b) CHECK(layer.Lookup(batches[b], &rows[b]).ok());
  }

  static std::string Config(const std::string& optimizer) {
    std::string text =
        absl::StrCat("model { method: STUDENT_ALONE student { mlp { hidden: 8 } } } embedding { dim: 16 ",
                     optimizer, " } ");
    for (int f = 0; f < kFields; ++f) absl::StrAppend(&text, "feature { name: \"f", f, "\" sparse {} } ");
    return text;
  }

  proto::Experiment experiment;
  Schema schema;
  LocalRowStore* store;  // the layer's
  EmbeddingLayer layer;
  Workers workers;
  std::vector<Batch> batches;
  std::vector<BatchRows> rows;
};

constexpr char kAdagrad[] = "optimizer { adagrad { lr: 0.05 } }";
constexpr char kAdam[] = "optimizer { adam { lr: 0.001 } }";
constexpr double kBatchIds = static_cast<double>(kBatchRows) * kFields;

void Lookup(benchmark::State& state, int ids) {
  Tables tables(ids, false, kAdagrad);
  BatchRows rows;
  size_t b = 0;
  for (auto _ : state) CHECK(tables.layer.Lookup(tables.batches[b++ % tables.batches.size()], &rows).ok());
  Rate(state, "Mrows/s", kBatchIds, 1e6);
  Rate(state, "of_random", kBatchIds, RandomRowRate());
}

void Gather(benchmark::State& state, int ids) {
  const Tables tables(ids, false, kAdagrad);
  AlignedFloats x(int64_t{kShardRows} * kFields * kDim);
  size_t b = 0;
  for (auto _ : state) {
    const size_t batch = b++ % tables.batches.size();
    for (int first = 0; first < kBatchRows; first += kShardRows) {
      tables.layer.Gather(tables.batches[batch], tables.rows[batch], first,
                          {x.data(), kShardRows, kFields * kDim, kFields * kDim}, {});
    }
    benchmark::ClobberMemory();
  }
  Rate(state, "Mrows/s", kBatchIds, 1e6);
  Rate(state, "of_random", kBatchIds, RandomRowRate());
}

// Resolve and Update: merging the batch's duplicates, and one optimizer step a distinct row.
void Update(benchmark::State& state, int ids, const std::string& optimizer) {
  Tables tables(ids, true, optimizer);
  const AlignedFloats d_x = Values(int64_t{kBatchRows} * kFields * kDim);
  EmbeddingGradients gradients;
  gradients.d_x = {d_x.data(), kBatchRows, kFields * kDim, kFields * kDim};
  BatchRows rows;
  int64_t step = 0;
  for (auto _ : state) {
    const Batch& batch = tables.batches[step++ % static_cast<int64_t>(tables.batches.size())];
    absl::Status status = tables.layer.Resolve(batch, step, &tables.workers, &rows);
    status.Update(tables.layer.Update(batch, rows, gradients, step, 1, 1, &tables.workers));
    if (!status.ok()) state.SkipWithError(status.ToString().c_str());
  }
  Rate(state, "Mrows/s", kBatchIds, 1e6);
  Rate(state, "of_random", kBatchIds, RandomRowRate());
}

// ---- optimizers on dense parameters: `weights` of them, those of an xDeepFM or more than the caches hold

void DenseUpdate(benchmark::State& state, const std::string& config, int64_t weights) {
  const std::unique_ptr<Optimizer> optimizer = MakeOptimizer(Parse<proto::Optimizer>(config));
  const AlignedFloats gradient = Values(weights);
  AlignedFloats w = Values(weights), slots(weights * optimizer->slots());
  optimizer->Initialize(weights, w.data(), slots.data(), weights);
  UpdateStep step;
  for (auto _ : state) {
    optimizer->Update(step, weights, gradient.data(), w.data(), slots.data(), weights);
    ++step.step;
    benchmark::ClobberMemory();
  }
  // The gradient is read, weights and slots are read and written.
  const double bytes = static_cast<double>(weights) * sizeof(float) * (3 + 2 * optimizer->slots());
  Rate(state, "GB/s", bytes, 1e9);
  Rate(state, "of_stream", bytes, StreamBandwidth());
}

void RegisterAll() {
  for (const auto& [name, config] : std::vector<std::pair<std::string, std::string>>{
           {"FM", "fm {}"},
           {"CrossV1", "cross { version: V1 layers: 3 }"},
           {"CrossV2", "cross { version: V2 layers: 3 }"},
           {"CrossV2LowRank", "cross { version: V2 layers: 3 rank: 64 }"},
           {"CinRelu", "cin { layers: 128 layers: 128 activation: RELU bias: true }"},
           {"CinIdentity", "cin { layers: 128 layers: 128 }"}}) {
    benchmark::RegisterBenchmark((name + "/Forward").c_str(), InteractionForward, config);
    benchmark::RegisterBenchmark((name + "/Backward").c_str(), InteractionBackward, config);
  }
  for (int ids : {1000, 100000}) {
    const std::string of = absl::StrCat("/39x", ids);
    benchmark::RegisterBenchmark(("Lookup" + of).c_str(), Lookup, ids);
    benchmark::RegisterBenchmark(("GatherPool" + of).c_str(), Gather, ids);
    benchmark::RegisterBenchmark(("UpdateRows/adagrad" + of).c_str(), Update, ids, std::string(kAdagrad));
    benchmark::RegisterBenchmark(("UpdateRows/adam" + of).c_str(), Update, ids, std::string(kAdam));
  }
  for (const char* optimizer : {"sgd", "adagrad", "adam", "ftrl"}) {
    for (int64_t weights : {int64_t{1} << 20, int64_t{1} << 24}) {
      benchmark::RegisterBenchmark(absl::StrCat("Dense/", optimizer, "/", weights).c_str(), DenseUpdate,
                                   absl::StrCat(optimizer, " {}"), weights);
    }
  }
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  tandem::bench::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
