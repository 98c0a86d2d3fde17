#include "src/data/text_cells.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "src/util/nearest_name.h"
#include "tandem/format_look.h"

namespace tandem {

std::string ShownCell(absl::string_view text) {
  constexpr size_t kMost = 40;
  return absl::StrCat("'", absl::Utf8SafeCEscape(text.substr(0, kMost)), text.size() > kMost ? "...'" : "'");
}

absl::StatusOr<int> FindNamed(const std::string& column, absl::string_view why,
                              absl::Span<const std::string> columns, absl::string_view origin) {
  const auto first = std::find(columns.begin(), columns.end(), column);
  if (first == columns.end()) {
    const std::string nearest = NearestName(column, columns);
    return DataError(origin, ": no column '", column, "' (", why, ")",
                     nearest.empty() ? "" : absl::StrCat("; did you mean '", nearest, "'?"),
                     columns.empty() ? "" : FormatHint(columns[0]));
  }
  if (std::find(first + 1, columns.end(), column) != columns.end())
    return DataError(origin, ": two columns are named '", column, "' (", why, ")");
  return static_cast<int>(first - columns.begin());
}

absl::StatusOr<TextCells> TextCells::Create(const Schema& schema, const RowNeeds& needs, FindColumn find) {
  TextCells cells(schema, needs.use);
  const auto read = [&](const std::string& column, absl::string_view why, CellUse use) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(const int index, find(column, why));
    cells.actions_.push_back({use, index});
    return absl::OkStatus();
  };
  if (needs.use != RowUse::kPredict) {
    TANDEM_RETURN_IF_ERROR(read(schema.label, "data.label", CellUse::kLabel));
    if (!schema.weight_column.empty()) {
      TANDEM_RETURN_IF_ERROR(read(schema.weight_column, "data.weight_column", CellUse::kWeight));
    }
    if (!schema.group_column.empty()) {
      TANDEM_RETURN_IF_ERROR(read(schema.group_column, "data.group_column", CellUse::kGroup));
    }
    if (needs.use == RowUse::kTrain && !schema.teacher_column.empty()) {
      TANDEM_RETURN_IF_ERROR(
          read(schema.teacher_column, "model.distill.stored_logits.column", CellUse::kTeacher));
    }
  }
  if (!needs.time_column.empty()) {
    TANDEM_ASSIGN_OR_RETURN(cells.time_column_, find(needs.time_column, "online.time_column"));
  }
  if (needs.keys) {
    for (const std::string& key : schema.key_columns) {
      TANDEM_ASSIGN_OR_RETURN(const int column, find(key, "data.key_columns"));
      cells.key_columns_.push_back(column);
    }
  }
  for (int f = 0; f < static_cast<int>(schema.fields().size()); ++f) {
    if (!cells.encoder_.wants_cell(f)) continue;
    const Field& field = schema.fields()[f];
    const bool sequence = !field.sequence.empty();
    TANDEM_ASSIGN_OR_RETURN(
        const int column,
        find(field.column, absl::StrCat("feature '", sequence ? field.sequence : field.name, "'")));
    if (field.kind == FieldKind::kSparse && !field.multi_valued && !sequence) {
      cells.ids_.push_back({column, f, cells.encoder_.Hasher(f)});
    } else {
      cells.actions_.push_back({UseOf(field), column, f});
    }
  }
  std::stable_sort(cells.actions_.begin(), cells.actions_.end(),
                   [](const CellAction& a, const CellAction& b) { return a.column < b.column; });
  return cells;
}

const std::string& TextCells::ColumnName(const CellAction& action) const {
  const Schema& schema = encoder_.schema();
  switch (action.use) {
    case CellUse::kLabel:
      return schema.label;
    case CellUse::kWeight:
      return schema.weight_column;
    case CellUse::kGroup:
      return schema.group_column;
    case CellUse::kTeacher:
      return schema.teacher_column;
    case CellUse::kNumber:
    case CellUse::kTime:
    case CellUse::kBag:
    case CellUse::kSequence:
      break;
  }
  return encoder_.field(action.field).column;
}

RowFault TextCells::NoLabel(absl::string_view text, std::string* detail) const {
  if (detail != nullptr) {
    const char* const hint = text.empty()    ? " (data.unlabelled says what an empty one is)"
                             : plain_labels_ ? " (data.positive and data.negative say what other texts mean)"
                                             : ", nor one of data.positive and data.negative";
    *detail = absl::StrCat("label ", ShownCell(text), " is not 0 or 1", hint);
  }
  return RowFault::kLabel;
}

RowFault TextCells::NoScore(RowFault fault, absl::string_view text, std::string* detail) const {
  if (detail != nullptr) {
    *detail =
        absl::StrCat("the teacher's score ", ShownCell(text), " in '", encoder_.schema().teacher_column,
                     "' is not a ", encoder_.schema().teacher_probability ? "probability" : "finite number");
  }
  return fault;
}

RowFault TextCells::NoNumber(RowFault fault, int f, absl::string_view text, std::string* detail) const {
  if (detail != nullptr && fault == RowFault::kMagnitude) {
    const Field& field = encoder_.field(f);
    *detail = absl::StrCat(ShownCell(text), " in '", field.column, "' is further from 0 than feature[",
                           field.name, "].dense.max_magnitude ", field.max_magnitude,
                           field.transform == DenseTransform::kNone ? "" : ", transformed");
  } else if (detail != nullptr) {
    *detail = absl::StrCat(ShownCell(text), " in '", encoder_.field(f).column, "' is not a ",
                           fault == RowFault::kNumber ? "number" : "finite number");
  }
  return fault;
}

RowFault TextCells::NoTime(int f, absl::string_view text, std::string* detail) const {
  if (detail != nullptr) {
    *detail = absl::StrCat(ShownCell(text), " in '", encoder_.field(f).column,
                           "' is no time (2016-03-27 00:53:11, or seconds or milliseconds since 1970)");
  }
  return RowFault::kTime;
}

RowFault TextCells::NoItemWeight(RowFault fault, int f, absl::string_view item, const std::string& syntax,
                                 std::string* detail) const {
  if (detail != nullptr) {
    *detail = absl::StrCat("item ", ShownCell(item), " of '", encoder_.field(f).column,
                           "' has no finite positive weight (", syntax, ")");
  }
  return fault == RowFault::kNone ? RowFault::kWeight : fault;
}

RowFault TextCells::NothingToLearn(std::string* detail) const {
  if (detail != nullptr)
    *detail = absl::StrCat("no label, and no teacher's score in '", encoder_.schema().teacher_column, "'");
  return RowFault::kLabel;
}

RowFault TextCells::NoWeight(RowFault fault, absl::string_view text, std::string* detail) {
  if (detail != nullptr)
    *detail = absl::StrCat("weight ", ShownCell(text), " is not a finite number of 0 or more");
  return fault;
}

RowFault TextCells::NoSingleValue(const std::string& column, std::string* detail) {
  if (detail != nullptr) *detail = absl::StrCat("'", column, "' holds a list where one value is wanted");
  return RowFault::kSyntax;
}

}  // namespace tandem
