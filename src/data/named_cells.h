// The cells of a row that says which column each is: what a LineSyntax fills in, and TextCells reads.
//
//   NamedCells cells({"label", "user", "tags"}, syntax);
//   cells.Clear();
//   fault = cells.Begin("tags", &detail);               // then what is in it, if cells.wanted():
//   cells.BeginList(); cells.AddItem("a"); cells.AddItem("b"); cells.EndList();
//   fault = cells.Begin("user", &detail);
//   cells.Put("u17");
//
// Keeps copies of the texts. Used again from row to row. Not thread-safe.
#ifndef TANDEM_SRC_DATA_NAMED_CELLS_H_
#define TANDEM_SRC_DATA_NAMED_CELLS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "src/data/text_cells.h"
#include "src/data/text_lists.h"
#include "tandem/row_fault.h"

namespace tandem {

class LineSyntax;

class NamedCells {
 public:
  // With `all`, columns that aren't among `columns` are added as they are met; without it they aren't wanted.
  // `syntax` must outlive the cells.
  NamedCells(const std::vector<std::string>& columns, const LineSyntax& syntax, bool all = false);

  // ---- A row, cell by cell.

  void Clear();
  // Makes the column of this name the one that what follows is put into. kSyntax where it has been before.
  RowFault Begin(absl::string_view name, std::string* detail);
  void BeginAt(int column);  // of those that were asked for
  // Whether somebody reads the column; what is put into another one is lost.
  bool wanted() const { return column_ >= 0; }
  // The column's name.
  const std::string& name() const { return column_ < 0 ? name_ : columns_[column_]; }
  void Put(absl::string_view text);
  // A cell of several values, whose last is the most recent. An empty item is none.
  void BeginList();
  void AddItem(absl::string_view id);
  // An item with a weight: id, then weight.
  void BeginWeighted(absl::string_view id);
  void EndWeighted(absl::string_view weight);
  void EndList();

  // ---- What is there.

  const std::vector<std::string>& columns() const { return columns_; }
  bool all() const { return all_; }
  bool Has(int column) const { return cells_[column].present; }

  // Cells, as TextCells has them.
  absl::string_view Text(int column) const { return View(cells_[column].text); }
  size_t Readable(int column) const { return text_.size() - cells_[column].text.begin; }
  bool IsList(int column) const { return cells_[column].list; }
  template <typename F>
  RowFault ForEachItem(int column, bool weighted, const F& each) const {
    const Cell& cell = cells_[column];
    if (!cell.list) {
      if (lists_ != nullptr) return lists_->ForEachItem(Text(column), weighted, each);
      return each(ListItem{Text(column), Text(column), {}, false});
    }
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
      if (lists_ != nullptr) return lists_->ForEachFromLast(Text(column), each);
      each(Text(column));
      return;
    }
    for (size_t i = cell.end_item; i > cell.first_item; --i) {
      if (!each(View(items_[i - 1].id))) return;
    }
  }
  std::string WeightSyntax() const;

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

  const LineSyntax& syntax_;
  const TextLists* const lists_;  // may be null
  const bool all_;
  std::vector<std::string> columns_;
  absl::flat_hash_map<std::string, int> places_;  // of the columns
  std::string text_;
  std::vector<Cell> cells_;  // by column
  std::vector<Item> items_;
  std::string name_;  // what Begin was told
  int column_ = -1;
  Piece id_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_NAMED_CELLS_H_
