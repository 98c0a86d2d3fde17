// One field of the model: which column it reads, and what the column's values become.
//
//   for (const Field& field : schema.fields())
//     if (field.kind == FieldKind::kSparse) std::cout << field.name << " reads " << field.column << "\n";
//
// A function of the configuration alone, made by Schema (tandem/schema.h). A plain value: read from any
// thread.
#ifndef TANDEM_FIELD_H_
#define TANDEM_FIELD_H_

#include <optional>
#include <string>
#include <vector>

namespace tandem {

enum class FieldKind { kSparse, kBucketized, kDense, kPiecewise, kTime };
enum class DenseTransform { kNone, kLog1p, kStandardize };
enum class TimePart { kHour, kWeekday, kDay, kMonth };

struct Field {
  std::string name;
  std::string column;
  FieldKind kind = FieldKind::kSparse;
  int table = 0;  // index into Schema::tables()
  bool multi_valued = false;
  // A place of a sequence: a bag of at most one id, place 0 the most recent. The fields of a sequence are
  // called feature[0], feature[1], ... and stand side by side.
  std::string sequence;  // the feature; empty: not of a sequence
  int place = 0;
  int places = 0;
  bool weighted = false;
  DenseTransform transform = DenseTransform::kNone;
  double mean = 0;
  double deviation = 1;
  double max_magnitude = 1e6;      // of the transformed number
  std::vector<double> boundaries;  // of a bucketized field
  std::vector<double> knots;       // of a piecewise one, rising; empty: not known yet
  double knots_slope = 0;          // of their first values (Piecewise.init_slope)
  TimePart time_part = TimePart::kHour;
  std::optional<std::string> serving_value;  // a cell of the log's format
  bool teacher_only = false;
};

}  // namespace tandem

#endif  // TANDEM_FIELD_H_
