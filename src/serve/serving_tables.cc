#include "src/serve/serving_tables.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "src/kernels/low_precision_variants.h"
#include "src/serve/precision_proto.h"
#include "tandem/status.h"
#include "train/state.pb.h"

namespace tandem {
namespace {

constexpr int64_t kSegmentRows = 65536;
// Keys that share a prefix, about.
constexpr int64_t kKeysPerPrefix = 3;

absl::Status Malformed(const std::string& path) {
  return ModelError(path, ": an embedding file of another version, or damaged. Nothing was loaded.");
}

// The smallest bfloat16 that isn't below x >= 0.
uint16_t RoundUpToBf16(float x) {
  const uint16_t nearest = RoundToBf16(x);
  return FromBf16(nearest) < x ? nearest + 1 : nearest;
}

template <class T>
void AppendBytes(const T* values, int64_t n, std::string* record) {
  record->append(reinterpret_cast<const char*>(values), n * sizeof(T));
}

// kDim is `bags.dim`, or 0 for any. Multiplications and additions round apart, as in EmbeddingLayer::Gather.
template <int kDim>
void PoolFloats(const LowPrecisionBags& bags, const Matrix& out) {
  const int dim = kDim > 0 ? kDim : bags.dim;
  const uint32_t first = bags.offsets[0];
  for (int r = 0; r < bags.rows; ++r) {
    float* to = out.row(r);
    float registers[kDim > 0 ? kDim : 1];
    float* sum = kDim > 0 ? registers : to;
    for (int d = 0; d < dim; ++d) sum[d] = 0;
    for (uint32_t i = bags.offsets[r] - first; i < bags.offsets[r + 1] - first; ++i) {
      const auto* weights = reinterpret_cast<const float*>(bags.table + bags.places[i] * bags.row_bytes);
      const float c = bags.coefficients[i];
      for (int d = 0; d < dim; ++d) sum[d] += c * weights[d];
    }
    for (int d = 0; kDim > 0 && d < dim; ++d) to[d] = sum[d];
  }
}

using Pool = void (*)(const LowPrecisionBags& bags, const Matrix& out);

Pool FindFloatPool(int dim) {
  return dim == 8 ? PoolFloats<8> : dim == 16 ? PoolFloats<16> : dim == 32 ? PoolFloats<32> : PoolFloats<0>;
}

}  // namespace

ServingTables::ServingTables(const Schema& schema, int dim, bool linear, Precision precision,
                             const Kernels& kernels)
    : schema_(&schema),
      dim_(dim),
      linear_(linear),
      precision_(precision),
      int8_(&FindInt8Kernels(kernels)),
      bf16_(&FindBf16Kernels(kernels)),
      linear_offset_(precision == Precision::kInt8 ? dim + 2 : dim * (precision == Precision::kF32 ? 4 : 2)),
      row_bytes_(linear_offset_ + (linear ? 4 : 0)),
      tables_(schema.tables().size()) {}

ServingTables ServingTables::From(const EmbeddingLayer& embedding, const Schema& schema, Precision precision,
                                  const Kernels& kernels) {
  const bool linear = embedding.tables().front().layout().width > embedding.dim();
  ServingTables tables(schema, embedding.dim(), linear, precision, kernels);
  for (size_t t = 0; t < tables.tables_.size(); ++t) {
    const EmbeddingTable& from = embedding.tables()[t];
    Table& to = tables.tables_[t];
    to.keys.reserve(from.rows() - 1);
    to.rows.reserve(from.rows() * tables.row_bytes_);
    tables.AppendRow(from.row(EmbeddingTable::kDefaultRow), &to);
    from.VisitInOrder(
        [&](uint64_t key, uint32_t row) {
          to.keys.push_back(key);
          tables.AppendRow(from.row(row), &to);
        },
        nullptr);
    BuildDirectory(&to);
  }
  return tables;
}

void ServingTables::AppendRow(const float* weights, Table* table) const {
  const size_t begin = table->rows.size();
  table->rows.resize(begin + row_bytes_);
  uint8_t* row = table->rows.data() + begin;
  if (precision_ == Precision::kF32) {
    std::memcpy(row, weights, dim_ * sizeof(float));
  } else if (precision_ == Precision::kInt8) {
    float highest = 0;
    for (int d = 0; d < dim_; ++d) highest = std::max(highest, std::abs(weights[d]));
    const uint16_t scale = RoundUpToBf16(highest / 127);
    const float inverse = scale == 0 ? 0 : 1 / FromBf16(scale);
    for (int d = 0; d < dim_; ++d) {
      const float code = std::clamp(std::nearbyint(weights[d] * inverse), -127.0f, 127.0f);
      row[d] = static_cast<uint8_t>(static_cast<int8_t>(code));
    }
    std::memcpy(row + dim_, &scale, sizeof(scale));
  } else {
    for (int d = 0; d < dim_; ++d) {
      const uint16_t value = RoundToBf16(weights[d]);
      std::memcpy(row + 2 * d, &value, sizeof(value));
    }
  }
  if (linear_) std::memcpy(row + linear_offset_, weights + dim_, sizeof(float));
}

void ServingTables::BuildDirectory(Table* table) {
  const auto keys = static_cast<int64_t>(table->keys.size());
  int bits = 1;
  while ((int64_t{1} << bits) * kKeysPerPrefix < keys) ++bits;
  table->shift = 64 - bits;
  table->directory.assign((size_t{1} << bits) + 1, static_cast<uint32_t>(keys));
  size_t prefix = 0;
  for (int64_t i = 0; i < keys; ++i) {
    for (; prefix <= table->keys[i] >> table->shift; ++prefix) {
      table->directory[prefix] = static_cast<uint32_t>(i);
    }
  }
}

int64_t ServingTables::rows() const {
  int64_t total = 0;
  for (const Table& table : tables_) total += static_cast<int64_t>(table.keys.size()) + 1;
  return total;
}

int64_t ServingTables::bytes() const {
  int64_t total = 0;
  for (const Table& table : tables_) {
    total += static_cast<int64_t>(sizeof(uint64_t) * table.keys.capacity() +
                                  sizeof(uint32_t) * table.directory.capacity() + table.rows.capacity());
  }
  return total;
}

uint32_t ServingTables::Find(const Table& table, uint64_t key) {
  const uint64_t prefix = key >> table.shift;
  const uint64_t* begin = table.keys.data() + table.directory[prefix];
  const uint64_t* end = table.keys.data() + table.directory[prefix + 1];
  while (begin < end && *begin < key) ++begin;
  return begin < end && *begin == key ? static_cast<uint32_t>(begin - table.keys.data()) + 1 : 0;
}

void ServingTables::Gather(const Batch& batch, int first_row, Matrix x, float* linear,
                           GatherScratch* scratch) const {
  // Each step asks for the memory that the next one reads, for all ids of the tile.
  const int last_row = first_row + x.rows;
  const auto for_ids = [&](const auto& function) {
    for (size_t f = 0; f < batch.fields.size(); ++f) {
      const FieldBags& bags = batch.fields[f];
      const Table& table = tables_[schema_->fields()[f].table];
      for (uint32_t i = bags.offsets[first_row]; i < bags.offsets[last_row]; ++i)
        function(table, bags.keys[i]);
    }
  };
  size_t ids = 0;
  for_ids([&](const Table& table, uint64_t key) {
    __builtin_prefetch(&table.directory[key >> table.shift]);
    ++ids;
  });
  for_ids([&](const Table& table, uint64_t key) {
    __builtin_prefetch(table.keys.data() + table.directory[key >> table.shift]);
  });
  if (scratch->places.size() < ids) scratch->places.resize(ids);
  uint32_t* place = scratch->places.data();
  for_ids([&](const Table& table, uint64_t key) {
    *place = Find(table, key);
    const uint8_t* row = table.rows.data() + *place * row_bytes_;
    __builtin_prefetch(row);
    __builtin_prefetch(row + row_bytes_ - 1);
    ++place;
  });

  if (linear != nullptr) std::fill_n(linear, x.rows, 0.0f);
  const Pool pool = precision_ == Precision::kF32    ? FindFloatPool(dim_)
                    : precision_ == Precision::kInt8 ? int8_->pool
                                                     : bf16_->pool;
  const uint32_t* places = scratch->places.data();
  for (size_t f = 0; f < batch.fields.size(); ++f) {
    const FieldBags& bags = batch.fields[f];
    const Table& table = tables_[schema_->fields()[f].table];
    const uint32_t* offsets = bags.offsets.data() + first_row;
    const float* coefficients = bags.coefficients.data() + offsets[0];
    pool({table.rows.data(), row_bytes_, places, coefficients, offsets, x.rows, dim_},
         {x.data + f * dim_, x.rows, dim_, x.stride});
    for (int r = 0; linear != nullptr && r < x.rows; ++r) {
      for (uint32_t i = offsets[r] - offsets[0]; i < offsets[r + 1] - offsets[0]; ++i) {
        float weight;
        std::memcpy(&weight, table.rows.data() + places[i] * row_bytes_ + linear_offset_, sizeof(weight));
        linear[r] += coefficients[i] * weight;
      }
    }
    places += offsets[x.rows] - offsets[0];
  }
}

absl::Status ServingTables::Save(FileSystem& fs, const std::string& path, const std::string& model_id) const {
  CHECK(precision_ != Precision::kF32);
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> writer, RecordWriter::Create(fs, path));
  proto::EmbeddingHeader header;
  header.set_model_id(model_id);
  header.set_tables(static_cast<int>(tables_.size()));
  header.set_precision(ToProto(precision_));
  TANDEM_RETURN_IF_ERROR(writer->Append(header.SerializeAsString()));
  for (size_t t = 0; t < tables_.size(); ++t) {
    const Table& table = tables_[t];
    const auto keys = static_cast<int64_t>(table.keys.size());
    proto::TableHeader table_header;
    table_header.set_name(schema_->tables()[t].name);
    table_header.set_dim(dim_);
    table_header.set_student_linear(linear_);
    table_header.set_rows(keys);
    TANDEM_RETURN_IF_ERROR(writer->Append(table_header.SerializeAsString()));
    std::string record;
    AppendBytes(table.rows.data(), row_bytes_, &record);
    TANDEM_RETURN_IF_ERROR(writer->Append(record));
    for (int64_t first = 0; first < keys; first += kSegmentRows) {
      const int64_t n = std::min(kSegmentRows, keys - first);
      record.clear();
      AppendBytes(table.keys.data() + first, n, &record);
      AppendBytes(table.rows.data() + (first + 1) * row_bytes_, n * row_bytes_, &record);
      TANDEM_RETURN_IF_ERROR(writer->Append(record));
    }
  }
  return writer->Close();
}

absl::StatusOr<ServingTables> ServingTables::Load(FileSystem& fs, const std::string& path,
                                                  const std::string& model_id, const Schema& schema, int dim,
                                                  bool linear, Precision precision, const Kernels& kernels) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordReader> reader, RecordReader::Open(fs, path));
  TANDEM_ASSIGN_OR_RETURN(const absl::string_view record, reader->Next());
  proto::EmbeddingHeader header;
  if (!header.ParseFromArray(record.data(), static_cast<int>(record.size()))) return Malformed(path);
  if (header.model_id() != model_id) {
    return ModelError(path, ": of model ", header.model_id(), ", but the graph beside it is of model ",
                      model_id, ". Nothing was loaded.");
  }
  ServingTables tables(schema, dim, linear, precision, kernels);
  if (header.precision() != ToProto(precision) ||
      header.tables() != static_cast<int>(tables.tables_.size())) {
    return Malformed(path);
  }
  for (int t = 0; t < header.tables(); ++t) {
    TANDEM_RETURN_IF_ERROR(tables.LoadTable(path, reader.get(), t));
  }
  TANDEM_RETURN_IF_ERROR(reader->ExpectEnd());
  return tables;
}

absl::Status ServingTables::LoadTable(const std::string& path, RecordReader* reader, int index) {
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, reader->Next());
  proto::TableHeader header;
  if (!header.ParseFromArray(record.data(), static_cast<int>(record.size())) ||
      header.name() != schema_->tables()[index].name || header.dim() != dim_ ||
      header.student_linear() != linear_ || header.teacher_linear() || header.slots() != 0 ||
      header.updates() || header.last_steps() || header.rows() < 0) {
    return Malformed(path);
  }
  // A table in float32 has a decay log, empty here, and a key beside its default row.
  size_t key_of_default_row = 0;
  if (precision_ == Precision::kF32) {
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    if (!record.empty()) return Malformed(path);
    key_of_default_row = sizeof(uint64_t);
  }
  Table& table = tables_[index];
  table.keys.resize(header.rows());
  table.rows.resize((header.rows() + 1) * row_bytes_);
  TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
  if (record.size() != key_of_default_row + row_bytes_) return Malformed(path);
  std::memcpy(table.rows.data(), record.data() + key_of_default_row, row_bytes_);
  for (int64_t first = 0; first < header.rows(); first += kSegmentRows) {
    const int64_t n = std::min(kSegmentRows, header.rows() - first);
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    const int64_t key_bytes = n * static_cast<int64_t>(sizeof(uint64_t));
    if (static_cast<int64_t>(record.size()) != key_bytes + n * row_bytes_) return Malformed(path);
    std::memcpy(table.keys.data() + first, record.data(), key_bytes);
    std::memcpy(table.rows.data() + (first + 1) * row_bytes_, record.data() + key_bytes, n * row_bytes_);
  }
  const auto unordered =
      std::adjacent_find(table.keys.begin(), table.keys.end(), [](uint64_t a, uint64_t b) { return a >= b; });
  if (unordered != table.keys.end()) return Malformed(path);
  BuildDirectory(&table);
  return absl::OkStatus();
}

}  // namespace tandem
