// What labels, ids and numbers become in a batch, whatever format they were read from.
//
//   const RowEncoder encoder(schema, RowUse::kTrain);
//   RowWriter writer(&batch);
//   encoder.Label(true, &writer);
//   encoder.Id(kUser, "u17", &writer);
//   RowFault fault = encoder.Number(kAge, 37, &writer);
//   if (fault == RowFault::kNone) fault = encoder.Finish(&writer);  // the rest of the row
//   if (fault == RowFault::kNone) writer.CloseRow(); else writer.DropRow();
//
// Const: any number of threads encode with it, each into a writer of its own (src/data/row_writer.h). Every
// field that wants a cell (wants_cell) is given once a row; an id or number that isn't there is told by not
// adding to the bag, or by MissingNumber.
#ifndef TANDEM_SRC_DATA_ROW_ENCODER_H_
#define TANDEM_SRC_DATA_ROW_ENCODER_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/strings/string_view.h"
#include "src/data/bucket.h"
#include "src/data/id_hash.h"
#include "tandem/batch.h"
#include "tandem/row_decoder.h"
#include "tandem/row_fault.h"
#include "tandem/schema.h"

namespace tandem {

class RowEncoder {
 public:
  // Keeps a copy of the schema.
  RowEncoder(const Schema& schema, RowUse use);

  const Schema& schema() const { return schema_; }
  RowUse use() const { return use_; }
  const Field& field(int f) const { return schema_.fields()[f]; }
  // False where the field reads its serving value, or a cell that another place of its sequence is given.
  bool wants_cell(int f) const { return wants_cell_[f]; }
  // Fields that a row may have any number of keys in.
  const std::vector<int>& bag_fields() const { return bag_fields_; }
  // Row 0 of `constants` holds the serving values of the fields that have one.
  void SetServingValues(Batch constants) { constants_ = std::move(constants); }
  void CheckBatch(const Batch& batch) const;

  template <typename Writer>
  void Label(bool positive, Writer* writer) const {
    writer->batch().labels.push_back(positive ? 1.0f : 0.0f);
  }
  // kLabel where data.unlabelled doesn't allow it.
  template <typename Writer>
  RowFault NoLabel(Writer* writer) const {
    if (schema_.unlabelled == Unlabelled::kMalformed) return RowFault::kLabel;
    writer->batch().labels.push_back(kAbsent);
    return RowFault::kNone;
  }
  // As ParseWeight makes it: a float of 0 or more.
  template <typename Writer>
  void Weight(double weight, Writer* writer) const {
    writer->batch().weights.push_back(static_cast<float>(weight));
  }
  template <typename Writer>
  void Group(absl::string_view group, Writer* writer) const {
    writer->batch().groups.push_back(XXH3_64bits(group.data(), group.size()));
  }
  template <typename Writer>
  void NoGroup(Writer* writer) const {
    writer->batch().groups.push_back(0);
  }
  // kNumber where it is no probability but ought to be, kNotFinite.
  template <typename Writer>
  RowFault Teacher(double score, Writer* writer) const {
    return TeacherLogit(score, &writer->batch());
  }
  template <typename Writer>
  void NoTeacher(Writer* writer) const {
    writer->batch().teacher_logits.push_back(kAbsent);
  }

  // Of a sparse field that holds one id.
  IdHasher Hasher(int f) const { return IdHasher(schema_.table_seed(field(f).table)); }
  template <typename Writer>
  void Id(int f, absl::string_view id, Writer* writer) const {
    writer->Add(f, IdHash(schema_.table_seed(field(f).table), id), 1);
  }
  // Of a field of numbers. kNotFinite where its transform isn't, kMagnitude where that is too large.
  template <typename Writer>
  RowFault Number(int f, double number, Writer* writer) const {
    const Field& field = schema_.fields()[f];
    if (field.kind == FieldKind::kPiecewise) {
      AddBetweenKnots(f, number, writer->bags(f));
      return RowFault::kNone;
    }
    if (field.kind == FieldKind::kBucketized) {
      writer->Add(f, bucket_keys_[f][Bucket(field.boundaries, number)], 1);
      return RowFault::kNone;
    }
    const auto coefficient = static_cast<float>(Transform(field, number));
    if (!(std::abs(coefficient) <= field.max_magnitude)) {
      return std::isfinite(coefficient) ? RowFault::kMagnitude : RowFault::kNotFinite;
    }
    writer->Add(f, value_keys_[f], coefficient);
    return RowFault::kNone;
  }
  // The same, faster, for the small counts that most numbers are; false, and nothing done, for others.
  template <typename Writer>
  bool Count(int f, bool negative, uint32_t count, Writer* writer) const {
    const Counts& counts = counts_[f];
    if (count >= counts.known) return false;
    if (counts.are_logs) {
      writer->Add(f, value_keys_[f], negative ? -small_logs_[count] : small_logs_[count]);
      return true;
    }
    if (negative) return false;
    writer->Add(f, small_count_keys_[f][count], 1);
    return true;
  }
  // The part of a moment that a time field is about.
  template <typename Writer>
  void MomentPart(int f, int part, Writer* writer) const {
    writer->Add(f, bucket_keys_[f][part], 1);
  }
  // Of a time field, too.
  template <typename Writer>
  void MissingNumber(int f, Writer* writer) const {
    const Field& field = schema_.fields()[f];
    if (field.kind != FieldKind::kPiecewise) {
      writer->Add(f, missing_keys_[f], 1);
    } else if (!field.knots.empty()) {
      AddTo(missing_keys_[f], 1, writer->bags(f));
    }
  }

  // A bag: AddToBag an item, then CloseBag with the sum of the weights.
  void AddToBag(int f, absl::string_view id, double weight, FieldBags* bags) const {
    bags->keys.push_back(IdHash(schema_.table_seed(field(f).table), id));
    bags->coefficients.push_back(static_cast<float>(weight));
  }
  // `first`: the bag's first key, in `bags`.
  static void CloseBag(size_t first, double sum, FieldBags* bags) {
    for (size_t i = first; i < bags->keys.size(); ++i) {
      bags->coefficients[i] = static_cast<float>(bags->coefficients[i] / sum);
    }
  }
  // `place` of the sequence that begins at field f.
  template <typename Writer>
  void SequenceId(int f, int place, absl::string_view id, Writer* writer) const {
    AddToBag(f, id, 1, writer->bags(f + place));
  }

  // What the row takes from no cell. kLabel where there is nothing to learn from: no label and no score.
  template <typename Writer>
  RowFault Finish(Writer* writer) const {
    Batch& batch = writer->batch();
    if (schema_.unlabelled == Unlabelled::kDistilled && !batch.teacher_logits.empty() &&
        IsAbsent(batch.labels.back()) && IsAbsent(batch.teacher_logits.back())) {
      return RowFault::kLabel;
    }
    for (const int f : constant_fields_) {
      const FieldBags& value = constants_.fields[f];
      FieldBags* bags = writer->bags(f);
      bags->keys.insert(bags->keys.end(), value.keys.begin(), value.keys.end());
      bags->coefficients.insert(bags->coefficients.end(), value.coefficients.begin(),
                                value.coefficients.end());
    }
    if (use_ == RowUse::kPredict) batch.labels.push_back(0);
    const size_t rows = batch.labels.size();
    if (batch.weights.size() < rows) batch.weights.push_back(1);
    if (batch.groups.size() < rows) batch.groups.push_back(0);
    return RowFault::kNone;
  }

 private:
  // The logarithms of small counts.
  struct SmallLogs {
    SmallLogs();
    static constexpr size_t kSize = 4096;
    std::array<float, kSize> values;
  };
  // What Count knows of a field's numbers: those below `known` are looked up, in small_logs_ or else in
  // small_count_keys_.
  struct Counts {
    uint32_t known = 0;
    bool are_logs = false;
  };
  static constexpr uint32_t kSmallCounts = 1024;
  static constexpr int kTimeParts = 32;

  static double Transform(const Field& field, double x) {
    switch (field.transform) {
      case DenseTransform::kNone:
        return x;
      case DenseTransform::kLog1p:
        return std::copysign(std::log1p(std::abs(x)), x);
      case DenseTransform::kStandardize:
        return (x - field.mean) / field.deviation;
    }
    return x;
  }
  RowFault TeacherLogit(double score, Batch* batch) const;

  static void AddTo(uint64_t key, float coefficient, FieldBags* bags) {
    bags->keys.push_back(key);
    bags->coefficients.push_back(coefficient);
  }
  // The share of the way from knot to knot that lies behind x is the second one's coefficient; a knot of
  // which nothing is left isn't there. Where no knots are known yet, the key is the number's bits: what a
  // first look reads (src/train/first_look.h).
  void AddBetweenKnots(int f, double x, FieldBags* bags) const {
    const std::vector<double>& knots = schema_.fields()[f].knots;
    const std::vector<uint64_t>& keys = knot_keys_[f];
    if (knots.empty()) {
      uint64_t bits;
      std::memcpy(&bits, &x, sizeof(bits));
      return AddTo(bits, 1, bags);
    }
    const size_t above = Bucket(knots, x);
    if (above == 0 || above == knots.size()) return AddTo(keys[above == 0 ? 0 : above - 1], 1, bags);
    const double behind = (x - knots[above - 1]) / (knots[above] - knots[above - 1]);
    const auto first = static_cast<float>(1 - behind), second = static_cast<float>(behind);
    // Also where the knots are so near that 0 / 0 came out, on a processor that takes denormals for 0.
    if (!(second > 0)) return AddTo(keys[above - 1], 1, bags);
    if (first > 0) AddTo(keys[above - 1], first, bags);
    AddTo(keys[above], second, bags);
  }

  const Schema schema_;
  const RowUse use_;
  std::vector<bool> wants_cell_;
  std::vector<int> bag_fields_;
  // By field: keys that need no cell. Dense fields: of the value's vector. Bucketized ones: of each bucket;
  // those of times: of each number that a part may be. Piecewise ones: of each knot.
  std::vector<uint64_t> value_keys_, missing_keys_;
  std::vector<std::vector<uint64_t>> bucket_keys_, knot_keys_;
  // Bucketized fields: the keys of the numbers 0, 1, ... below kSmallCounts.
  std::vector<std::vector<uint64_t>> small_count_keys_;
  std::vector<Counts> counts_;        // by field
  std::vector<int> constant_fields_;  // that read serving_value
  Batch constants_;
  const float* small_logs_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_ROW_ENCODER_H_
