#include "src/embedding/embedding_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "src/config/stored_experiment.h"
#include "src/embedding/stored_precision.h"
#include "tandem/records.h"
#include "tandem/status.h"

namespace tandem {
namespace {

template <typename T>
void Append(absl::Span<const T> values, std::string* record) {
  record->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <typename T>
T At(const char* values, int64_t i) {
  T value;
  std::memcpy(&value, values + i * sizeof(T), sizeof(T));
  return value;
}

// What no table has more of: bounds within which sizes of rows stay in an int64.
constexpr int kMostDim = 1 << 20;
constexpr int kMostSlots = 8;

template <typename T>
bool Increases(const char* values, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    if (At<T>(values, i - 1) >= At<T>(values, i)) return false;
  }
  return true;
}

}  // namespace

absl::Status EmbeddingFileReader::Malformed() const {
  return ModelError(path_, ": an embedding file of another version, or damaged. Nothing was loaded.");
}

absl::StatusOr<std::unique_ptr<EmbeddingFileReader>> EmbeddingFileReader::Open(FileSystem& fs,
                                                                               const std::string& path,
                                                                               const std::string& model_id,
                                                                               Precision precision) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t bytes, fs.Size(path));
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<RecordReader> records, RecordReader::Open(fs, path));
  std::unique_ptr<EmbeddingFileReader> reader(new EmbeddingFileReader(path, bytes, std::move(records)));
  TANDEM_ASSIGN_OR_RETURN(const absl::string_view record, reader->reader_->Next());
  const proto::EmbeddingHeader& header = reader->header_;
  if (!ParseStrictly(record, &reader->header_) || header.tables() < 0 || header.tables() > bytes ||
      header.step() < 0 || (header.has_slow_decay() && !(header.slow_decay() > 0 && header.slow_decay() < 1)))
    return reader->Malformed();
  if (reader->header_.model_id() != model_id) {
    return ModelError(path, ": of model ", reader->header_.model_id(),
                      ", but the graph beside it is of model ", model_id, ". Nothing was loaded.");
  }
  if (reader->header_.precision() != ToProto(precision)) return reader->Malformed();
  reader->precision_ = precision;
  return reader;
}

absl::Status EmbeddingFileReader::SkipRest() {
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t rows, NextRows());
    if (rows == 0) break;
  }
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t keys, NextPending());
    if (keys == 0) return absl::OkStatus();
  }
}

absl::Status EmbeddingFileReader::NextTable() {
  TANDEM_RETURN_IF_ERROR(SkipRest());
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, reader_->Next());
  if (!ParseStrictly(record, &table_) || table_.dim() <= 0 || table_.dim() > kMostDim ||
      table_.teacher_linear() < 0 || table_.teacher_linear() > table_.dim() || table_.slots() < 0 ||
      table_.slots() > kMostSlots || table_.rows() < 0 || table_.pending() < 0 ||
      (table_.slow() && !header_.has_slow_decay()))
    return Malformed();
  width_ = table_.dim() + table_.teacher_linear() + (table_.student_linear() ? 1 : 0);
  rows_left_ = table_.rows();
  pending_left_ = table_.pending();
  oov_row_left_ = true;
  last_key_.reset();
  decay_log_.clear();
  if (precision_ != Precision::kF32) {
    if (table_.teacher_linear() || table_.slots() != 0 || table_.updates() || table_.last_steps() ||
        table_.last_days() || table_.slow() || table_.pending() != 0)
      return Malformed();
    row_bytes_ = precision_ == Precision::kInt8 ? table_.dim() + 2 : 2 * table_.dim();
    if (table_.student_linear()) row_bytes_ += sizeof(float);
    return CheckCounts();
  }
  const int64_t floats = width_ * (int64_t{1} + table_.slots()) + (table_.slow() ? int64_t{table_.dim()} : 0);
  row_bytes_ = floats * static_cast<int64_t>(sizeof(float));
  TANDEM_RETURN_IF_ERROR(CheckCounts());
  TANDEM_ASSIGN_OR_RETURN(record, reader_->Next());
  if (record.size() % sizeof(double) != 0 || table_.last_steps() == record.empty() ||
      (table_.slow() && !table_.last_steps()))
    return Malformed();
  decay_log_.resize(record.size() / sizeof(double));
  if (!decay_log_.empty()) std::memcpy(decay_log_.data(), record.data(), record.size());
  return absl::OkStatus();
}

// A count is believed only as far as there is a file: whoever reads it makes room for so many rows.
absl::Status EmbeddingFileReader::CheckCounts() const {
  constexpr int64_t kKeyBytes = sizeof(uint64_t), kCountBytes = sizeof(uint32_t);
  if (table_.rows() <= file_bytes_ / (kKeyBytes + row_bytes_) &&
      table_.pending() <= file_bytes_ / (kKeyBytes + kCountBytes))
    return absl::OkStatus();
  return ModelError(path_, ": table '", table_.name(), "' has ", table_.rows(), " rows of ", row_bytes_,
                    " bytes and ", table_.pending(), " ids without one, in a file of ", file_bytes_,
                    " bytes; the file is damaged. Nothing was loaded.");
}

absl::StatusOr<int64_t> EmbeddingFileReader::NextRows() {
  n_ = oov_row_left_ ? 1 : std::min(EmbeddingFileWriter::kSegmentRows, rows_left_);
  if (n_ == 0) return n_;
  const bool of_oov = oov_row_left_;
  const bool has_keys = !of_oov || precision_ == Precision::kF32;
  if (!of_oov) rows_left_ -= n_;
  oov_row_left_ = false;
  TANDEM_ASSIGN_OR_RETURN(const absl::string_view record, reader_->Next());
  const int64_t word = sizeof(uint32_t);
  const int64_t key_bytes = has_keys ? n_ * static_cast<int64_t>(sizeof(uint64_t)) : 0;
  const int64_t words =
      (table_.updates() ? 1 : 0) + (table_.last_steps() ? 1 : 0) + (table_.last_days() ? 1 : 0);
  if (static_cast<int64_t>(record.size()) != key_bytes + n_ * (row_bytes_ + words * word)) return Malformed();
  keys_ = record.data();
  if (!of_oov) TANDEM_RETURN_IF_ERROR(CheckOrder());
  rows_ = keys_ + key_bytes;
  updates_ = rows_ + n_ * row_bytes_;
  last_steps_ = updates_ + (table_.updates() ? n_ * word : 0);
  last_days_ = last_steps_ + (table_.last_steps() ? n_ * word : 0);
  for (int64_t i = 0; table_.last_steps() && i < n_; ++i) {
    const uint32_t last = last_step(i);
    if (decays() ? last >= decay_log_.size() : last > header_.step()) return Malformed();
  }
  return n_;
}

absl::StatusOr<int64_t> EmbeddingFileReader::NextPending() {
  n_ = std::min(EmbeddingFileWriter::kSegmentRows, pending_left_);
  if (n_ == 0) return n_;
  if (pending_left_ == table_.pending()) last_key_.reset();
  pending_left_ -= n_;
  TANDEM_ASSIGN_OR_RETURN(const absl::string_view record, reader_->Next());
  const size_t words = table_.last_days() ? 2 : 1;
  if (record.size() != n_ * (sizeof(uint64_t) + words * sizeof(uint32_t))) return Malformed();
  keys_ = record.data();
  TANDEM_RETURN_IF_ERROR(CheckOrder());
  updates_ = keys_ + n_ * sizeof(uint64_t);
  last_days_ = updates_ + n_ * sizeof(uint32_t);
  return n_;
}

// Rows, and then ids without one, come in the order of their keys: each once.
absl::Status EmbeddingFileReader::CheckOrder() {
  const auto first = At<uint64_t>(keys_, 0);
  if (!Increases<uint64_t>(keys_, n_) || (last_key_.has_value() && first <= *last_key_)) return Malformed();
  last_key_ = At<uint64_t>(keys_, n_ - 1);
  return absl::OkStatus();
}

void EmbeddingFileReader::CopyKeys(uint64_t* keys) const { std::memcpy(keys, keys_, n_ * sizeof(uint64_t)); }

void EmbeddingFileReader::CopyCounts(uint32_t* counts) const {
  std::memcpy(counts, updates_, n_ * sizeof(uint32_t));
}

void EmbeddingFileReader::CopyFloats(int64_t i, int first, int n, float* to) const {
  std::memcpy(to, row(i) + first * sizeof(float), n * sizeof(float));
}

uint32_t EmbeddingFileReader::updates(int64_t i) const { return At<uint32_t>(updates_, i); }
uint32_t EmbeddingFileReader::last_step(int64_t i) const { return At<uint32_t>(last_steps_, i); }
uint32_t EmbeddingFileReader::last_day(int64_t i) const { return At<uint32_t>(last_days_, i); }

void EmbeddingFileReader::Weights(int64_t i, float* weights) const {
  CopyFloats(i, 0, width_, weights);
  if (!decays() || last_step(i) + 1 >= decay_log_.size()) return;
  const auto left = static_cast<float>(std::exp(decay_log_.back() - decay_log_[last_step(i)]));
  for (int w = 0; w < width_; ++w) weights[w] *= left;
}

void EmbeddingFileReader::SlowCopy(int64_t i, const float* weights, float* slow) const {
  const int dim = table_.dim();
  CopyFloats(i, width_ * (1 + table_.slots()), dim, slow);
  const int64_t alone = header_.step() - last_step(i);
  if (alone == 0) return;
  const auto left = static_cast<float>(std::pow(header_.slow_decay(), alone));
  for (int d = 0; d < dim; ++d) slow[d] = weights[d] + left * (slow[d] - weights[d]);
}

absl::Status EmbeddingFileReader::Finish() {
  TANDEM_RETURN_IF_ERROR(SkipRest());
  return reader_->ExpectEnd();
}

absl::StatusOr<std::unique_ptr<EmbeddingFileWriter>> EmbeddingFileWriter::Create(
    FileSystem& fs, const std::string& path, const proto::EmbeddingHeader& header) {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<RecordWriter> records, RecordWriter::Create(fs, path));
  std::unique_ptr<EmbeddingFileWriter> writer(
      new EmbeddingFileWriter(std::move(records), header.precision() == proto::F32));
  TANDEM_RETURN_IF_ERROR(writer->writer_->Append(header.SerializeAsString()));
  return writer;
}

absl::Status EmbeddingFileWriter::BeginTable(const proto::TableHeader& table,
                                             absl::Span<const double> decay_log) {
  TANDEM_RETURN_IF_ERROR(writer_->Append(table.SerializeAsString()));
  if (!f32_) return absl::OkStatus();
  record_.clear();
  if (table.last_steps()) Append(decay_log, &record_);
  return writer_->Append(record_);
}

absl::Status EmbeddingFileWriter::AppendOovRow(const void* row, int64_t row_bytes,
                                               absl::Span<const uint32_t> updates,
                                               absl::Span<const uint32_t> last_steps,
                                               absl::Span<const uint32_t> last_days) {
  static constexpr uint64_t kNoKey = 0;
  return AppendRows(absl::MakeConstSpan(&kNoKey, f32_ ? 1 : 0), row, row_bytes, updates, last_steps,
                    last_days);
}

absl::Status EmbeddingFileWriter::AppendRows(absl::Span<const uint64_t> keys, const void* rows,
                                             int64_t row_bytes, absl::Span<const uint32_t> updates,
                                             absl::Span<const uint32_t> last_steps,
                                             absl::Span<const uint32_t> last_days) {
  record_.clear();
  Append(keys, &record_);
  record_.append(static_cast<const char*>(rows), std::max<size_t>(1, keys.size()) * row_bytes);
  Append(updates, &record_);
  Append(last_steps, &record_);
  Append(last_days, &record_);
  return writer_->Append(record_);
}

absl::Status EmbeddingFileWriter::AppendPending(absl::Span<const uint64_t> keys,
                                                absl::Span<const uint32_t> counts,
                                                absl::Span<const uint32_t> last_days) {
  record_.clear();
  Append(keys, &record_);
  Append(counts, &record_);
  Append(last_days, &record_);
  return writer_->Append(record_);
}

}  // namespace tandem
