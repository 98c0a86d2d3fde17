#include "src/train/replay.h"

#include <glog/logging.h>

#include <cstring>
#include <utility>

#include "tandem/random.h"
#include "tandem/records.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

template <typename T>
void AppendArray(const std::vector<T>& values, std::string* record) {
  const uint64_t size = values.size();
  record->append(reinterpret_cast<const char*>(&size), sizeof(size));
  record->append(reinterpret_cast<const char*>(values.data()), size * sizeof(T));
}

template <typename T>
bool TakeArray(absl::string_view* record, std::vector<T>* values) {
  uint64_t size = 0;
  if (record->size() < sizeof(size)) return false;
  std::memcpy(&size, record->data(), sizeof(size));
  record->remove_prefix(sizeof(size));
  if (size > record->size() / sizeof(T)) return false;
  values->resize(size);
  if (size > 0) std::memcpy(values->data(), record->data(), size * sizeof(T));
  record->remove_prefix(size * sizeof(T));
  return true;
}

bool TakeBatch(absl::string_view record, int fields, ReplayedBatch* past) {
  Batch& batch = past->batch;
  if (!TakeArray(&record, &batch.labels) || !TakeArray(&record, &batch.weights) ||
      !TakeArray(&record, &past->batch.teacher_logits))
    return false;
  const size_t rows = batch.labels.size();
  if (batch.weights.size() != rows || past->batch.teacher_logits.size() != rows) return false;
  batch.groups.assign(rows, 0);
  batch.fields.resize(fields);
  for (FieldBags& bags : batch.fields) {
    if (!TakeArray(&record, &bags.offsets) || !TakeArray(&record, &bags.keys) ||
        !TakeArray(&record, &bags.coefficients))
      return false;
    if (bags.offsets.size() != rows + 1 || bags.offsets[0] != 0 ||
        bags.coefficients.size() != bags.keys.size())
      return false;
    for (size_t r = 0; r < rows; ++r) {
      if (bags.offsets[r] > bags.offsets[r + 1]) return false;
    }
    if (bags.offsets[rows] != bags.keys.size()) return false;
  }
  return record.empty();
}

}  // namespace

void Replay::Clear() {
  for (std::unique_ptr<ReplayedBatch>& past : batches_) spare_.push_back(std::move(past));
  batches_.clear();
  oldest_ = 0;
}

void Replay::Add(const Schema& schema, const Batch& batch, const BatchRows& rows,
                 const std::vector<int>& fields, const std::vector<float>& teacher_logits) {
  ReplayedBatch* past = nullptr;
  if (size() < capacity_) {
    if (spare_.empty()) spare_.push_back(std::make_unique<ReplayedBatch>());
    batches_.push_back(std::move(spare_.back()));
    spare_.pop_back();
    past = batches_.back().get();
  } else {
    past = batches_[oldest_].get();
    oldest_ = (oldest_ + 1) % capacity_;
  }
  past->batch.labels = batch.labels;
  past->batch.weights = batch.weights;
  past->batch.groups.assign(batch.rows(), 0);
  past->batch.teacher_logits = teacher_logits;
  past->batch.fields.resize(batch.fields.size());
  past->rows.fields.resize(batch.fields.size());
  past->rows.tables.resize(rows.tables.size());
  for (size_t t = 0; t < rows.tables.size(); ++t) past->rows.tables[t].Refer(rows.tables[t]);
  for (FieldBags& bags : past->batch.fields) bags.offsets.assign(batch.rows() + 1, 0);
  for (const int f : fields) {
    const FieldBags& from = batch.fields[f];
    FieldBags& to = past->batch.fields[f];
    to.offsets = from.offsets;
    to.coefficients = from.coefficients;
    to.keys = from.keys;
    std::vector<uint32_t>& places = past->rows.fields[f];
    places = rows.fields[f];
    const TableRows& table = rows.tables[schema.fields()[f].table];
    for (size_t i = 0; i < to.keys.size(); ++i) {
      if (table.has_row(places[i])) continue;
      to.keys[i] = 0;
      places[i] = BatchRows::kOovRow;
    }
  }
}

absl::Status Replay::FindRows(const Schema& schema, const EmbeddingLayer& embedding) {
  for (const std::unique_ptr<ReplayedBatch>& past : batches_) {
    TANDEM_RETURN_IF_ERROR(embedding.Lookup(past->batch, &past->rows));
    for (size_t f = 0; f < past->batch.fields.size(); ++f) {
      std::vector<uint64_t>& keys = past->batch.fields[f].keys;
      std::vector<uint32_t>& places = past->rows.fields[f];
      const int table = schema.fields()[f].table;
      for (size_t i = 0; i < keys.size(); ++i) {
        if (past->rows.has_row(static_cast<int>(f), table, i)) continue;
        keys[i] = 0;
        places[i] = BatchRows::kOovRow;
      }
    }
  }
  return absl::OkStatus();
}

ReplayedBatch& Replay::Pick(int64_t step, int k) const {
  CHECK(!batches_.empty());
  const Random random(seed_, RandomPurpose::kReplay, {static_cast<uint64_t>(step)});
  const int place = static_cast<int>(random.UniformDouble(k) * size());
  return *batches_[(oldest_ + place) % size()];
}

absl::Status Replay::Save(FileSystem& fs, const std::string& path) const {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> writer, RecordWriter::Create(fs, path));
  proto::ReplayHeader header;
  header.set_batches(size());
  TANDEM_RETURN_IF_ERROR(writer->Append(header.SerializeAsString()));
  std::string record;
  for (int i = 0; i < size(); ++i) {
    const ReplayedBatch& past = *batches_[(oldest_ + i) % size()];
    record.clear();
    AppendArray(past.batch.labels, &record);
    AppendArray(past.batch.weights, &record);
    AppendArray(past.batch.teacher_logits, &record);
    for (const FieldBags& bags : past.batch.fields) {
      AppendArray(bags.offsets, &record);
      AppendArray(bags.keys, &record);
      AppendArray(bags.coefficients, &record);
    }
    TANDEM_RETURN_IF_ERROR(writer->Append(record));
  }
  return writer->Close();
}

absl::Status Replay::Load(FileSystem& fs, const std::string& path, const EmbeddingLayer& embedding) {
  const auto malformed = [&] {
    return ModelError(path, ": a replay of another version, or damaged. Nothing was loaded.");
  };
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordReader> reader, RecordReader::Open(fs, path));
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, reader->Next());
  proto::ReplayHeader header;
  if (!header.ParseFromArray(record.data(), static_cast<int>(record.size())) || header.batches() < 0 ||
      header.batches() > capacity_)
    return malformed();
  Clear();
  for (int i = 0; i < header.batches(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    auto past = std::make_unique<ReplayedBatch>();
    if (!TakeBatch(record, embedding.fields(), past.get())) return malformed();
    TANDEM_RETURN_IF_ERROR(embedding.Lookup(past->batch, &past->rows));
    batches_.push_back(std::move(past));
  }
  return reader->ExpectEnd();
}

}  // namespace tandem
