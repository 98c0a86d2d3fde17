// The file that embedding tables lie in, of a checkpoint and of a bundle: all that knows its format.
//
//   TANDEM_ASSIGN_OR_RETURN(auto reader, EmbeddingFileReader::Open(fs, path, model_id, Precision::kF32));
//   for (int t = 0; t < reader->header().tables(); ++t) {
//     TANDEM_RETURN_IF_ERROR(reader->NextTable());
//     for (;;) {
//       TANDEM_ASSIGN_OR_RETURN(const int64_t rows, reader->NextRows());     // the OOV row alone, first
//       if (rows == 0) break;
//       for (int64_t i = 0; i < rows; ++i) reader->Weights(i, weights);
//     }
//   }
//   TANDEM_RETURN_IF_ERROR(reader->Finish());
//
// Records: EmbeddingHeader; then for each table: TableHeader; decay log (doubles, empty without weight
// decay); the OOV row with the key 0; then rows in key order, up to kSegmentRows a record: keys, rows,
// updates, last steps, last days, each [n]; then pending keys with their counts and last days, likewise. A
// row is floats: weights, slots, slow copy. In low precision there is no decay log, the OOV row has no
// key, and a row is what docs/low_precision.md says.
//
// Errors of reading are ModelErrors that name the file.
#ifndef TANDEM_SRC_EMBEDDING_EMBEDDING_FILE_H_
#define TANDEM_SRC_EMBEDDING_EMBEDDING_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/embedding_file.pb.h"
#include "tandem/file_system.h"
#include "tandem/precision.h"
#include "tandem/records.h"

namespace tandem {

class EmbeddingFileReader {
 public:
  // Another model's file is a ModelError, and so is one of another precision. `fs` outlives the reader.
  static absl::StatusOr<std::unique_ptr<EmbeddingFileReader>> Open(FileSystem& fs, const std::string& path,
                                                                   const std::string& model_id,
                                                                   Precision precision);

  const std::string& path() const { return path_; }
  const proto::EmbeddingHeader& header() const { return header_; }

  // Goes to the next table, past what is left of the one before.
  absl::Status NextTable();
  const proto::TableHeader& table() const { return table_; }
  const std::vector<double>& decay_log() const { return decay_log_; }  // empty without weight decay
  // Of a row: dim and linear weights, floats where the file is in float32.
  int width() const { return width_; }
  int64_t row_bytes() const { return row_bytes_; }

  // The next rows of the table, 0 after the last: the OOV row, then the others. They are valid until the
  // next call. Then the keys that are counted and have no row, likewise.
  absl::StatusOr<int64_t> NextRows();
  absl::StatusOr<int64_t> NextPending();
  void CopyKeys(uint64_t* keys) const;
  void CopyCounts(uint32_t* counts) const;  // of pending keys
  const char* row(int64_t i) const { return rows_ + i * row_bytes_; }
  void CopyFloats(int64_t i, int first, int n, float* to) const;
  uint32_t updates(int64_t i) const;
  uint32_t last_step(int64_t i) const;
  uint32_t last_day(int64_t i) const;  // of pending keys as well

  // In float32: a row's weights [width] as they stand after the file's last step, the decay applied that is
  // pending; and so its slow copy [dim], whose row has these weights.
  void Weights(int64_t i, float* weights) const;
  void SlowCopy(int64_t i, const float* weights, float* slow) const;

  // All tables have been read, and the file's end is whole.
  absl::Status Finish();
  absl::Status Malformed() const;

 private:
  EmbeddingFileReader(std::string path, int64_t file_bytes, std::unique_ptr<RecordReader> reader)
      : path_(std::move(path)), file_bytes_(file_bytes), reader_(std::move(reader)) {}
  absl::Status SkipRest();
  absl::Status CheckCounts() const;
  absl::Status CheckOrder();
  // Lazy decay and lazy slow copies are never there both (validation).
  bool decays() const { return table_.last_steps() && !table_.slow(); }

  const std::string path_;
  const int64_t file_bytes_;
  const std::unique_ptr<RecordReader> reader_;
  proto::EmbeddingHeader header_;
  Precision precision_ = Precision::kF32;

  proto::TableHeader table_;
  std::vector<double> decay_log_;
  int width_ = 0;
  int64_t row_bytes_ = 0;
  int64_t rows_left_ = 0, pending_left_ = 0;  // to be read
  bool oov_row_left_ = false;
  std::optional<uint64_t> last_key_;  // of the rows, or ids, that were read
  // Of the rows at hand; unaligned.
  int64_t n_ = 0;
  const char* keys_ = nullptr;
  const char* rows_ = nullptr;
  const char* updates_ = nullptr;
  const char* last_steps_ = nullptr;
  const char* last_days_ = nullptr;
};

class EmbeddingFileWriter {
 public:
  // Most rows of a record.
  static constexpr int64_t kSegmentRows = 65536;

  static absl::StatusOr<std::unique_ptr<EmbeddingFileWriter>> Create(FileSystem& fs, const std::string& path,
                                                                     const proto::EmbeddingHeader& header);
  // `decay_log` is left out where the header has no last steps, and all of it in low precision.
  absl::Status BeginTable(const proto::TableHeader& table, absl::Span<const double> decay_log);
  // The OOV row, then up to kSegmentRows rows at a time. `rows`: row_bytes each; words where the table
  // has them.
  absl::Status AppendOovRow(const void* row, int64_t row_bytes, absl::Span<const uint32_t> updates,
                            absl::Span<const uint32_t> last_steps, absl::Span<const uint32_t> last_days = {});
  absl::Status AppendRows(absl::Span<const uint64_t> keys, const void* rows, int64_t row_bytes,
                          absl::Span<const uint32_t> updates, absl::Span<const uint32_t> last_steps,
                          absl::Span<const uint32_t> last_days = {});
  absl::Status AppendPending(absl::Span<const uint64_t> keys, absl::Span<const uint32_t> counts,
                             absl::Span<const uint32_t> last_days = {});
  absl::Status Close() { return writer_->Close(); }

 private:
  EmbeddingFileWriter(std::unique_ptr<RecordWriter> writer, bool f32)
      : writer_(std::move(writer)), f32_(f32) {}

  const std::unique_ptr<RecordWriter> writer_;
  const bool f32_;
  std::string record_;  // memory is kept: fresh pages would cost more than copying
};

}  // namespace tandem

#endif  // TANDEM_SRC_EMBEDDING_EMBEDDING_FILE_H_
