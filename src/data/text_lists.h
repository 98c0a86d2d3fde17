// Lists within the text of a cell: "a|b", and "c:3|d:1" where the items have weights.
//
//   const TextLists lists{'|', ':'};
//   lists.ForEachItem("c:3|d:1", /*weighted=*/true, [&](const ListItem& item) {...});
//
// What TextCells asks of a format's Cells, of one cell. Empty items are none. Thread-safe.
#ifndef TANDEM_SRC_DATA_TEXT_LISTS_H_
#define TANDEM_SRC_DATA_TEXT_LISTS_H_

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "src/data/text_cells.h"
#include "tandem/cell_reader.h"
#include "tandem/row_fault.h"

namespace tandem {

struct TextLists {
  char item;
  char weight;

  template <typename F>
  RowFault ForEachItem(absl::string_view cell, bool weighted, const F& each) const {
    while (!cell.empty()) {
      const size_t end = std::min(cell.find(item), cell.size());
      ListItem found;
      found.text = found.id = cell.substr(0, end);
      cell.remove_prefix(std::min(end + 1, cell.size()));
      if (found.text.empty()) continue;
      const size_t separator = weighted ? found.text.rfind(weight) : absl::string_view::npos;
      if (separator != absl::string_view::npos) {
        found.id = found.text.substr(0, separator);
        found.weight = found.text.substr(separator + 1);
        found.has_weight = true;
      }
      const RowFault fault = each(found);
      if (fault != RowFault::kNone) return fault;
    }
    return RowFault::kNone;
  }
  template <typename F>
  void ForEachFromLast(absl::string_view cell, const F& each) const {
    while (!cell.empty()) {
      const size_t separator = cell.rfind(item);
      const bool only = separator == absl::string_view::npos;
      const absl::string_view id = cell.substr(only ? 0 : separator + 1);
      cell = cell.substr(0, only ? 0 : separator);
      if (!id.empty() && !each(id)) return;
    }
  }
  std::string WeightSyntax() const { return absl::StrCat("id", std::string(1, weight), "weight"); }
};

// What the cells of a column hold, for a CellReader.
enum class CellKind { kOne, kList, kWeighted };

inline CellKind KindOf(const std::string& column, const ListColumns& lists) {
  if (lists.weighted.count(column) > 0) return CellKind::kWeighted;
  return lists.plain.count(column) > 0 ? CellKind::kList : CellKind::kOne;
}

inline CellReader::Cell CellOf(int column, absl::string_view text, CellKind kind, const TextLists& lists) {
  CellReader::Cell cell{column, text, kind != CellKind::kOne, {}};
  if (!cell.list) {
    cell.values.push_back(text);
    return cell;
  }
  lists.ForEachItem(text, kind == CellKind::kWeighted, [&](const ListItem& item) {
    cell.values.push_back(item.id);
    return RowFault::kNone;
  });
  return cell;
}

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_TEXT_LISTS_H_
