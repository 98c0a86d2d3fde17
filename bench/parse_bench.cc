// Parsing and hashing lines of Criteo's shape into a Batch: ours, next to how it is usually written.
//
//   cmake --build build --target bench && build/bench/parse_bench
//
// `us_per_row` is processor time. The lines are made up: a label, 13 integers and 26 hexadecimal ids, about
// 257 bytes, a tenth of the cells empty where Criteo's may be. "Dense" reads the integers as LOG1P numbers,
// as configs/criteo.pbtxt does, "sparse" as ids like the others. The other ways do the same work with the
// same result, save for setting malformed rows aside: lines and cells by getline, the latter from an
// istringstream a line, numbers by one a cell ("StringStream") or by from_chars ("Getline"); cells by
// absl::StrSplit into a vector, numbers by from_chars.
//
// "File" reads a file of such lines, too. What quotes cost (docs/tables.md):
//
//   build/bench/parse_bench --benchmark_filter=File --benchmark_repetitions=9
//
// Tab: as above, no quotes understood. Comma: quotes understood, and there are none. Ids: each id in quotes.
// All: every cell. Doubled: every cell, and a doubled quote in an id of each row.
#include <benchmark/benchmark.h>
#include <glog/logging.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "src/data/delimited/delimited_decoder.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tandem/sample_format.h"
#include "tandem/schema.h"

namespace tandem {
namespace {

constexpr int kRows = 1024;
constexpr int kIntegers = 13;
constexpr int kIds = 26;

Schema CriteoSchema(bool dense) {
  proto::Experiment experiment;
  experiment.mutable_data()->set_label("label");
  for (int i = 0; i < kIntegers + kIds; ++i) {
    proto::Feature* feature = experiment.add_feature();
    feature->set_name(i < kIntegers ? absl::StrCat("I", i + 1) : absl::StrCat("C", i + 1 - kIntegers));
    if (dense && i < kIntegers) {
      feature->mutable_dense()->set_transform(proto::Dense::LOG1P);
    } else {
      feature->mutable_sparse();
    }
  }
  return Schema(experiment);
}

// kRows lines, and where each begins.
RawRows SomeLines() {
  const Random random(7, RandomPurpose::kSynthetic, {});
  int64_t draws = 0;
  const auto uniform = [&] { return random.UniformDouble(draws++); };
  RawRows chunk;
  std::vector<size_t> ends;
  for (int row = 0; row < kRows; ++row) {
    chunk.bytes += uniform() < 0.25 ? '1' : '0';
    for (int i = 0; i < kIntegers; ++i) {
      const double spread = std::exp(1 + 0.4 * (i % 5) + 1.5 * std::sqrt(2.0) * (uniform() + uniform() - 1));
      chunk.bytes += '\t';
      if (uniform() >= 0.1) absl::StrAppend(&chunk.bytes, static_cast<int64_t>(spread));
    }
    for (int i = 0; i < kIds; ++i) {
      const auto id = static_cast<uint32_t>(std::pow(uniform(), 3) * 1e5) * 2654435761u;
      chunk.bytes += '\t';
      if (i % 4 != 3 || uniform() >= 0.1) absl::StrAppendFormat(&chunk.bytes, "%08x", id);
    }
    ends.push_back(chunk.bytes.size());
    chunk.bytes += '\n';
  }
  size_t begin = 0;
  for (const size_t end : ends) {
    chunk.rows.emplace_back(chunk.bytes.data() + begin, end - begin);
    begin = end + 1;
  }
  chunk.too_long.assign(kRows, false);
  return chunk;
}

void Report(const RawRows& chunk, benchmark::State* state) {
  state->SetBytesProcessed(state->iterations() * static_cast<int64_t>(chunk.bytes.size()));
  state->counters["us_per_row"] =
      benchmark::Counter(static_cast<double>(state->iterations()) * kRows * 1e-6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

double FromChars(absl::string_view cell) {
  double number = 0;
  std::from_chars(cell.data(), cell.data() + cell.size(), number);
  return number;
}

double FromStream(absl::string_view cell) {
  double number = 0;
  std::istringstream(std::string(cell)) >> number;
  return number;
}

// What a cell becomes in the other ways.
template <double (*kNumber)(absl::string_view)>
void AddCell(const Schema& schema, const std::vector<uint64_t>& value_keys,
             const std::vector<uint64_t>& missing_keys, int column, absl::string_view cell, Batch* batch) {
  if (column == 0) {
    batch->labels.push_back(cell == "1" ? 1.0f : 0.0f);
    batch->weights.push_back(1);
    batch->groups.push_back(0);
    return;
  }
  const int f = column - 1;
  const Field& field = schema.fields()[f];
  FieldBags& bags = batch->fields[f];
  if (field.kind == FieldKind::kDense) {
    const double number = cell.empty() ? 0 : kNumber(cell);
    bags.keys.push_back(cell.empty() ? missing_keys[f] : value_keys[f]);
    bags.coefficients.push_back(
        cell.empty() ? 1.0f : static_cast<float>(std::copysign(std::log1p(std::abs(number)), number)));
  } else if (!cell.empty()) {
    bags.keys.push_back(schema.Key(field.table, cell));
    bags.coefficients.push_back(1);
  }
  bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
}

struct Keys {
  explicit Keys(const Schema& schema) {
    for (const Field& field : schema.fields()) {
      value.push_back(schema.Key(field.table, "value"));
      missing.push_back(schema.Key(field.table, "missing"));
    }
  }
  std::vector<uint64_t> value, missing;
};

std::unique_ptr<const RowDecoder> MakeDecoder(const Schema& schema) {
  std::vector<std::string> columns = {"label"};
  for (const Field& field : schema.fields()) columns.push_back(field.column);
  return MakeDelimitedDecoder(schema, {RowUse::kTrain}, DelimitedOptions(), columns, "benchmark").value();
}

void CheckEqual(const Batch& batch, const RawRows& chunk, const Schema& schema) {
  Batch expected(static_cast<int>(schema.fields().size()));
  for (const absl::string_view line : chunk.rows) {
    CHECK(MakeDecoder(schema)->Decode(line, &expected, nullptr) == RowFault::kNone);
  }
  CHECK(batch.labels == expected.labels);
  for (size_t f = 0; f < expected.fields.size(); ++f) {
    CHECK(batch.fields[f].keys == expected.fields[f].keys);
    CHECK(batch.fields[f].coefficients == expected.fields[f].coefficients);
    CHECK(batch.fields[f].offsets == expected.fields[f].offsets);
  }
}

void BM_Lines(benchmark::State& state, bool dense) {
  const Schema schema = CriteoSchema(dense);
  const RawRows chunk = SomeLines();
  const std::unique_ptr<const RowDecoder> decoder = MakeDecoder(schema);
  Batch batch(kIntegers + kIds);
  std::vector<BadRow> faults;
  for (auto _ : state) {
    batch.Clear();
    decoder->DecodeRows(chunk, 0, kRows, &batch, &faults);
  }
  CheckEqual(batch, chunk, schema);
  Report(chunk, &state);
}

void BM_LineByLine(benchmark::State& state, bool dense) {
  const Schema schema = CriteoSchema(dense);
  const RawRows chunk = SomeLines();
  const std::unique_ptr<const RowDecoder> decoder = MakeDecoder(schema);
  Batch batch(kIntegers + kIds);
  for (auto _ : state) {
    batch.Clear();
    for (const absl::string_view line : chunk.rows) decoder->Decode(line, &batch, nullptr);
  }
  Report(chunk, &state);
}

void BM_StrSplit(benchmark::State& state, bool dense) {
  const Schema schema = CriteoSchema(dense);
  const RawRows chunk = SomeLines();
  const Keys keys(schema);
  Batch batch(kIntegers + kIds);
  for (auto _ : state) {
    batch.Clear();
    for (const absl::string_view line : chunk.rows) {
      const std::vector<absl::string_view> cells = absl::StrSplit(line, '\t');
      for (size_t column = 0; column < cells.size(); ++column) {
        AddCell<FromChars>(schema, keys.value, keys.missing, static_cast<int>(column), cells[column], &batch);
      }
    }
  }
  CheckEqual(batch, chunk, schema);
  Report(chunk, &state);
}

template <double (*kNumber)(absl::string_view)>
void Getline(benchmark::State& state, bool dense) {
  const Schema schema = CriteoSchema(dense);
  const RawRows chunk = SomeLines();
  const Keys keys(schema);
  Batch batch(kIntegers + kIds);
  for (auto _ : state) {
    batch.Clear();
    std::istringstream text(chunk.bytes);
    for (std::string line; std::getline(text, line);) {
      std::istringstream cells(line);
      std::string cell;
      for (int column = 0; column <= kIntegers + kIds; ++column) {
        if (!std::getline(cells, cell, '\t')) cell.clear();  // an empty last cell
        AddCell<kNumber>(schema, keys.value, keys.missing, column, cell, &batch);
      }
    }
  }
  CheckEqual(batch, chunk, schema);
  Report(chunk, &state);
}

void BM_StringStream(benchmark::State& state, bool dense) { Getline<FromStream>(state, dense); }
void BM_Getline(benchmark::State& state, bool dense) { Getline<FromChars>(state, dense); }

// ---- files, with quotes and without

enum class Quotes { kTab, kComma, kIds, kAll, kDoubled };

std::string CsvOf(const RawRows& chunk, Quotes quotes) {
  std::string text;
  for (const absl::string_view line : chunk.rows) {
    int column = 0;
    for (absl::string_view cell : absl::StrSplit(line, '\t')) {
      const bool quoted = quotes >= Quotes::kAll || (quotes == Quotes::kIds && column > kIntegers);
      const bool doubled = quotes == Quotes::kDoubled && column == kIntegers + 2;
      const char* const quote = quoted ? "\"" : "";
      absl::StrAppend(&text,
                      column == 0              ? ""
                      : quotes == Quotes::kTab ? "\t"
                                               : ",",
                      quote, doubled ? "\"\"" : "", cell, quote);
      ++column;
    }
    text += '\n';
  }
  return text;
}

void BM_File(benchmark::State& state, Quotes quotes) {
  constexpr int kTimes = 64;  // that the lines are in the file
  const Schema schema = CriteoSchema(/*dense=*/true);
  const std::string text = CsvOf(SomeLines(), quotes);
  const std::string path = absl::StrCat("/tmp/tandem_parse_bench.", getpid());
  {
    std::ofstream file(path);
    for (int i = 0; i < kTimes; ++i) file << text;
  }
  proto::Data data;
  proto::Delimited& delimited = *data.mutable_delimited();
  delimited.set_header(false);
  delimited.add_column("label");
  for (const Field& field : schema.fields()) delimited.add_column(field.column);
  delimited.set_max_line_bytes(1 << 20);
  delimited.set_delimiter(quotes == Quotes::kTab ? "\t" : ",");  // the default quote follows it
  const std::unique_ptr<const SampleFormat> format = MakeSampleFormat(data);
  const auto decoder = format->MakeDecoder(schema, {RowUse::kTrain}, "", path).value();
  Batch batch(kIntegers + kIds);
  std::vector<BadRow> bad;
  int64_t rows = 0;
  for (auto _ : state) {
    const auto file = format->Open(FileSystem::Default(), path).value();
    RawRows chunk;
    for (;;) {
      CHECK(file->Read(kRows, &chunk).ok());
      if (chunk.rows.empty()) break;
      batch.Clear();
      decoder->DecodeRows(chunk, 0, static_cast<int>(chunk.rows.size()), &batch, &bad);
      rows += batch.rows();
    }
  }
  CHECK_EQ(rows, state.iterations() * kTimes * kRows);
  CHECK(bad.empty()) << bad[0].detail;
  std::remove(path.c_str());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kTimes * text.size()));
  state.counters["us_per_row"] = benchmark::Counter(
      static_cast<double>(rows) * 1e-6, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(BM_File, tab, Quotes::kTab);
BENCHMARK_CAPTURE(BM_File, comma, Quotes::kComma);
BENCHMARK_CAPTURE(BM_File, ids, Quotes::kIds);
BENCHMARK_CAPTURE(BM_File, all, Quotes::kAll);
BENCHMARK_CAPTURE(BM_File, doubled, Quotes::kDoubled);
BENCHMARK_CAPTURE(BM_Lines, dense, true);
BENCHMARK_CAPTURE(BM_LineByLine, dense, true);
BENCHMARK_CAPTURE(BM_StrSplit, dense, true);
BENCHMARK_CAPTURE(BM_Getline, dense, true);
BENCHMARK_CAPTURE(BM_StringStream, dense, true);
BENCHMARK_CAPTURE(BM_Lines, sparse, false);
BENCHMARK_CAPTURE(BM_LineByLine, sparse, false);
BENCHMARK_CAPTURE(BM_StrSplit, sparse, false);
BENCHMARK_CAPTURE(BM_Getline, sparse, false);

}  // namespace
}  // namespace tandem

BENCHMARK_MAIN();
