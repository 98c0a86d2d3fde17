#include "src/data/row_encoder.h"

#include <glog/logging.h>

#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

// What float32 can tell from 0 and 1: a probability that a predictor rounded has a logit all the same.
constexpr double kNearestToOne = 1 - 1.0 / (1 << 25);

double Logit(double probability) {
  const double p = std::clamp(probability, 1 - kNearestToOne, kNearestToOne);
  return std::log(p / (1 - p));
}

}  // namespace

RowEncoder::SmallLogs::SmallLogs() {
  for (size_t n = 0; n < kSize; ++n) values[n] = static_cast<float>(std::log1p(static_cast<double>(n)));
}

RowEncoder::RowEncoder(const Schema& schema, RowUse use) : schema_(schema), use_(use) {
  for (size_t f = 0; f < schema.fields().size(); ++f) {
    const Field& field = schema.fields()[f];
    value_keys_.push_back(schema.Key(field.table, "value"));
    missing_keys_.push_back(schema.Key(field.table, "missing"));
    std::vector<uint64_t>& buckets = bucket_keys_.emplace_back();
    std::vector<uint64_t>& small_counts = small_count_keys_.emplace_back();
    if (field.kind == FieldKind::kBucketized) {
      for (size_t bucket = 0; bucket <= field.boundaries.size(); ++bucket)
        buckets.push_back(schema.Key(field.table, absl::StrCat(bucket)));
      for (uint32_t count = 0; count < kSmallCounts; ++count)
        small_counts.push_back(buckets[Bucket(field.boundaries, count)]);
    }
    for (int part = 0; field.kind == FieldKind::kTime && part < kTimeParts; ++part)
      buckets.push_back(schema.Key(field.table, absl::StrCat(part)));
    std::vector<uint64_t>& knots = knot_keys_.emplace_back();
    for (const double knot : field.knots) knots.push_back(schema.Key(field.table, KnotId(knot)));
    const int index = static_cast<int>(f);
    const bool constant = field.serving_value.has_value() && use != RowUse::kTrain;
    const bool place = !field.sequence.empty();
    const bool two_keys = field.kind == FieldKind::kPiecewise;
    if (constant || field.multi_valued || place || two_keys) bag_fields_.push_back(index);
    if (constant) constant_fields_.push_back(index);
    wants_cell_.push_back(!constant && field.place == 0);
  }
  static const SmallLogs small_logs;
  small_logs_ = small_logs.values.data();
  for (const Field& field : schema.fields()) {
    const auto& logs = small_logs.values;
    const bool dense = field.kind == FieldKind::kDense && field.transform == DenseTransform::kLog1p;
    const auto size = std::upper_bound(logs.begin(), logs.end(), field.max_magnitude) - logs.begin();
    Counts& counts = counts_.emplace_back();
    counts.are_logs = dense;
    if (dense) counts.known = static_cast<uint32_t>(size);
    if (field.kind == FieldKind::kBucketized) counts.known = kSmallCounts;
  }
}

void RowEncoder::CheckBatch(const Batch& batch) const {
  CHECK_EQ(batch.fields.size(), schema_.fields().size()) << "a batch for another schema";
}

RowFault RowEncoder::TeacherLogit(double score, Batch* batch) const {
  if (schema_.teacher_probability) {
    if (score < 0 || score > 1) return RowFault::kNumber;
    score = Logit(score) + schema_.teacher_logit_offset;
  }
  const auto logit = static_cast<float>(score);
  if (!std::isfinite(logit)) return RowFault::kNotFinite;
  batch->teacher_logits.push_back(logit);
  return RowFault::kNone;
}

}  // namespace tandem
