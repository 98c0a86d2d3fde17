// Saving and loading of the embedding layer in one record file.
//
// Records: EmbeddingHeader; then for each table: TableHeader; decay log (doubles, empty without weight
// decay); the default row; then rows in key order, up to kSegmentRows a record: keys, floats, updates, last
// steps, each [n]; then pending keys with their counts, likewise. A row's floats: weights, slots, slow copy.
#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "src/util/finite.h"
#include "tandem/embedding.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int64_t kSegmentRows = 65536;

template <typename T>
void AppendArray(const std::vector<T>& values, std::string* record) {
  record->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// Takes n values off the front of `record`; the caller has checked its size.
template <typename T>
std::vector<T> TakeArray(int64_t n, absl::string_view* record) {
  std::vector<T> values(n);
  if (n > 0) std::memcpy(values.data(), record->data(), n * sizeof(T));
  record->remove_prefix(n * sizeof(T));
  return values;
}

// Rows on their way to or from a record.
struct RowSegment {
  std::vector<uint64_t> keys;
  std::vector<float> floats;
  std::vector<uint32_t> updates, last_steps;
  std::string record;

  // The rows as a record, valid until the next one. Memory is kept: fresh pages would cost more than copying.
  const std::string& Take() {
    record.clear();
    AppendArray(keys, &record);
    AppendArray(floats, &record);
    AppendArray(updates, &record);
    AppendArray(last_steps, &record);
    keys.clear();
    floats.clear();
    updates.clear();
    last_steps.clear();
    return record;
  }
};

int64_t Segments(int64_t rows) { return (rows + kSegmentRows - 1) / kSegmentRows; }

// Reads past a table that the model lacks: decay log, default row, rows, pending keys.
absl::Status SkipTable(const proto::TableHeader& header, RecordReader* reader) {
  const int64_t records = 2 + Segments(header.rows()) + Segments(header.pending());
  for (int64_t i = 0; i < records; ++i) {
    const absl::StatusOr<absl::string_view> record = reader->Next();
    if (!record.ok()) return record.status();
  }
  return absl::OkStatus();
}

absl::Status Malformed(const std::string& path) {
  return ModelError(path, ": an embedding file of another version, or damaged. Nothing was loaded.");
}

}  // namespace

absl::Status EmbeddingLayer::Save(FileSystem& fs, const std::string& path, const std::string& model_id,
                                  bool slots) const {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> writer, RecordWriter::Create(fs, path));
  proto::EmbeddingHeader header;
  header.set_model_id(model_id);
  header.set_tables(static_cast<int>(tables_.size()));
  if (slots && keeps_slow_) {
    header.set_step(step_);
    header.set_slow_decay(slow_decay_);
    header.set_slow_teacher(slow_teacher_);
    header.set_slow_student(slow_student_);
  }
  TANDEM_RETURN_IF_ERROR(writer->Append(header.SerializeAsString()));
  for (int table = 0; table < header.tables(); ++table) {
    TANDEM_RETURN_IF_ERROR(SaveTable(table, slots, writer.get()));
  }
  return writer->Close();
}

absl::Status EmbeddingLayer::SaveTable(int table_index, bool slots, RecordWriter* writer) const {
  const EmbeddingTable& table = tables_[table_index];
  const EmbeddingTable::Layout& layout = table.layout();
  const bool raw = slots && trained_;
  CHECK(raw || !keeps_slow_) << "only what one copy serves is saved without slots";
  const int floats = raw ? width_ * (1 + layout.slots) + layout.extra : width_;
  const int64_t step = static_cast<int64_t>(decay_log_.size()) - 1;

  proto::TableHeader header;
  header.set_name(schema_.tables()[table_index].name);
  header.set_dim(dim_);
  header.set_teacher_linear(teacher_linear_);
  header.set_student_linear(student_linear_);
  header.set_slots(raw ? layout.slots : 0);
  header.set_updates(raw && layout.updates);
  header.set_last_steps(raw && layout.last_steps);
  if (raw && keeps_slow_) header.set_slow(true);
  header.set_rows(table.rows() - 1);
  header.set_pending(raw ? table.pending() : 0);

  RowSegment segment;
  bool finite = true;
  const auto add = [&](uint64_t key, uint32_t row) {
    segment.keys.push_back(key);
    const float* weights = table.row(row);
    finite = finite && AllFinite(weights, width_) && (!keeps_slow_ || AllFinite(table.extra(row), dim_));
    segment.floats.insert(segment.floats.end(), weights, weights + floats);
    if (header.updates()) segment.updates.push_back(table.updates(row));
    if (header.last_steps()) segment.last_steps.push_back(table.last_step(row));
    if (!raw && weight_decay_ > 0) {
      ApplyDecay(table.last_step(row), step, &segment.floats[segment.floats.size() - floats]);
    }
  };

  TANDEM_RETURN_IF_ERROR(writer->Append(header.SerializeAsString()));
  std::string decay;
  if (header.last_steps()) AppendArray(decay_log_, &decay);
  TANDEM_RETURN_IF_ERROR(writer->Append(decay));
  add(0, EmbeddingTable::kDefaultRow);
  TANDEM_RETURN_IF_ERROR(writer->Append(segment.Take()));

  absl::Status status;
  const auto flush = [&](size_t count) {
    if (status.ok() && count > 0) status = writer->Append(segment.Take());
  };
  table.VisitInOrder(
      [&](uint64_t key, uint32_t row) {
        add(key, row);
        if (segment.keys.size() == kSegmentRows) flush(segment.keys.size());
      },
      nullptr);
  flush(segment.keys.size());
  if (raw) {
    table.VisitInOrder(nullptr, [&](uint64_t key, uint32_t count) {
      segment.keys.push_back(key);
      segment.updates.push_back(count);
      if (segment.keys.size() == kSegmentRows) flush(segment.keys.size());
    });
    flush(segment.keys.size());
  }
  if (status.ok() && !finite) {
    return absl::InternalError(absl::StrCat(
        "rows of embedding table '", header.name(),
        "' are not finite any more; they were not kept. A lower rate (embedding.optimizer) may help"));
  }
  return status;
}

absl::Status EmbeddingLayer::Load(FileSystem& fs, const std::string& path, const std::string& model_id,
                                  EmbeddingLoad how) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordReader> reader, RecordReader::Open(fs, path));
  TANDEM_ASSIGN_OR_RETURN(const absl::string_view record, reader->Next());
  proto::EmbeddingHeader header;
  if (!header.ParseFromArray(record.data(), static_cast<int>(record.size()))) return Malformed(path);
  if (header.model_id() != model_id) {
    return ModelError(path, ": of model ", header.model_id(), ", but the graph beside it is of model ",
                      model_id, ". Nothing was loaded.");
  }
  if (header.precision() != proto::F32) return Malformed(path);
  if (how == EmbeddingLoad::kResume) step_ = header.step();
  for (int table = 0; table < header.tables(); ++table)
    TANDEM_RETURN_IF_ERROR(LoadTable(path, header, how, reader.get()));
  return reader->ExpectEnd();
}

absl::Status EmbeddingLayer::LoadTable(const std::string& path, const proto::EmbeddingHeader& file,
                                       EmbeddingLoad how, RecordReader* reader) {
  TANDEM_ASSIGN_OR_RETURN(absl::string_view record, reader->Next());
  proto::TableHeader header;
  if (!header.ParseFromArray(record.data(), static_cast<int>(record.size()))) return Malformed(path);
  int table_index = 0;
  const int tables = static_cast<int>(tables_.size());
  while (table_index < tables && schema_.tables()[table_index].name != header.name()) ++table_index;
  if (table_index == tables) return SkipTable(header, reader);
  EmbeddingTable& table = tables_[table_index];
  const EmbeddingTable::Layout& layout = table.layout();

  const bool resumes = how == EmbeddingLoad::kResume;
  const bool served = how == EmbeddingLoad::kServed || how == EmbeddingLoad::kContinueServed;
  // The weights become the slow copy where that is what all of the towers here are served on.
  const bool takes_slow =
      served && (!has_teacher_ || file.slow_teacher()) && (!has_student_ || file.slow_student());
  const bool keep_slots = how != EmbeddingLoad::kReset && how != EmbeddingLoad::kServed && trained_;
  const int file_width = header.dim() + (header.teacher_linear() ? 1 : 0) + (header.student_linear() ? 1 : 0);
  if (header.dim() != dim_) {
    return ModelError(path, ": rows of ", header.dim(), " floats where the model has embedding.dim ", dim_);
  }
  if (keep_slots && (header.slots() != layout.slots || header.updates() != layout.updates)) {
    return ModelError(path,
                      ": the optimizer's state is of another kind than embedding.optimizer; "
                      "reset_optimizer starts it anew");
  }

  TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
  if (record.size() % sizeof(double) != 0) return Malformed(path);
  std::vector<double> decay = TakeArray<double>(record.size() / sizeof(double), &record);
  if (header.last_steps() == decay.empty() || (header.slow() && !header.last_steps())) return Malformed(path);
  if (resumes && !decay.empty()) decay_log_ = decay;
  const int slow_place = file_width * (1 + header.slots());
  const int file_floats = slow_place + (header.slow() ? dim_ : 0);
  // Lazy decay and lazy slow copies are never there both (validation).
  const bool decays = header.last_steps() && !header.slow();

  // Copies the parts of a row that both sides have: the embedding and either linear weight.
  const auto copy = [&](const float* from, float* to) {
    std::copy_n(from, dim_, to);
    if (teacher_linear_ && header.teacher_linear()) to[dim_] = from[dim_];
    if (student_linear_ && header.student_linear()) to[width_ - 1] = from[file_width - 1];
  };
  bool finite = true;
  const auto fill = [&](const RowSegment& segment, size_t i, uint32_t row) {
    float* weights = table.row(row);
    std::vector<float> values(segment.floats.begin() + i * file_floats,
                              segment.floats.begin() + (i + 1) * file_floats);
    if (decays && !resumes) {
      const auto left = static_cast<float>(std::exp(decay.back() - decay[segment.last_steps[i]]));
      if (segment.last_steps[i] + 1 < decay.size()) {
        for (int w = 0; w < file_width; ++w) values[w] *= left;
      }
    }
    finite = finite && AllFinite(values.data(), file_width) &&
             (!header.slow() || AllFinite(values.data() + slow_place, dim_));
    copy(values.data(), weights);
    if (header.slow()) {
      float* slow = values.data() + slow_place;
      const int64_t alone = file.step() - segment.last_steps[i];
      if (!resumes && alone > 0) {
        const auto left = static_cast<float>(std::pow(file.slow_decay(), alone));
        for (int d = 0; d < dim_; ++d) slow[d] = values[d] + left * (slow[d] - values[d]);
      }
      if (takes_slow) std::copy_n(slow, dim_, weights);
      if (keeps_slow_) std::copy_n(slow, dim_, table.extra(row));
    } else if (keeps_slow_) {
      std::copy_n(weights, dim_, table.extra(row));
    }
    if (trained_) optimizer_->Initialize(width_, weights, weights + width_, width_);
    if (!keep_slots) return;
    for (int slot = 1; slot <= layout.slots; ++slot)
      copy(values.data() + slot * file_width, weights + slot * width_);
    if (layout.updates) table.updates(row) = segment.updates[i];
    if (layout.last_steps && resumes) table.last_step(row) = segment.last_steps[i];
  };
  const auto next_segment = [&](int64_t n, RowSegment* segment) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    const size_t row_bytes = sizeof(uint64_t) + sizeof(float) * file_floats +
                             sizeof(uint32_t) * ((header.updates() ? 1 : 0) + (header.last_steps() ? 1 : 0));
    if (record.size() != n * row_bytes) return Malformed(path);
    segment->keys = TakeArray<uint64_t>(n, &record);
    segment->floats = TakeArray<float>(n * file_floats, &record);
    if (header.updates()) segment->updates = TakeArray<uint32_t>(n, &record);
    if (header.last_steps()) {
      segment->last_steps = TakeArray<uint32_t>(n, &record);
      for (const uint32_t last : segment->last_steps) {
        if (decays ? last >= decay.size() : last > file.step()) return Malformed(path);
      }
    }
    return absl::OkStatus();
  };

  RowSegment segment;
  TANDEM_RETURN_IF_ERROR(next_segment(1, &segment));
  fill(segment, 0, EmbeddingTable::kDefaultRow);
  for (int64_t done = 0; done < header.rows();) {
    const int64_t n = std::min(kSegmentRows, header.rows() - done);
    TANDEM_RETURN_IF_ERROR(next_segment(n, &segment));
    for (int64_t i = 0; i < n; ++i) fill(segment, i, table.Insert(segment.keys[i]));
    done += n;
  }
  if (!finite) {
    return ModelError(path, ": rows of table '", header.name(),
                      "' are not all finite: their training diverged. Nothing was loaded.");
  }
  for (int64_t done = 0; done < header.pending();) {
    const int64_t n = std::min(kSegmentRows, header.pending() - done);
    TANDEM_ASSIGN_OR_RETURN(record, reader->Next());
    if (record.size() != n * (sizeof(uint64_t) + sizeof(uint32_t))) return Malformed(path);
    const std::vector<uint64_t> keys = TakeArray<uint64_t>(n, &record);
    const std::vector<uint32_t> counts = TakeArray<uint32_t>(n, &record);
    // Scoring has no use for them.
    for (int64_t i = 0; trained_ && i < n; ++i) table.SetPending(keys[i], counts[i]);
    done += n;
  }
  return absl::OkStatus();
}

}  // namespace tandem
