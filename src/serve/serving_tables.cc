#include "src/serve/serving_tables.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "src/embedding/embedding_file.h"
#include "src/embedding/stored_precision.h"
#include "src/kernels/low_precision_variants.h"
#include "tandem/status.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace tandem {
namespace {

// Keys that share a prefix, about.
constexpr int64_t kKeysPerPrefix = 3;
// The directory's numbers have 32 bits.
constexpr int64_t kMostRows = int64_t{1} << 32;
constexpr size_t kLine = 64;
constexpr int64_t kMostChunkBytes = 64 << 20;

// The smallest bfloat16 that isn't below x >= 0.
uint16_t RoundUpToBf16(float x) {
  const uint16_t nearest = RoundToBf16(x);
  return FromBf16(nearest) < x ? nearest + 1 : nearest;
}

// Keys that are compared at a time. Few prefixes have more.
constexpr uint32_t kProbed = 8;

// Index of the first of kProbed keys that is `key`; kProbed where none is.
uint32_t FirstEqual(const uint64_t* keys, uint64_t key) {
#if defined(__AVX2__)
  const __m256i wanted = _mm256_set1_epi64x(static_cast<int64_t>(key));
  const auto mask4 = [wanted](const uint64_t* four) {
    const __m256i loaded = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(four));
    return static_cast<uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(loaded, wanted))));
  };
  return __builtin_ctz(mask4(keys) | mask4(keys + 4) << 4 | 1u << kProbed);
#else
  uint32_t first = kProbed;
  for (uint32_t i = kProbed; i-- > 0;) first = keys[i] == key ? i : first;
  return first;
#endif
}

int PrefixBits(int64_t keys) {
  int bits = 1;
  while ((int64_t{1} << bits) * kKeysPerPrefix < keys) ++bits;
  return bits;
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

// What the next tile will read of one array of a field, as much as this one: each field has arrays of its
// own, too many for the processor to see that they are read in order.
template <class T>
void AskForNext(const std::vector<T>& of, size_t begin, size_t count) {
  const size_t end = std::min(of.size(), begin + count);
  for (size_t i = begin; i < end; i += kLine / sizeof(T)) __builtin_prefetch(of.data() + i);
}

using Pool = void (*)(const LowPrecisionBags& bags, const Matrix& out);

Pool FindFloatPool(int dim) {
  return dim == 8 ? PoolFloats<8> : dim == 16 ? PoolFloats<16> : dim == 32 ? PoolFloats<32> : PoolFloats<0>;
}

}  // namespace

ServingTables::ServingTables(const Schema& schema, int dim, bool linear, Precision precision,
                             const Kernels& kernels, int64_t about_bytes)
    : schema_(&schema),
      dim_(dim),
      linear_(linear),
      precision_(precision),
      int8_(&FindInt8Kernels(kernels)),
      bf16_(&FindBf16Kernels(kernels)),
      linear_offset_(precision == Precision::kInt8 ? dim + 2 : dim * (precision == Precision::kF32 ? 4 : 2)),
      row_bytes_(linear_offset_ + (linear ? 4 : 0)),
      within_lines_(kLine % row_bytes_ == 0),
      tables_(schema.tables().size()),
      chunk_bytes_(std::min<int64_t>(about_bytes, kMostChunkBytes)) {}

void* ServingTables::Take(size_t bytes) {
  bytes = (bytes + kLine - 1) / kLine * kLine;
  if (memory_.empty() || used_ + bytes > memory_.back().bytes()) {
    memory_.emplace_back(std::max(bytes, chunk_bytes_), ZeroedMemory::Pages::kHuge);
    used_ = 0;
  }
  void* const taken = static_cast<char*>(memory_.back().data()) + used_;
  used_ += bytes;
  return taken;
}

void ServingTables::Allocate(int64_t keys, Table* table) {
  const size_t prefixes = size_t{1} << PrefixBits(keys);
  table->keys = {static_cast<uint64_t*>(Take((keys + kProbed) * sizeof(uint64_t))),
                 static_cast<size_t>(keys)};
  table->directory = {static_cast<uint32_t*>(Take((prefixes + 1) * sizeof(uint32_t))), prefixes + 1};
  table->rows = static_cast<uint8_t*>(Take((keys + 1) * row_bytes_));
}

ServingTables ServingTables::From(const ServingTables& f32, const Schema& schema, Precision precision,
                                  const Kernels& kernels) {
  CHECK(f32.precision_ == Precision::kF32);
  ServingTables tables(schema, f32.dim_, f32.linear_, precision, kernels, f32.bytes());
  for (size_t t = 0; t < tables.tables_.size(); ++t) {
    const Table& from = f32.tables_[t];
    Table& to = tables.tables_[t];
    tables.Allocate(static_cast<int64_t>(from.keys.size()), &to);
    std::copy(from.keys.begin(), from.keys.end(), to.keys.begin());
    std::vector<float> weights(f32.row_bytes_ / sizeof(float));
    for (size_t row = 0; row <= from.keys.size(); ++row) {
      std::memcpy(weights.data(), from.rows + row * f32.row_bytes_, f32.row_bytes_);
      tables.EncodeRow(weights.data(), to.rows + row * tables.row_bytes_);
    }
    BuildDirectory(&to);
  }
  return tables;
}

void ServingTables::EncodeRow(const float* weights, uint8_t* row) const {
  if (precision_ == Precision::kF32) {
    std::memcpy(row, weights, dim_ * sizeof(float));
  } else if (precision_ == Precision::kInt8) {
    float highest = 0;
    for (int d = 0; d < dim_; ++d) highest = std::max(highest, std::abs(weights[d]));
    // Below that the inverse of the scale is no float: such a row is zero.
    const uint16_t scale = highest < 1e-30f ? 0 : RoundUpToBf16(highest / 127);
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
  const auto keys = static_cast<uint32_t>(table->keys.size());
  table->shift = 64 - PrefixBits(keys);
  size_t prefix = 0;
  for (uint32_t i = 0; i < keys; ++i) {
    for (; prefix <= table->keys[i] >> table->shift; ++prefix) table->directory[prefix] = i;
  }
  std::fill(table->directory.begin() + prefix, table->directory.end(), keys);
}

int64_t ServingTables::rows() const {
  int64_t total = 0;
  for (const Table& table : tables_) total += static_cast<int64_t>(table.keys.size()) + 1;
  return total;
}

int64_t ServingTables::bytes() const {
  int64_t total = 0;
  for (const Table& table : tables_) {
    const auto keys = static_cast<int64_t>(table.keys.size());
    total += static_cast<int64_t>(sizeof(uint64_t) * keys + sizeof(uint32_t) * table.directory.size()) +
             (keys + 1) * row_bytes_;
  }
  return total;
}

// `begin` is that of the key's prefix.
uint32_t ServingTables::Find(const Table& table, uint64_t key, uint32_t begin) {
  const uint32_t end = table.directory[(key >> table.shift) + 1];
  uint32_t i = begin + FirstEqual(table.keys.data() + begin, key);
  // One branch, hardly ever taken: which of the few keys it is is hard to predict.
  if ((end - begin > kProbed) & (i == begin + kProbed)) {
    while (i < end && table.keys[i] != key) ++i;
    return i < end ? i + 1 : 0;
  }
  return i < end ? i + 1 : 0;
}

auto ServingTables::PoolInto(Matrix x) const {
  const Pool pool = precision_ == Precision::kF32    ? FindFloatPool(dim_)
                    : precision_ == Precision::kInt8 ? int8_->pool
                                                     : bf16_->pool;
  return [this, pool, x](int f, const LowPrecisionBags& bags) {
    pool(bags, {x.data + f * dim_, x.rows, dim_, x.stride});
  };
}

auto ServingTables::PoolInto(uint16_t* values, int64_t stride) const {
  CHECK(precision_ == Precision::kBf16);
  return [this, values, stride](int f, const LowPrecisionBags& bags) {
    bf16_->pool_rounded(bags, values + static_cast<int64_t>(f) * dim_, stride);
  };
}

void ServingTables::EndRounded(const Batch& batch, int rows, uint16_t* values, int64_t stride) const {
  const int64_t width = static_cast<int64_t>(batch.fields.size()) * dim_;
  for (int r = 0; r < rows; ++r) std::fill_n(values + r * stride + width, stride - width, uint16_t{0});
}

void ServingTables::Gather(const Batch& batch, int first_row, Matrix x, float* linear,
                           GatherScratch* scratch) const {
  GatherFields(batch, first_row, x.rows, linear, scratch, PoolInto(x));
}

void ServingTables::GatherRounded(const Batch& batch, int first_row, int rows, uint16_t* values,
                                  int64_t stride, float* linear, GatherScratch* scratch) const {
  GatherFields(batch, first_row, rows, linear, scratch, PoolInto(values, stride));
  EndRounded(batch, rows, values, stride);
}

void ServingTables::LookUp(const Batch& batch, FoundPlaces* found) const {
  found->resize(batch.fields.size());
  for (size_t f = 0; f < batch.fields.size(); ++f) {
    const Table& table = tables_[schema_->fields()[f].table];
    (*found)[f].clear();
    for (const uint64_t key : batch.fields[f].keys)
      (*found)[f].push_back(Find(table, key, table.directory[key >> table.shift]));
  }
}

void ServingTables::Gather(const Batch& batch, const FoundPlaces& found, int first_row, Matrix x) const {
  GatherFound(batch, found, first_row, x.rows, PoolInto(x));
}

void ServingTables::GatherRounded(const Batch& batch, const FoundPlaces& found, int first_row, int rows,
                                  uint16_t* values, int64_t stride) const {
  GatherFound(batch, found, first_row, rows, PoolInto(values, stride));
  EndRounded(batch, rows, values, stride);
}

// A field's rows are asked for while the field before it is pooled.
template <class PoolField>
void ServingTables::GatherFound(const Batch& batch, const FoundPlaces& found, int first_row, int rows,
                                const PoolField& pool_field) const {
  const int fields = static_cast<int>(batch.fields.size());
  for (int f = 0; f <= fields; ++f) {
    if (f < fields) {
      const uint8_t* const table = tables_[schema_->fields()[f].table].rows;
      const uint32_t end = batch.fields[f].offsets[first_row + rows];
      for (uint32_t i = batch.fields[f].offsets[first_row]; i < end; ++i) {
        const uint8_t* const row = table + found[f][i] * row_bytes_;
        __builtin_prefetch(row);
        if (!within_lines_) __builtin_prefetch(row + row_bytes_ - 1);
      }
      AskForNext(found[f], end, end - batch.fields[f].offsets[first_row]);
      AskForNext(batch.fields[f].coefficients, end, end - batch.fields[f].offsets[first_row]);
      AskForNext(batch.fields[f].offsets, first_row + rows, rows);
    }
    if (f == 0) continue;
    const FieldBags& bags = batch.fields[f - 1];
    const uint32_t* const offsets = bags.offsets.data() + first_row;
    pool_field(f - 1, LowPrecisionBags{tables_[schema_->fields()[f - 1].table].rows, row_bytes_,
                                       found[f - 1].data() + offsets[0],
                                       bags.coefficients.data() + offsets[0], offsets, rows, dim_});
  }
}

template <class PoolField>
void ServingTables::GatherFields(const Batch& batch, int first_row, int rows, float* linear,
                                 GatherScratch* scratch, const PoolField& pool_field) const {
  const int last_row = first_row + rows;
  if (linear != nullptr) std::fill_n(linear, rows, 0.0f);

  // Fields go through four stages, each of which asks for the memory that the next one reads. They are a
  // field apart, so that what was asked for is there, and still in the cache nearest to the core.
  const int fields = static_cast<int>(batch.fields.size());
  struct Step {
    const Table* table;
    const uint64_t* keys;
    const uint32_t* offsets;
    uint32_t count;
  };
  const auto step = [&](int f) {
    const FieldBags& bags = batch.fields[f];
    const uint32_t begin = bags.offsets[first_row], end = bags.offsets[last_row];
    AskForNext(bags.keys, end, end - begin);
    AskForNext(bags.coefficients, end, end - begin);
    AskForNext(bags.offsets, last_row, rows);
    return Step{&tables_[schema_->fields()[f].table], bags.keys.data() + begin,
                bags.offsets.data() + first_row, end - begin};
  };
  const auto ask_for_directory = [&](const Step& of) {
    const Table table = *of.table;
    for (uint32_t i = 0; i < of.count; ++i) {
      __builtin_prefetch(&table.directory[of.keys[i] >> table.shift]);
    }
  };
  const auto ask_for_keys = [&](const Step& of, uint32_t* places) {
    const Table table = *of.table;
    for (uint32_t i = 0; i < of.count; ++i) {
      places[i] = table.directory[of.keys[i] >> table.shift];
      __builtin_prefetch(table.keys.data() + places[i]);
      __builtin_prefetch(table.keys.data() + places[i] + kProbed - 1);
    }
  };
  const auto find = [&](const Step& of, uint32_t* places) {
    const Table table = *of.table;
    for (uint32_t i = 0; i < of.count; ++i) {
      places[i] = Find(table, of.keys[i], places[i]);
      const uint8_t* row = table.rows + places[i] * row_bytes_;
      __builtin_prefetch(row);
      if (!within_lines_) __builtin_prefetch(row + row_bytes_ - 1);
    }
  };
  const auto pool_rows = [&](const Step& of, int f, const uint32_t* places) {
    const float* coefficients = batch.fields[f].coefficients.data() + of.offsets[0];
    pool_field(f, LowPrecisionBags{of.table->rows, row_bytes_, places, coefficients, of.offsets, rows, dim_});
    if (scratch->unknown != nullptr) (*scratch->unknown)[f] += std::count(places, places + of.count, 0u);
    const bool counts = linear != nullptr && schema_->fields()[f].sequence.empty();
    for (int r = 0; counts && r < rows; ++r) {
      for (uint32_t i = of.offsets[r] - of.offsets[0]; i < of.offsets[r + 1] - of.offsets[0]; ++i) {
        float weight;
        std::memcpy(&weight, of.table->rows + places[i] * row_bytes_ + linear_offset_, sizeof(weight));
        linear[r] += coefficients[i] * weight;
      }
    }
  };
  Step steps[4] = {};                 // of the last four fields, by field % 4
  std::array<size_t, 4> begins = {};  // of their places
  for (int f = 0; f < fields + 3; ++f) {
    if (f < fields) {
      const size_t begin = f == 0 ? 0 : begins[(f - 1) % 4] + steps[(f - 1) % 4].count;
      steps[f % 4] = step(f);
      begins[f % 4] = begin;
      if (scratch->places.size() < begin + steps[f % 4].count)
        scratch->places.resize(begin + steps[f % 4].count);
      ask_for_directory(steps[f % 4]);
    }
    uint32_t* const places = scratch->places.data();
    if (f >= 1 && f - 1 < fields) ask_for_keys(steps[(f - 1) % 4], places + begins[(f - 1) % 4]);
    if (f >= 2 && f - 2 < fields) find(steps[(f - 2) % 4], places + begins[(f - 2) % 4]);
    if (f >= 3) pool_rows(steps[(f - 3) % 4], f - 3, places + begins[(f - 3) % 4]);
  }
}

absl::Status ServingTables::Save(FileSystem& fs, const std::string& path, const std::string& model_id) const {
  const bool f32 = precision_ == Precision::kF32;
  proto::EmbeddingHeader header;
  header.set_model_id(model_id);
  header.set_tables(static_cast<int>(tables_.size()));
  if (!f32) header.set_precision(ToProto(precision_));
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<EmbeddingFileWriter> writer,
                          EmbeddingFileWriter::Create(fs, path, header));
  for (size_t t = 0; t < tables_.size(); ++t) {
    const Table& table = tables_[t];
    const auto keys = static_cast<int64_t>(table.keys.size());
    proto::TableHeader table_header;
    table_header.set_name(schema_->tables()[t].name);
    table_header.set_dim(dim_);
    table_header.set_student_linear(linear_);
    table_header.set_rows(keys);
    if (f32) {
      table_header.set_teacher_linear(0);
      table_header.set_slots(0);
      table_header.set_updates(false);
      table_header.set_last_steps(false);
      table_header.set_pending(0);
    }
    TANDEM_RETURN_IF_ERROR(writer->BeginTable(table_header, {}));
    TANDEM_RETURN_IF_ERROR(writer->AppendOovRow(table.rows, row_bytes_, {}, {}));
    constexpr int64_t kAtATime = EmbeddingFileWriter::kSegmentRows;
    for (int64_t first = 0; first < keys; first += kAtATime) {
      TANDEM_RETURN_IF_ERROR(writer->AppendRows(table.keys.subspan(first, std::min(kAtATime, keys - first)),
                                                table.rows + (first + 1) * row_bytes_, row_bytes_, {}, {}));
    }
  }
  return writer->Close();
}

absl::StatusOr<ServingTables> ServingTables::Load(FileSystem& fs, const std::string& path,
                                                  const std::string& model_id, const Schema& schema, int dim,
                                                  bool linear, Precision precision, const Kernels& kernels) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t file_bytes, fs.Size(path));
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<EmbeddingFileReader> reader,
                          EmbeddingFileReader::Open(fs, path, model_id, precision));
  ServingTables tables(schema, dim, linear, precision, kernels, file_bytes);
  for (int t = 0; t < reader->header().tables(); ++t) TANDEM_RETURN_IF_ERROR(tables.LoadTable(reader.get()));
  TANDEM_RETURN_IF_ERROR(reader->Finish());
  for (const Table& table : tables.tables_) {
    if (table.rows == nullptr) return reader->Malformed();
  }
  return tables;
}

absl::Status ServingTables::LoadTable(EmbeddingFileReader* reader) {
  TANDEM_RETURN_IF_ERROR(reader->NextTable());
  const proto::TableHeader& header = reader->table();
  if (header.dim() != dim_ || header.student_linear() != linear_ || header.rows() >= kMostRows)
    return reader->Malformed();
  const auto info = std::find_if(schema_->tables().begin(), schema_->tables().end(),
                                 [&](const TableInfo& table) { return table.name == header.name(); });
  if (info == schema_->tables().end()) return absl::OkStatus();
  Table& table = tables_[info - schema_->tables().begin()];
  if (table.rows != nullptr) return reader->Malformed();
  Allocate(header.rows(), &table);
  TANDEM_RETURN_IF_ERROR(LoadRows(reader, &table));
  const auto unordered =
      std::adjacent_find(table.keys.begin(), table.keys.end(), [](uint64_t a, uint64_t b) { return a >= b; });
  if (unordered != table.keys.end()) return reader->Malformed();
  TANDEM_RETURN_IF_ERROR(CheckFinite(reader->path(), header.name(), table));
  BuildDirectory(&table);
  return absl::OkStatus();
}

absl::Status ServingTables::LoadRows(EmbeddingFileReader* reader, Table* table) const {
  const bool f32 = precision_ == Precision::kF32;
  if (!f32 && reader->row_bytes() != row_bytes_) return reader->Malformed();
  const int width = reader->width();
  const bool takes_slow = reader->table().slow() && reader->header().slow_student();
  std::vector<float> weights(width), slow(dim_);
  for (int64_t place = 0;;) {  // of the row to come
    TANDEM_ASSIGN_OR_RETURN(const int64_t rows, reader->NextRows());
    if (rows == 0) return absl::OkStatus();
    if (place > 0) reader->CopyKeys(table->keys.data() + place - 1);
    uint8_t* to = table->rows + place * row_bytes_;
    place += rows;
    if (!f32) {
      std::memcpy(to, reader->row(0), rows * row_bytes_);
      continue;
    }
    for (int64_t i = 0; i < rows; ++i, to += row_bytes_) {
      reader->Weights(i, weights.data());
      if (takes_slow) reader->SlowCopy(i, weights.data(), slow.data());
      std::memcpy(to, takes_slow ? slow.data() : weights.data(), dim_ * sizeof(float));
      if (linear_) std::memcpy(to + linear_offset_, &weights[width - 1], sizeof(float));
    }
  }
}

absl::Status ServingTables::CheckFinite(const std::string& path, const std::string& name,
                                        const Table& table) const {
  const auto bf16_finite = [](const uint8_t* bytes) {
    uint16_t value;
    std::memcpy(&value, bytes, sizeof(value));
    return (value & 0x7f80) != 0x7f80;
  };
  const auto float_finite = [](const uint8_t* bytes) {
    uint32_t value;
    std::memcpy(&value, bytes, sizeof(value));
    return (value & 0x7f800000) != 0x7f800000;
  };
  bool finite = true;
  const int64_t rows = static_cast<int64_t>(table.keys.size()) + 1;
  for (int64_t r = 0; r < rows; ++r) {
    const uint8_t* row = table.rows + r * row_bytes_;
    if (precision_ == Precision::kInt8) {
      finite = finite && bf16_finite(row + dim_);  // the scale
    } else {
      for (int d = 0; d < dim_; ++d)
        finite &= precision_ == Precision::kF32 ? float_finite(row + 4 * d) : bf16_finite(row + 2 * d);
    }
    if (linear_) finite = finite && float_finite(row + linear_offset_);
  }
  if (finite) return absl::OkStatus();
  return ModelError(path, ": rows of table '", name,
                    "' are not all finite: their training diverged. Nothing was loaded.");
}

}  // namespace tandem
