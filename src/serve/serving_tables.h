// The embedding tables of a student, to be read only: less memory than an EmbeddingLayer's, and found faster.
//
//   TANDEM_ASSIGN_OR_RETURN(ServingTables tables, ServingTables::Load(fs, "bundle/embedding.bin", model_id, ...));
//   GatherScratch scratch;
//   tables.Gather(batch, first_row, x, linear, &scratch);      // x: [rows, fields * dim]
//
//   ServingTables::From(tables, schema, Precision::kInt8, kernels).Save(fs, path, model_id);
//
// Keys are sorted, and a row's place is that of its key, so that no row numbers are kept: a key costs 8 bytes
// and its share of a directory, 1 to 3 bytes. Keys are hashes: the directory finds by their high bits the few
// keys among which one must be.
//
// A row is, in float32, `dim` floats, which pool with the bits of EmbeddingLayer::Gather; in bfloat16, `dim`
// values; in int8, `dim` codes and their scale in bfloat16. The linear weight, if any, follows in float32.
// The OOV row is row 0, the row of key i is row i + 1.
//
// Threads: any number read, each with a scratch of its own.
#ifndef TANDEM_SRC_SERVE_SERVING_TABLES_H_
#define TANDEM_SRC_SERVE_SERVING_TABLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "src/kernels/low_precision.h"
#include "src/util/zeroed_memory.h"
#include "tandem/batch.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/matrix.h"
#include "tandem/precision.h"
#include "tandem/schema.h"

namespace tandem {

class EmbeddingFileReader;

// Grows to what a tile needs, then stays.
struct GatherScratch {
  std::vector<uint32_t> places;
  // Counts, a field each, keys without a row of their own; null: nobody asks.
  std::vector<int64_t>* unknown = nullptr;
};

// Where the rows of a batch's ids lie, a vector a field.
using FoundPlaces = std::vector<std::vector<uint32_t>>;

class ServingTables {
 public:
  // Tables in float32 in another precision. `schema` and `kernels` outlive the tables.
  static ServingTables From(const ServingTables& f32, const Schema& schema, Precision precision,
                            const Kernels& kernels);
  // What Save wrote, for a model of `dim` floats a field, with or without linear weights. In float32 also
  // what EmbeddingLayer::Save wrote, a training run's state or not: the weights alone are kept, as
  // EmbeddingLayer loads them to score; the slow copy in their place, where the
  // file says that the student is served on one.
  // Damage is a ModelError, and so is another model's file or one of another precision.
  static absl::StatusOr<ServingTables> Load(FileSystem& fs, const std::string& path,
                                            const std::string& model_id, const Schema& schema, int dim,
                                            bool linear, Precision precision, const Kernels& kernels);
  absl::Status Save(FileSystem& fs, const std::string& path, const std::string& model_id) const;

  Precision precision() const { return precision_; }
  // Rows of a table, the OOV row included, and of all of them.
  int64_t rows(int table) const { return static_cast<int64_t>(tables_[table].keys.size()) + 1; }
  int64_t rows() const;
  // Sorted.
  absl::Span<const uint64_t> keys(int table) const { return tables_[table].keys; }
  // Bytes of the rows alone, and of all that is held.
  int64_t weight_bytes() const { return rows() * row_bytes_; }
  int64_t bytes() const;

  // Finds and pools rows [first_row, first_row + x.rows) of the batch into x, and sums their linear weights;
  // `linear` is null where there are none.
  void Gather(const Batch& batch, int first_row, Matrix x, float* linear, GatherScratch* scratch) const;
  // The same of tables in bfloat16, rounded to that: what the kernels' `round` makes of Gather's x, bit for
  // bit, with zeros behind a row's last value up to `stride`.
  void GatherRounded(const Batch& batch, int first_row, int rows, uint16_t* values, int64_t stride,
                     float* linear, GatherScratch* scratch) const;
  // The same, of ids that were looked up beforehand: for rows that are scored over and over. Without linear
  // sums.
  void LookUp(const Batch& batch, FoundPlaces* found) const;
  void Gather(const Batch& batch, const FoundPlaces& found, int first_row, Matrix x) const;
  void GatherRounded(const Batch& batch, const FoundPlaces& found, int first_row, int rows, uint16_t* values,
                     int64_t stride) const;

 private:
  struct Table {
    absl::Span<uint64_t> keys;  // more can be read behind them, as many as are compared at a time
    // keys[directory[p]] is the first key whose high bits are p or more; one entry more than there are
    // prefixes.
    absl::Span<uint32_t> directory;
    int shift = 63;  // from a key to its prefix
    uint8_t* rows = nullptr;
  };

  // `about_bytes`: what the tables will take, roughly.
  ServingTables(const Schema& schema, int dim, bool linear, Precision precision, const Kernels& kernels,
                int64_t about_bytes);
  // Makes room for so many keys, the directory, and the rows.
  void Allocate(int64_t keys, Table* table);
  void* Take(size_t bytes);
  // Writes a row of `dim` floats and the linear weight, if any.
  void EncodeRow(const float* weights, uint8_t* row) const;
  static void BuildDirectory(Table* table);
  absl::Status LoadTable(EmbeddingFileReader* reader);
  absl::Status LoadRows(EmbeddingFileReader* reader, Table* table) const;
  // A ModelError where one of the table's numbers is NaN or infinite.
  absl::Status CheckFinite(const std::string& path, const std::string& name, const Table& table) const;
  // Calls pool_field(field, its bags) for each field, in their order, once its rows are on their way to the
  // cache.
  template <class PoolField>
  void GatherFields(const Batch& batch, int first_row, int rows, float* linear, GatherScratch* scratch,
                    const PoolField& pool_field) const;
  template <class PoolField>
  void GatherFound(const Batch& batch, const FoundPlaces& found, int first_row, int rows,
                   const PoolField& pool_field) const;
  auto PoolInto(Matrix x) const;
  auto PoolInto(uint16_t* values, int64_t stride) const;
  void EndRounded(const Batch& batch, int rows, uint16_t* values, int64_t stride) const;
  static uint32_t Find(const Table& table, uint64_t key, uint32_t begin);

  const Schema* schema_;
  int dim_;
  bool linear_;
  Precision precision_;
  const Int8Kernels* int8_;
  const Bf16Kernels* bf16_;
  int64_t linear_offset_;  // bytes from the beginning of a row
  int64_t row_bytes_;
  bool within_lines_;  // no row lies in two cache lines
  std::vector<Table> tables_;
  // What the tables lie in, one beside the other, so that small ones are in huge pages too.
  size_t chunk_bytes_;
  std::vector<ZeroedMemory> memory_;
  size_t used_ = 0;  // of the last one
};

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_SERVING_TABLES_H_
