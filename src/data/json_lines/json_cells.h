// The cells of a JSON object, as the parser comes across them.
//
//   JsonCells cells({"label", "user"});
//   const RowFault fault = cells.Parse(R"({"user": "u17", "label": 1})", &detail);
//   cells.Text(1);                                                     // "u17"
//
// Has what TextCells asks of Cells. Used again from row to row. Not thread-safe.
#ifndef TANDEM_SRC_DATA_JSON_LINES_JSON_CELLS_H_
#define TANDEM_SRC_DATA_JSON_LINES_JSON_CELLS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "src/data/text_cells.h"
#include "tandem/row_fault.h"

namespace tandem {

class JsonCells {
 public:
  // With `all`, columns that aren't among `columns` are added as they are met, and what lies deeper than a
  // list is passed over; without it such columns are, and lists within lists are faults.
  explicit JsonCells(const std::vector<std::string>& columns, bool all = false);

  // Replaces the cells by the row's. At a fault what came before it is there.
  RowFault Parse(absl::string_view row, std::string* detail);
  // Makes `text` the cell: as it stands, or parsed, where it begins as an array or object does.
  RowFault SetCell(int column, absl::string_view text, std::string* detail);
  void Clear();

  const std::vector<std::string>& columns() const { return columns_; }
  bool Has(int column) const { return cells_[column].present; }

  // Cells.
  absl::string_view Text(int column) const { return View(cells_[column].text); }
  size_t Readable(int column) const { return text_.size() - cells_[column].text.begin; }
  bool IsList(int column) const { return cells_[column].list; }
  template <typename F>
  RowFault ForEachItem(int column, bool /*weighted*/, const F& each) const {
    const Cell& cell = cells_[column];
    if (!cell.list) return each(ListItem{Text(column), Text(column), {}, false});
    for (size_t i = cell.first_item; i < cell.end_item; ++i) {
      const Item& item = items_[i];
      const RowFault fault = each(ListItem{View(item.id), View(item.id), View(item.weight), item.has_weight});
      if (fault != RowFault::kNone) return fault;
    }
    return RowFault::kNone;
  }
  template <typename F>
  void ForEachFromLast(int column, const F& each) const {
    const Cell& cell = cells_[column];
    if (!cell.list) {
      each(Text(column));
      return;
    }
    for (size_t i = cell.end_item; i > cell.first_item; --i) {
      if (!each(View(items_[i - 1].id))) return;
    }
  }
  static std::string WeightSyntax() { return R"({"id": weight})"; }

  // What nlohmann::json::sax_parse calls. False ends it.
  bool null() { return Value(""); }
  bool boolean(bool value) { return Value(value ? "1" : "0"); }
  bool number_integer(int64_t value) { return Value(std::to_string(value)); }
  bool number_unsigned(uint64_t value) { return Value(std::to_string(value)); }
  bool number_float(double /*value*/, const std::string& text) { return Value(text); }
  bool string(const std::string& text) { return Value(text); }
  bool binary(const nlohmann::json::binary_t& /*bytes*/) { return false; }
  bool key(const std::string& name);
  bool start_object(size_t /*size*/) { return depth_ == 0 ? ++depth_ > 0 : StartList(/*weighted=*/true); }
  bool start_array(size_t /*size*/) { return StartList(/*weighted=*/false); }
  bool end_object() { return End(); }
  bool end_array() { return End(); }
  bool parse_error(size_t at, const std::string& token, const nlohmann::json::exception& error);

 private:
  struct Piece {
    size_t begin = 0, size = 0;  // in text_
  };
  struct Item {
    Piece id, weight;
    bool has_weight;
  };
  struct Cell {
    Piece text;
    size_t first_item = 0, end_item = 0;  // in items_
    bool present = false;
    bool list = false;
  };

  absl::string_view View(const Piece& piece) const { return {text_.data() + piece.begin, piece.size}; }
  Piece Add(absl::string_view text);
  bool Value(absl::string_view text);
  bool StartList(bool weighted);
  bool End();
  // Ends the row as malformed.
  bool Fail(std::string why);
  RowFault Run(absl::string_view json, std::string* detail);

  std::vector<std::string> columns_;
  absl::flat_hash_map<std::string, int> places_;  // of the columns
  const bool all_;
  std::string text_;
  std::vector<Cell> cells_;  // by column
  std::vector<Item> items_;
  RowFault fault_ = RowFault::kSyntax;
  std::string why_;   // the row is at fault
  std::string name_;  // the row's last key
  int depth_ = 0;     // 1: in the row's object, 2: in a list of it
  int column_ = -1;   // of the value at hand; -1: passed over
  bool weighted_ = false;
  Piece id_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_JSON_LINES_JSON_CELLS_H_
