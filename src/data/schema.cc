#include "tandem/schema.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/config/methods.h"
#include "src/data/id_hash.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

DenseTransform TransformOf(proto::Dense::Transform transform) {
  switch (transform) {
    case proto::Dense::NONE:
      return DenseTransform::kNone;
    case proto::Dense::LOG1P:
      return DenseTransform::kLog1p;
    case proto::Dense::STANDARDIZE:
      return DenseTransform::kStandardize;
  }
  LOG(FATAL) << "unknown transform " << transform;
}

TimePart TimePartOf(proto::Time::Part part) {
  switch (part) {
    case proto::Time::HOUR:
      return TimePart::kHour;
    case proto::Time::WEEKDAY:
      return TimePart::kWeekday;
    case proto::Time::DAY:
      return TimePart::kDay;
    case proto::Time::MONTH:
      return TimePart::kMonth;
  }
  LOG(FATAL) << "unknown part of a time " << part;
}

Field FieldOf(const proto::Feature& feature) {
  Field field;
  field.name = feature.name();
  field.column = feature.has_column() ? feature.column() : feature.name();
  if (feature.has_serving_value()) field.serving_value = feature.serving_value();
  field.teacher_only = feature.towers() == proto::Feature::TEACHER;
  if (feature.has_dense()) {
    const proto::Dense& dense = feature.dense();
    field.kind = dense.has_bucketize()   ? FieldKind::kBucketized
                 : dense.has_piecewise() ? FieldKind::kPiecewise
                                         : FieldKind::kDense;
    field.transform = TransformOf(dense.transform());
    field.mean = dense.mean();
    field.deviation = dense.deviation() > 0 ? dense.deviation() : 1;
    field.max_magnitude = dense.max_magnitude();
    field.boundaries.assign(dense.bucketize().boundaries().begin(), dense.bucketize().boundaries().end());
    field.knots.assign(dense.piecewise().knots().begin(), dense.piecewise().knots().end());
    field.knots_slope = dense.piecewise().init_slope();
  } else if (feature.has_time()) {
    field.kind = FieldKind::kTime;
    field.time_part = TimePartOf(feature.time().part());
  } else {
    field.multi_valued = feature.sparse().multi_valued() || feature.sparse().weighted();
    field.weighted = feature.sparse().weighted();
  }
  return field;
}

Unlabelled UnlabelledOf(proto::Data::Unlabelled unlabelled) {
  switch (unlabelled) {
    case proto::Data::MALFORMED:
      return Unlabelled::kMalformed;
    case proto::Data::DROP:
      return Unlabelled::kDropped;
    case proto::Data::USE_TEACHER:
      return Unlabelled::kDistilled;
  }
  LOG(FATAL) << "unknown value of data.unlabelled " << unlabelled;
}

bool ReadsSequence(const proto::Tower& tower, const std::string& sequence) {
  return std::any_of(tower.interaction().begin(), tower.interaction().end(),
                     [&](const proto::Interaction& interaction) {
                       return interaction.transformer().sequence() == sequence;
                     });
}

// A field a place.
std::vector<Field> Places(const Field& field, int places) {
  std::vector<Field> fields(places, field);
  for (int place = 0; place < places; ++place) {
    fields[place].name = absl::StrCat(field.name, "[", place, "]");
    fields[place].sequence = field.name;
    fields[place].place = place;
    fields[place].places = places;
  }
  return fields;
}

std::string TableOf(const proto::Feature& feature) {
  return feature.sparse().has_table() && !feature.sparse().table().empty() ? feature.sparse().table()
                                                                           : feature.name();
}

}  // namespace

// Of both zeros the same.
std::string KnotId(double knot) { return absl::StrFormat("%.17g", knot == 0 ? 0.0 : knot); }

Schema::Schema(const proto::Experiment& experiment) {
  const proto::Data& data = experiment.data();
  label = data.label();
  positive_labels.assign(data.positive().begin(), data.positive().end());
  negative_labels.assign(data.negative().begin(), data.negative().end());
  key_columns.assign(data.key_columns().begin(), data.key_columns().end());
  group_column = data.group_column();
  weight_column = data.weight_column();
  const proto::StoredLogits& stored = experiment.model().distill().stored_logits();
  if (ReadsStoredLogits(experiment)) teacher_column = stored.column();
  teacher_probability = stored.is() == proto::StoredLogits::PROBABILITY;
  teacher_logit_offset = -std::log(data.negative_keep_rate());
  unlabelled = UnlabelledOf(data.unlabelled());
  missing_values.assign(data.missing_value().begin(), data.missing_value().end());

  std::vector<Field> sequences;
  for (const proto::Feature& feature : experiment.feature()) {
    const auto& dropped = experiment.drop_feature();
    if (std::find(dropped.begin(), dropped.end(), feature.name()) != dropped.end()) continue;
    Field field = FieldOf(feature);
    const bool sequence = feature.sparse().has_sequence();
    if (sequence && !ReadsSequence(experiment.model().student(), feature.name())) field.teacher_only = true;
    if (field.teacher_only && !HasTeacher(experiment.model())) continue;
    const std::string table = TableOf(feature);
    const auto known = std::find_if(tables_.begin(), tables_.end(),
                                    [&](const TableInfo& other) { return other.name == table; });
    field.table = static_cast<int>(known - tables_.begin());
    if (known == tables_.end()) {
      tables_.push_back({table, field.kind == FieldKind::kSparse});
      table_seeds_.push_back(XXH3_64bits(table.data(), table.size()));
    }
    if (sequence) {
      for (Field& place : Places(field, feature.sparse().sequence().max_length()))
        sequences.push_back(std::move(place));
    } else {
      fields_.push_back(std::move(field));
    }
  }
  fields_.insert(fields_.end(), sequences.begin(), sequences.end());
}

uint64_t Schema::Key(int table, absl::string_view id) const { return IdHash(table_seeds_[table], id); }

}  // namespace tandem
