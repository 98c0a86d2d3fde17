// Logs of any bytes.
#include <glog/logging.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "tandem/batch.h"
#include "tandem/day_reader.h"
#include "tandem/experiment.pb.h"
#include "tandem/schema.h"
#include "tests/fuzz/targets.h"
#include "tests/support/experiments.h"
#include "tests/support/memory_file_system.h"

namespace tandem {
namespace {

// What a log is read with.
struct Log {
  explicit Log(const std::string& data)
      : experiment(ExperimentOf(absl::StrCat(
            "data { path: 'unused' group_column: 'user' ", data,
            "} feature { name: 'user' sparse {} } feature { name: 'tags' sparse { multi_valued: true } }"
            "feature { name: 'history' sparse { sequence { max_length: 3 } table: 'user' } }"
            "feature { name: 'age' dense { piecewise { knots: [20, 40, 60] } } }"
            "model { teacher { interaction { transformer { sequence: 'history' target: 'user' } } mlp { "
            "hidden: 4 } } student { mlp { hidden: 2 } } }"))),
        schema(experiment),
        format(MakeSampleFormat(experiment.data())) {}

  const proto::Experiment experiment;
  const Schema schema;
  const std::unique_ptr<const SampleFormat> format;
};

// All rows, `at_a_time` of them; false where the file is refused.
bool ReadAll(const Log& log, FileSystem& fs, int at_a_time, Batch* all) {
  DayReader reader(fs, *log.format, log.schema, RowUse::kTrain, {"log"}, /*quarantine=*/nullptr,
                   /*workers=*/nullptr);
  Batch block(static_cast<int>(log.schema.fields().size()));
  for (;;) {
    const absl::StatusOr<bool> more = reader.ReadBlock(at_a_time, &block);
    if (!more.ok()) {
      CHECK(!more.status().message().empty());
      return false;
    }
    if (!*more) return true;
    CHECK_LE(block.rows(), at_a_time);
    all->Append(block);
  }
}

bool ReadTwice(const Log& log, absl::string_view bytes) {
  MemoryFileSystem fs;
  fs.Put("log", std::string(bytes));
  const int fields = static_cast<int>(log.schema.fields().size());
  Batch all(fields), few(fields);
  const bool whole = ReadAll(log, fs, 4096, &all);
  CHECK_EQ(ReadAll(log, fs, 3, &few), whole);
  if (!whole) return false;
  CHECK(all.labels == few.labels && all.groups == few.groups && all.weights == few.weights);
  for (int f = 0; f < fields; ++f) {
    CHECK(all.fields[f].keys == few.fields[f].keys);
    CHECK(all.fields[f].offsets == few.fields[f].offsets);
    for (const float coefficient : all.fields[f].coefficients) CHECK_EQ(coefficient - coefficient, 0);
  }
  return all.rows() > 0;
}

}  // namespace

bool FuzzDelimited(absl::string_view bytes) {
  static const auto* const kLogs = new std::vector<std::unique_ptr<const Log>>([] {
    std::vector<std::unique_ptr<const Log>> logs;
    for (const char* data : {"delimited {}", "delimited { delimiter: ',' }",
                             "delimited { delimiter: ',' multi_value_separator: ';' max_line_bytes: 64 } "
                             "quote: '\"' missing_value: 'NULL' positive: 'yes'",
                             "delimited { header: false column: 'label' column: 'user' column: 'tags' "
                             "column: 'history' column: 'age' } quote: '\"'"}) {
      logs.push_back(std::make_unique<const Log>(data));
    }
    return logs;
  }());
  if (bytes.empty()) return false;
  return ReadTwice(*(*kLogs)[static_cast<uint8_t>(bytes[0]) % kLogs->size()], bytes.substr(1));
}

bool FuzzJsonLines(absl::string_view bytes) {
  static const auto* const kLog = new Log("json_lines {}");
  return ReadTwice(*kLog, bytes);
}

}  // namespace tandem
