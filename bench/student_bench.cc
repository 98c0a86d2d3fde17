// How fast the student scores from memory: its MLP next to ONNX Runtime in turns, and with the gather.
//
//   build/bench/student_bench --onnxruntime=/opt/peers/libonnxruntime.so.1
//   build/bench/student_bench --model=run --input=log.tsv          # gather + student, on a trained model
//
// One thread. The student is 128-64, as serving runs it: its scorer, tiles of 32 rows. Both sides compute the
// same logits from the same weights, which is checked first: to 1e-4 in float32, to what rounding costs in
// bfloat16 and int8. ONNX Runtime computes in float32. `of_peak` counts the multiplications and additions of
// the matrix products, and is a share of the float32 peak.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/in_turns.h"
#include "bench/onnx_runtime.h"
#include "bench/peak.h"
#include "bench/report.h"
#include "src/serve/loaded_model.h"
#include "src/serve/serving_tables.h"
#include "src/serve/student_scorer.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"
#include "tandem/predictor.h"
#include "tandem/tower.h"

DEFINE_string(onnxruntime, "", "Path of libonnxruntime.so; without it Tandem's side runs alone.");
DEFINE_string(model, "", "A run; with --input: time gather + student on its rows instead.");
DEFINE_string(input, "", "A plain log that --model reads.");
DEFINE_int32(rows, 200000, "Rows of --input to hold in memory.");
DEFINE_int32(batch, 512, "Rows of a batch, with --model.");
DEFINE_int32(repeats, 15, "Turns of each side; the figures are medians.");
DEFINE_bool(json, false, "One JSON array instead of a table.");

namespace tandem::bench {
namespace {

constexpr int kTileRows = 32;  // of a student alone (src/serve/predictor.cc)

// A plain student's scorer with its memory.
class Scorer {
 public:
  Scorer(const Tower& tower, const float* parameters, Precision precision, const Kernels& kernels)
      : scorer_(MakeStudentScorer(PlainStudentsOf(tower, parameters), precision, kernels)),
        workspace_(scorer_->workspace_floats(kTileRows)) {}

  // x: up to kTileRows rows.
  void ScoreTile(Matrix x, float* logits) { scorer_->Score(x, nullptr, workspace_.data(), logits); }
  // In bfloat16; a stride of 0: it reads floats.
  int64_t rounded_stride() const { return scorer_->rounded_stride(); }
  void ScoreRounded(const uint16_t* x, int rows, float* logits) {
    scorer_->ScoreRounded(x, rows, nullptr, workspace_.data(), logits);
  }
  void Score(Matrix x, float* logits) {
    for (int first = 0; first < x.rows; first += kTileRows) {
      ScoreTile({x.row(first), std::min(kTileRows, x.rows - first), x.cols, x.stride}, logits + first);
    }
  }

 private:
  std::unique_ptr<StudentScorer> scorer_;
  AlignedFloats workspace_;
};

struct Student {
  Student(int fields, const Kernels& kernels)
      : tower(Config(), {fields, 16}, "student", kernels), parameters(tower.layout().size()) {
    tower.Initialize(1, parameters.data());
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i] == 0) parameters[i] = static_cast<float>(i % 7) * 0.01f;  // biases that matter
    }
  }

  static proto::Tower Config() {
    proto::Tower config;
    config.mutable_mlp()->add_hidden(128);
    config.mutable_mlp()->add_hidden(64);
    return config;
  }

  DenseLayer Layer(const std::string& weight, const std::string& bias) const {
    const ParameterBlock& w = *tower.layout().Find(weight);
    const ParameterBlock& b = *tower.layout().Find(bias);
    const auto values = [&](const ParameterBlock& block) {
      return std::vector<float>(parameters.begin() + block.offset,
                                parameters.begin() + block.offset + block.size);
    };
    return {w.shape[0], static_cast<int>(b.size), values(w), values(b)};
  }
  std::vector<DenseLayer> Layers() const {
    return {Layer("mlp/0/weight", "mlp/0/bias"), Layer("mlp/1/weight", "mlp/1/bias"),
            Layer("head/weight", "bias")};
  }

  Tower tower;
  AlignedFloats parameters;
};

void CompareMlp(OnnxRuntime* runtime, const Kernels& kernels) {
  // The precisions, and how far a logit may be from float32's.
  const std::vector<std::pair<Precision, double>> precisions = {
      {Precision::kF32, 1e-4}, {Precision::kBf16, 0.02}, {Precision::kInt8, 0.05}};
  Report report({"mlp", "batch", "precision", "tandem", "onnxruntime", "ratio", "of_peak", "peer_of_peak"});
  for (int fields : {26, 39}) {
    const Student student(fields, kernels);
    const int inputs = fields * 16;
    const std::vector<DenseLayer> layers = student.Layers();
    for (int batch : {1, 8, 64, 512}) {
      AlignedFloats x(static_cast<size_t>(batch) * inputs), ours(batch), theirs(batch);
      for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 1000) * 1e-3f - 0.5f;
      std::vector<std::function<void()>> sides = {[&] { FmaTurn(kernels.name()); }};
      std::unique_ptr<OnnxSession> session;
      if (runtime != nullptr) {
        auto opened = runtime->NewSession(OnnxMlp(layers, batch), batch, inputs, x.data(), theirs.data());
        CHECK(opened.ok()) << opened.status();
        session = std::move(*opened);
        session->Run();
        sides.emplace_back([&] { session->Run(); });
      }
      const size_t first = sides.size();
      for (const auto& [precision, tolerance] : precisions) {
        const auto scorer =
            std::make_shared<Scorer>(student.tower, student.parameters.data(), precision, kernels);
        sides.emplace_back([&, scorer] { scorer->Score({x.data(), batch, inputs, inputs}, ours.data()); });
        if (runtime == nullptr) continue;
        sides.back()();
        for (int i = 0; i < batch; ++i) {
          CHECK_LT(std::abs(ours[i] - theirs[i]), tolerance * (1 + std::abs(theirs[i])))
              << PrecisionName(precision) << ", row " << i;
        }
      }
      const std::vector<double> seconds = MedianSeconds(sides, FLAGS_repeats);
      const double peak = FmaTurnFlops(kernels.name()) / seconds[0];
      const double flops = static_cast<double>(student.tower.flops_per_sample()) * batch;
      for (size_t p = 0; p < precisions.size(); ++p) {
        const double time = seconds[first + p];
        Json row = {{"mlp", std::to_string(inputs) + "-128-64-1"},
                    {"batch", batch},
                    {"precision", PrecisionName(precisions[p].first)},
                    {"tandem", batch / time},
                    {"of_peak", flops / time / peak}};
        if (runtime != nullptr) {
          row["onnxruntime"] = batch / seconds[1];
          row["ratio"] = seconds[1] / time;
          row["peer_of_peak"] = flops / seconds[1] / peak;
        }
        report.Add(row);
      }
    }
  }
  report.Print(FLAGS_json);
}

// Batches of the log's rows, parsed and hashed.
std::vector<Batch> ReadBatches(const Predictor& predictor) {
  CHECK(!predictor.format().has_head()) << "a log without a header is wanted";
  auto decoder = predictor.format().MakeDecoder(predictor.schema(), {RowUse::kPredict}, "", FLAGS_input);
  CHECK(decoder.ok()) << decoder.status();
  std::ifstream file(FLAGS_input);
  CHECK(file.good()) << FLAGS_input;
  std::vector<Batch> batches;
  std::string line;
  for (int row = 0; row < FLAGS_rows && std::getline(file, line); ++row) {
    if (row % FLAGS_batch == 0) batches.emplace_back(predictor.fields());
    (*decoder)->Decode(line, &batches.back(), nullptr);
  }
  return batches;
}

void TimeGather() {
  PredictorOptions options;
  options.towers = TowerChoice::kStudent;
  auto predictor = Predictor::Load(FLAGS_model, options);
  CHECK(predictor.ok()) << predictor.status();
  const std::vector<Batch> batches = ReadBatches(**predictor);
  // With tables of its own, so that ids can be looked up beforehand.
  const absl::StatusOr<LoadedModel> loaded =
      LoadModel(FileSystem::Default(), (*predictor)->directory(), (*predictor)->experiment(),
                (*predictor)->model().kernels());
  CHECK(loaded.ok()) << loaded.status();
  const DualModel& model = *loaded->model;
  double count = 0;
  for (const Batch& batch : batches) count += batch.rows();
  const int width = (*predictor)->fields() * model.student_embedding().dim();
  AlignedFloats x(static_cast<size_t>(kTileRows) * width);
  std::vector<float> logits(FLAGS_batch);
  Report report({"from", "precision", "rows", "samples_per_second"});
  for (Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    // Places that are known, then ids that are looked up; rows and layers in `precision`, as in a bundle of
    // it.
    Scorer scorer(model.student(), model.student_parameters().values.data(), precision, model.kernels());
    const ServingTables tables =
        ServingTables::From(*loaded->tables, model.schema(), precision, model.kernels());
    std::vector<FoundPlaces> found(batches.size());
    for (size_t b = 0; b < batches.size(); ++b) tables.LookUp(batches[b], &found[b]);
    const int64_t stride = scorer.rounded_stride();
    std::vector<uint16_t> rounded(kTileRows * stride);
    std::unique_ptr<Predictor> converted;
    if (precision != Precision::kF32) converted = (*predictor)->InPrecision(precision);
    const Predictor& served = converted == nullptr ? **predictor : *converted;
    Scores scores;
    const auto from_rows = [&] {
      for (size_t b = 0; b < batches.size(); ++b) {
        for (int first = 0; first < batches[b].rows(); first += kTileRows) {
          const Matrix tile{x.data(), std::min(kTileRows, batches[b].rows() - first), width, width};
          if (stride > 0) {
            tables.GatherRounded(batches[b], found[b], first, tile.rows, rounded.data(), stride);
            scorer.ScoreRounded(rounded.data(), tile.rows, logits.data() + first);
            continue;
          }
          tables.Gather(batches[b], found[b], first, tile);
          scorer.ScoreTile(tile, logits.data() + first);
        }
      }
    };
    const auto from_keys = [&] {
      for (const Batch& batch : batches) CHECK(served.Score(batch, &scores).ok());
    };
    const std::vector<double> seconds = MedianSeconds({from_rows, from_keys}, FLAGS_repeats, 0.2);
    for (size_t k = 0; k < seconds.size(); ++k) {
      report.Add({{"from", k == 0 ? "table rows" : "hashed ids"},
                  {"precision", PrecisionName(precision)},
                  {"rows", count},
                  {"samples_per_second", count / seconds[k]}});
    }
  }
  report.Print(FLAGS_json);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  using namespace tandem::bench;  // NOLINT(google-build-using-namespace)
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = true;
  if (!FLAGS_model.empty()) {
    TimeGather();
    return 0;
  }
  std::unique_ptr<OnnxRuntime> runtime;
  if (!FLAGS_onnxruntime.empty()) {
    auto loaded = OnnxRuntime::Load(FLAGS_onnxruntime);
    CHECK(loaded.ok()) << loaded.status();
    runtime = std::move(*loaded);
    LOG(INFO) << "ONNX Runtime " << runtime->version();
  }
  CompareMlp(runtime.get(), **tandem::FindKernels("auto"));
  return 0;
}
