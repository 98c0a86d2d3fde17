// Rows whose cells are text: which cell is read for what, what its text says, and the message where it says
// nothing. Formats find the cells; a RowEncoder makes the row.
//
//   TANDEM_ASSIGN_OR_RETURN(TextCells cells, TextCells::Create(schema, needs, find_column));
//   const RowFault fault = cells.EncodeRow(row, &writer, &detail);     // `row`: the format's Cells
//
// A format's Cells, for which the templates are made, has:
//
//   absl::string_view Text(int column) const;     // "" where there is none
//   size_t Readable(int column) const;            // bytes from the text's begin on that can be read
//   bool IsList(int column) const;                // of several values, whatever Text says
//   // Calls item(ListItem) for the values of a cell in order, until one is at fault: that is returned.
//   template <typename F> RowFault ForEachItem(int column, bool weighted, const F& item) const;
//   // Calls id(text) for the values of a cell, the last one first, as long as it returns true.
//   template <typename F> void ForEachFromLast(int column, const F& id) const;
//   std::string WeightSyntax() const;             // of an item with a weight, for messages: "id:weight"
#ifndef TANDEM_SRC_DATA_TEXT_CELLS_H_
#define TANDEM_SRC_DATA_TEXT_CELLS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "src/data/label_texts.h"
#include "src/data/moments.h"
#include "src/data/numbers.h"
#include "src/data/row_encoder.h"
#include "src/data/row_writer.h"
#include "tandem/row_decoder.h"
#include "tandem/status.h"

namespace tandem {

// A cell that is one id. It has no faults.
struct IdCell {
  int column;
  int field;
  IdHasher hash;
};

// A value of a cell that holds several.
struct ListItem {
  absl::string_view text;  // for messages
  absl::string_view id;
  absl::string_view weight;
  bool has_weight = false;
};

class TextCells {
 public:
  // The column's place among the cells, or why there is none. `why`: the setting that names it.
  using FindColumn = absl::FunctionRef<absl::StatusOr<int>(const std::string& column, absl::string_view why)>;
  static absl::StatusOr<TextCells> Create(const Schema& schema, const RowNeeds& needs, FindColumn find);

  // Reads the serving values, each a cell of the format: set(text, detail) makes it column 0 of `cells`. To
  // be called before any row, also where they aren't used: better before training than after.
  template <typename Cells, typename Set>
  absl::Status ReadServingValues(const Cells& cells, const Set& set);

  const RowEncoder& encoder() const { return encoder_; }
  const std::vector<IdCell>& ids() const { return ids_; }
  const std::vector<int>& key_columns() const { return key_columns_; }
  int time_column() const { return time_column_; }  // -1: none

  bool Missing(absl::string_view text) const {
    if (text.empty()) return true;
    if (!has_missing_values_) return false;
    for (const std::string& missing : encoder_.schema().missing_values) {
      if (text == missing) return true;
    }
    return false;
  }
  // Texts besides "" that are no value.
  bool has_missing_values() const { return has_missing_values_; }
  // The key of a cell that is one id, and whether there is an id. A missing one is hashed as well, as one of
  // the most frequent length: no branch depends on it. kMissingValues: has_missing_values().
  template <bool kMissingValues>
  std::pair<uint64_t, bool> ParseId(const IdCell& id, absl::string_view text) const {
    constexpr absl::string_view kStandIn = "00000000";
    const bool present = !text.empty() && (!kMissingValues || !Missing(text));
    return {id.hash(present ? text.data() : kStandIn.data(), present ? text.size() : kStandIn.size()),
            present};
  }

  // All of a row but its ids. At a fault the row is dropped.
  template <typename Cells, typename Writer>
  RowFault EncodeAllButIds(const Cells& cells, Writer* writer, std::string* detail) const;
  // A whole row, closed or dropped.
  template <typename Cells>
  RowFault EncodeRow(const Cells& cells, RowWriter* writer, std::string* detail) const;

 private:
  // What a cell that may be at fault, or makes more than one key, is read for; a column may serve several
  // ends.
  enum class CellUse { kLabel, kWeight, kGroup, kTeacher, kNumber, kTime, kBag, kSequence };
  struct CellAction {
    CellUse use;
    int column;
    int field = -1;
  };

  TextCells(const Schema& schema, RowUse use)
      : encoder_(schema, use),
        has_missing_values_(!schema.missing_values.empty()),
        labels_(schema.positive_labels, schema.negative_labels),
        plain_labels_(labels_.plain()) {}
  static CellUse UseOf(const Field& field) {
    if (!field.sequence.empty()) return CellUse::kSequence;
    if (field.multi_valued) return CellUse::kBag;
    return field.kind == FieldKind::kTime ? CellUse::kTime : CellUse::kNumber;
  }
  template <typename Cells, typename Writer>
  RowFault EncodeCell(const CellAction& action, const Cells& cells, Writer* writer,
                      std::string* detail) const;
  template <typename Cells, typename Writer>
  RowFault EncodeNumber(int f, const Cells& cells, int column, Writer* writer, std::string* detail) const;
  template <typename Writer>
  RowFault EncodeLabel(absl::string_view text, Writer* writer, std::string* detail) const;
  template <typename Writer>
  RowFault EncodeTime(int f, absl::string_view text, Writer* writer, std::string* detail) const;
  template <typename Cells>
  RowFault EncodeBag(int f, const Cells& cells, int column, FieldBags* bags, std::string* detail) const;
  template <typename Cells, typename Writer>
  void EncodeSequence(int f, const Cells& cells, int column, Writer* writer) const;
  template <typename Writer>
  RowFault EncodeTeacher(absl::string_view text, Writer* writer, std::string* detail) const;

  // Each says what is wrong, where `detail` isn't null, and returns the fault.
  RowFault NoLabel(absl::string_view text, std::string* detail) const;
  RowFault NoScore(RowFault fault, absl::string_view text, std::string* detail) const;
  RowFault NoNumber(RowFault fault, int f, absl::string_view text, std::string* detail) const;
  RowFault NoTime(int f, absl::string_view text, std::string* detail) const;
  RowFault NoItemWeight(RowFault fault, int f, absl::string_view item, const std::string& syntax,
                        std::string* detail) const;
  RowFault NothingToLearn(std::string* detail) const;
  static RowFault NoWeight(RowFault fault, absl::string_view text, std::string* detail);
  static RowFault NoSingleValue(const std::string& column, std::string* detail);
  const std::string& ColumnName(const CellAction& action) const;

  RowEncoder encoder_;
  bool has_missing_values_;
  LabelTexts labels_;
  bool plain_labels_;
  // In the order of the columns: the first fault is the one that is told.
  std::vector<CellAction> actions_;
  std::vector<IdCell> ids_;
  std::vector<int> key_columns_;
  int time_column_ = -1;
};

// The place of `column` among `columns`; else, or where it is there twice, a DataError that names `origin`,
// why it is wanted, and the nearest column.
absl::StatusOr<int> FindNamed(const std::string& column, absl::string_view why,
                              absl::Span<const std::string> columns, absl::string_view origin);

// A cell as a message shows it: not whole books, and nothing that a terminal would obey.
std::string ShownCell(absl::string_view text);

// ---- the templates

template <typename Cells, typename Set>
absl::Status TextCells::ReadServingValues(const Cells& cells, const Set& set) {
  Batch constants(static_cast<int>(encoder_.schema().fields().size()));
  RowWriter writer(&constants);
  for (int f = 0; f < static_cast<int>(constants.fields.size()); ++f) {
    const Field& field = encoder_.field(f);
    if (!field.serving_value.has_value()) continue;
    std::string detail;
    RowFault fault = set(*field.serving_value, &detail);
    if (fault == RowFault::kNone && field.kind == FieldKind::kSparse && !field.multi_valued) {
      if (!Missing(cells.Text(0))) encoder_.Id(f, cells.Text(0), &writer);
    } else if (fault == RowFault::kNone) {
      fault = EncodeCell({UseOf(field), 0, f}, cells, &writer, &detail);
    }
    if (fault != RowFault::kNone) return ConfigError("feature[", field.name, "].serving_value: ", detail);
  }
  writer.CloseRow();
  encoder_.SetServingValues(std::move(constants));
  return absl::OkStatus();
}

template <typename Cells>
RowFault TextCells::EncodeBag(int f, const Cells& cells, int column, FieldBags* bags,
                              std::string* detail) const {
  const bool weighted = encoder_.field(f).weighted;
  const size_t first = bags->keys.size();
  double sum = 0;
  const RowFault fault = cells.ForEachItem(column, weighted, [&](const ListItem& item) {
    double weight = 1;
    if (weighted) {
      const RowFault bad = item.has_weight ? ParseWeight(item.weight, &weight) : RowFault::kWeight;
      if (bad != RowFault::kNone || weight == 0)
        return NoItemWeight(bad, f, item.text, cells.WeightSyntax(), detail);
    }
    sum += weight;
    encoder_.AddToBag(f, item.id, weight, bags);
    return RowFault::kNone;
  });
  if (fault == RowFault::kNone) RowEncoder::CloseBag(first, sum, bags);
  return fault;
}

// The most recent ids, which come last.
template <typename Cells, typename Writer>
void TextCells::EncodeSequence(int f, const Cells& cells, int column, Writer* writer) const {
  const int places = encoder_.field(f).places;
  int place = 0;
  cells.ForEachFromLast(column, [&](absl::string_view id) {
    encoder_.SequenceId(f, place, id, writer);
    return ++place < places;
  });
}

template <typename Writer>
RowFault TextCells::EncodeLabel(absl::string_view text, Writer* writer, std::string* detail) const {
  if (Missing(text)) {
    return encoder_.NoLabel(writer) == RowFault::kNone ? RowFault::kNone : NoLabel(text, detail);
  }
  const std::optional<bool> positive = labels_.Read(text);
  if (!positive.has_value()) return NoLabel(text, detail);
  encoder_.Label(*positive, writer);
  return RowFault::kNone;
}

template <typename Writer>
RowFault TextCells::EncodeTime(int f, absl::string_view text, Writer* writer, std::string* detail) const {
  if (Missing(text)) {
    encoder_.MissingNumber(f, writer);
    return RowFault::kNone;
  }
  int part = 0;
  if (!ParseMomentPart(text, encoder_.field(f).time_part, &part)) return NoTime(f, text, detail);
  encoder_.MomentPart(f, part, writer);
  return RowFault::kNone;
}

template <typename Writer>
RowFault TextCells::EncodeTeacher(absl::string_view text, Writer* writer, std::string* detail) const {
  if (Missing(text)) {
    encoder_.NoTeacher(writer);
    return RowFault::kNone;
  }
  double score = 0;
  RowFault fault = ParseNumber(text, &score);
  if (fault == RowFault::kNone) fault = encoder_.Teacher(score, writer);
  return fault == RowFault::kNone ? fault : NoScore(fault, text, detail);
}

template <typename Cells, typename Writer>
RowFault TextCells::EncodeNumber(int f, const Cells& cells, int column, Writer* writer,
                                 std::string* detail) const {
  const absl::string_view text = cells.Text(column);
  if (Missing(text)) {
    encoder_.MissingNumber(f, writer);
    return RowFault::kNone;
  }
  double number = 0;
  RowFault fault = RowFault::kNone;
  const size_t sign = text[0] == '-' ? 1 : 0;
  uint32_t digits = 0;
  if (cells.Readable(column) > sizeof(uint64_t) &&
      ParseDigits(text.data() + sign, text.size() - sign, &digits)) {
    if (encoder_.Count(f, sign != 0, digits, writer)) return RowFault::kNone;
    number = sign == 0 ? static_cast<double>(digits) : -static_cast<double>(digits);
  } else {
    // Tables are written `39, Private, 77516`, too.
    fault = ParseNumber(absl::StripAsciiWhitespace(text), &number);
  }
  if (fault == RowFault::kNone) fault = encoder_.Number(f, number, writer);
  return fault == RowFault::kNone ? fault : NoNumber(fault, f, text, detail);
}

template <typename Cells, typename Writer>
RowFault TextCells::EncodeCell(const CellAction& action, const Cells& cells, Writer* writer,
                               std::string* detail) const {
  const int column = action.column;
  // Most of them.
  if (action.use == CellUse::kNumber && !cells.IsList(column))
    return EncodeNumber(action.field, cells, column, writer, detail);
  if (action.use == CellUse::kBag || action.use == CellUse::kSequence) {
    if (!cells.IsList(column) && Missing(cells.Text(column))) return RowFault::kNone;
    if (action.use == CellUse::kBag)
      return EncodeBag(action.field, cells, column, writer->bags(action.field), detail);
    EncodeSequence(action.field, cells, column, writer);
    return RowFault::kNone;
  }
  if (cells.IsList(column)) return NoSingleValue(ColumnName(action), detail);
  const absl::string_view text = cells.Text(column);
  switch (action.use) {
    case CellUse::kLabel:
      if (plain_labels_ && text.size() == 1 && (text[0] == '0' || text[0] == '1')) {
        encoder_.Label(text[0] == '1', writer);
        return RowFault::kNone;
      }
      return EncodeLabel(text, writer, detail);
    case CellUse::kWeight: {
      double weight = 0;
      const RowFault fault = ParseWeight(text, &weight);
      if (fault != RowFault::kNone) return NoWeight(fault, text, detail);
      encoder_.Weight(weight, writer);
      return RowFault::kNone;
    }
    case CellUse::kGroup:
      if (Missing(text)) {
        encoder_.NoGroup(writer);
      } else {
        encoder_.Group(text, writer);
      }
      return RowFault::kNone;
    case CellUse::kTeacher:
      return EncodeTeacher(text, writer, detail);
    case CellUse::kTime:
      return EncodeTime(action.field, text, writer, detail);
    case CellUse::kNumber:
    case CellUse::kBag:
    case CellUse::kSequence:
      break;
  }
  return RowFault::kNone;
}

template <typename Cells, typename Writer>
RowFault TextCells::EncodeAllButIds(const Cells& cells, Writer* writer, std::string* detail) const {
  for (const CellAction& action : actions_) {
    const RowFault fault = EncodeCell(action, cells, writer, detail);
    if (fault != RowFault::kNone) {
      writer->DropRow();
      return fault;
    }
  }
  if (encoder_.Finish(writer) == RowFault::kNone) return RowFault::kNone;
  writer->DropRow();
  return NothingToLearn(detail);
}

template <typename Cells>
RowFault TextCells::EncodeRow(const Cells& cells, RowWriter* writer, std::string* detail) const {
  const RowFault fault = EncodeAllButIds(cells, writer, detail);
  if (fault != RowFault::kNone) return fault;
  for (const IdCell& id : ids_) {
    if (cells.IsList(id.column)) {
      writer->DropRow();
      return NoSingleValue(encoder_.field(id.field).column, detail);
    }
    const auto [key, present] = ParseId<true>(id, cells.Text(id.column));
    if (present) writer->Add(id.field, key, 1);
  }
  writer->CloseRow();
  return RowFault::kNone;
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_TEXT_CELLS_H_
