// Saving and loading of the embedding layer: its store's rows to and from an embedding file.
#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/embedding/embedding_file.h"
#include "src/embedding/row_spec.h"
#include "src/util/finite.h"
#include "tandem/embedding.h"
#include "tandem/status.h"

namespace tandem {
namespace {

static_assert(RowStore::kBlockRows == EmbeddingFileWriter::kSegmentRows, "a block of rows is a record");

// Weights and slow copies of a block.
bool IsFinite(const RowShape& shape, const RowBlock& block) {
  const int floats = shape.whole_floats();
  for (int64_t i = 0; i < block.rows(); ++i) {
    const float* row = block.floats.data() + i * floats;
    if (!AllFinite(row, shape.width)) return false;
    if (shape.slow && !AllFinite(row + floats - shape.dim, shape.dim)) return false;
  }
  return true;
}

// Makes whole rows of a store out of a file's, whose towers, optimizer and copies may be others.
class RowConverter {
 public:
  RowConverter(const RowSpec& spec, const EmbeddingFileReader& file, EmbeddingLoad how)
      : spec_(spec),
        file_(file),
        resumes_(how == EmbeddingLoad::kResume),
        keeps_slots_(how != EmbeddingLoad::kReset && how != EmbeddingLoad::kServed && spec.trained),
        takes_slow_((how == EmbeddingLoad::kServed || how == EmbeddingLoad::kContinueServed) &&
                    (!spec.has_teacher || file.header().slow_teacher()) &&
                    (!spec.has_student || file.header().slow_student())),
        values_(file.width()),
        slow_(file.table().dim()) {}

  absl::Status Check() const;
  void Convert(int64_t rows, RowBlock* block);
  bool finite() const { return finite_; }

 private:
  void ConvertRow(int64_t i, float* row);
  // The parts of a row that both sides have: the vector and either linear weight.
  void CopyShared(const float* from, float* to) const;

  const RowSpec& spec_;
  const EmbeddingFileReader& file_;
  const bool resumes_;
  const bool keeps_slots_;
  // The weights become the slow copy where that is what all of the towers here are served on.
  const bool takes_slow_;
  std::vector<float> values_, slow_;
  bool finite_ = true;
};

absl::Status RowConverter::Check() const {
  const RowShape& shape = spec_.shape;
  const proto::TableHeader& table = file_.table();
  if (table.dim() != shape.dim) {
    return ModelError(file_.path(), ": rows of ", table.dim(), " floats where the model's have ", shape.dim,
                      " (embedding.dim, of every member of a committee)");
  }
  if (keeps_slots_ && (table.slots() != shape.slots || table.updates() != shape.updates)) {
    return ModelError(file_.path(),
                      ": the optimizer's state is of another kind than embedding.optimizer; "
                      "reset_optimizer starts it anew");
  }
  if (resumes_ && (table.last_steps() != shape.last_steps || table.last_days() != shape.last_days ||
                   table.slow() != shape.slow || table.teacher_linear() != shape.teacher_linear ||
                   table.student_linear() != shape.student_linear)) {
    return ModelError(
        file_.path(), ": rows of table '", table.name(),
        "' have other parts than the configuration asks for (embedding.weight_decay, slow_copy, "
        "expire_days, linear). Nothing was loaded.");
  }
  return absl::OkStatus();
}

void RowConverter::CopyShared(const float* from, float* to) const {
  const RowShape& shape = spec_.shape;
  const proto::TableHeader& table = file_.table();
  std::copy_n(from, shape.dim, to);
  std::copy_n(from + shape.dim, std::min(shape.teacher_linear, table.teacher_linear()), to + shape.dim);
  if (shape.student_linear && table.student_linear()) to[shape.width - 1] = from[file_.width() - 1];
}

void RowConverter::ConvertRow(int64_t i, float* row) {
  const RowShape& shape = spec_.shape;
  const proto::TableHeader& table = file_.table();
  const int dim = shape.dim;
  // A run that goes on keeps what is pending.
  if (resumes_) {
    file_.CopyFloats(i, 0, file_.width(), values_.data());
  } else {
    file_.Weights(i, values_.data());
  }
  finite_ = finite_ && AllFinite(values_.data(), file_.width());
  CopyShared(values_.data(), row);
  float* const slow_copy = row + shape.whole_floats() - dim;
  if (table.slow()) {
    if (resumes_) {
      file_.CopyFloats(i, file_.width() * (1 + table.slots()), dim, slow_.data());
    } else {
      file_.SlowCopy(i, values_.data(), slow_.data());
    }
    finite_ = finite_ && AllFinite(slow_.data(), dim);
    if (takes_slow_) std::copy_n(slow_.data(), dim, row);
    if (shape.slow) std::copy_n(slow_.data(), dim, slow_copy);
  } else if (shape.slow) {
    std::copy_n(row, dim, slow_copy);
  }
  if (spec_.trained) spec_.optimizer->Initialize(shape.width, row, row + shape.width, shape.width);
  for (int slot = 1; keeps_slots_ && slot <= shape.slots; ++slot) {
    file_.CopyFloats(i, slot * file_.width(), file_.width(), values_.data());
    CopyShared(values_.data(), row + slot * shape.width);
  }
}

void RowConverter::Convert(int64_t rows, RowBlock* block) {
  const RowShape& shape = spec_.shape;
  block->Clear();
  block->keys.resize(rows);
  file_.CopyKeys(block->keys.data());
  block->floats.assign(rows * shape.whole_floats(), 0.0f);
  for (int64_t i = 0; i < rows; ++i) {
    ConvertRow(i, block->floats.data() + i * shape.whole_floats());
    if (shape.updates) block->updates.push_back(keeps_slots_ ? file_.updates(i) : 0);
    if (shape.last_steps)
      block->last_steps.push_back(resumes_ && file_.table().last_steps() ? file_.last_step(i) : 0);
    if (shape.last_days) block->last_days.push_back(file_.table().last_days() ? file_.last_day(i) : 0);
  }
}

// Each table is there once; where nothing is new, all are.
absl::Status CheckTables(const std::string& path, const Schema& schema, EmbeddingLoad how,
                         std::vector<std::string> read) {
  std::sort(read.begin(), read.end());
  const auto twice = std::adjacent_find(read.begin(), read.end());
  if (twice != read.end())
    return ModelError(path, ": table '", *twice,
                      "' is there twice; the file is damaged. Nothing was loaded.");
  if (how != EmbeddingLoad::kResume && how != EmbeddingLoad::kServed) return absl::OkStatus();
  for (const TableInfo& table : schema.tables()) {
    if (std::binary_search(read.begin(), read.end(), table.name)) continue;
    return ModelError(path, ": table '", table.name,
                      "' is missing, which the configuration beside it has. Nothing was loaded.");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EmbeddingLayer::Save(FileSystem& fs, const std::string& path,
                                  const std::string& model_id) const {
  CHECK(shape_.trained) << "bundles are of rows for reading only (src/serve/serving_tables.h)";
  TANDEM_ASSIGN_OR_RETURN(const StoreState state, store_->State());
  proto::EmbeddingHeader header;
  header.set_model_id(model_id);
  header.set_tables(static_cast<int>(schema_.tables().size()));
  if (shape_.slow) {
    header.set_step(state.step);
    header.set_slow_decay(spec_->slow_decay);
    header.set_slow_teacher(spec_->slow_teacher);
    header.set_slow_student(spec_->slow_student);
  }
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<EmbeddingFileWriter> writer,
                          EmbeddingFileWriter::Create(fs, path, header));
  for (int table = 0; table < header.tables(); ++table)
    TANDEM_RETURN_IF_ERROR(SaveTable(table, state, writer.get()));
  return writer->Close();
}

absl::Status EmbeddingLayer::SaveTable(int table, const StoreState& state,
                                       EmbeddingFileWriter* writer) const {
  proto::TableHeader header;
  header.set_name(schema_.tables()[table].name);
  header.set_dim(shape_.dim);
  header.set_teacher_linear(shape_.teacher_linear);
  header.set_student_linear(shape_.student_linear);
  header.set_slots(shape_.slots);
  header.set_updates(shape_.updates);
  header.set_last_steps(shape_.last_steps);
  if (shape_.slow) header.set_slow(true);
  if (shape_.last_days) header.set_last_days(true);
  header.set_rows(state.tables[table].rows - 1);
  header.set_pending(state.tables[table].pending);
  TANDEM_RETURN_IF_ERROR(writer->BeginTable(header, state.decay_log));
  const int64_t row_bytes = shape_.whole_floats() * static_cast<int64_t>(sizeof(float));
  return store_->Export(table, [&](const RowBlock& block) -> absl::Status {
    if (block.kind == RowBlock::Kind::kPending)
      return writer->AppendPending(block.keys, block.counts, block.last_days);
    if (!IsFinite(shape_, block)) {
      return absl::InternalError(absl::StrCat(
          "rows of embedding table '", header.name(),
          "' are not finite any more; they were not kept. A lower rate (embedding.optimizer) may help"));
    }
    if (block.kind == RowBlock::Kind::kOovRow)
      return writer->AppendOovRow(block.floats.data(), row_bytes, block.updates, block.last_steps,
                                  block.last_days);
    return writer->AppendRows(block.keys, block.floats.data(), row_bytes, block.updates, block.last_steps,
                              block.last_days);
  });
}

absl::Status EmbeddingLayer::Load(FileSystem& fs, const std::string& path, const std::string& model_id,
                                  EmbeddingLoad how) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<EmbeddingFileReader> reader,
                          EmbeddingFileReader::Open(fs, path, model_id, Precision::kF32));
  StoreState state;
  std::vector<std::string> read;
  for (int table = 0; table < reader->header().tables(); ++table) {
    TANDEM_RETURN_IF_ERROR(LoadTable(reader.get(), how, &state));
    read.push_back(reader->table().name());
  }
  TANDEM_RETURN_IF_ERROR(reader->Finish());
  TANDEM_RETURN_IF_ERROR(CheckTables(path, schema_, how, std::move(read)));
  if (how != EmbeddingLoad::kResume) return absl::OkStatus();
  state.tables.clear();
  state.step = reader->header().step();
  return store_->Restore(state);
}

absl::Status EmbeddingLayer::LoadTable(EmbeddingFileReader* reader, EmbeddingLoad how, StoreState* state) {
  TANDEM_RETURN_IF_ERROR(reader->NextTable());
  const std::string& name = reader->table().name();
  const auto info = std::find_if(schema_.tables().begin(), schema_.tables().end(),
                                 [&](const TableInfo& table) { return table.name == name; });
  if (info == schema_.tables().end()) return absl::OkStatus();
  const int table = static_cast<int>(info - schema_.tables().begin());
  if (!reader->decay_log().empty()) {
    // One log, which each table has a copy of.
    if (!state->tables.empty() && state->decay_log != reader->decay_log()) return reader->Malformed();
    state->decay_log = reader->decay_log();
    state->tables.emplace_back();
  }
  RowConverter converter(*spec_, *reader, how);
  TANDEM_RETURN_IF_ERROR(converter.Check());
  RowBlock block;
  block.kind = RowBlock::Kind::kOovRow;
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t rows, reader->NextRows());
    if (rows == 0) break;
    converter.Convert(rows, &block);
    if (!converter.finite()) {
      return ModelError(reader->path(), ": rows of table '", name,
                        "' are not all finite: their training diverged. Nothing was loaded.");
    }
    TANDEM_RETURN_IF_ERROR(store_->Import(table, block));
    block.kind = RowBlock::Kind::kRows;
  }
  block.kind = RowBlock::Kind::kPending;
  // Scoring has no use for counts.
  while (shape_.trained) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t keys, reader->NextPending());
    if (keys == 0) break;
    block.Clear();
    block.keys.resize(keys);
    block.counts.resize(keys);
    reader->CopyKeys(block.keys.data());
    reader->CopyCounts(block.counts.data());
    for (int64_t i = 0; shape_.last_days && i < keys; ++i)
      block.last_days.push_back(reader->table().last_days() ? reader->last_day(i) : 0);
    TANDEM_RETURN_IF_ERROR(store_->Import(table, block));
  }
  return absl::OkStatus();
}

}  // namespace tandem
