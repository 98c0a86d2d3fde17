#include "src/data/named_cells.h"

#include "absl/strings/str_cat.h"
#include "src/data/line_format.h"

namespace tandem {

NamedCells::NamedCells(const std::vector<std::string>& columns, const LineSyntax& syntax, bool all)
    : syntax_(syntax), lists_(syntax.lists()), all_(all), columns_(columns), cells_(columns.size()) {
  for (int c = 0; c < static_cast<int>(columns.size()); ++c) places_.emplace(columns[c], c);
}

void NamedCells::Clear() {
  text_.clear();
  items_.clear();
  name_.clear();
  column_ = -1;
  for (Cell& cell : cells_) cell = Cell();
}

RowFault NamedCells::Begin(absl::string_view name, std::string* detail) {
  name_.assign(name.data(), name.size());
  const auto known = places_.find(name);
  column_ = known == places_.end() ? -1 : known->second;
  if (column_ < 0 && all_) {
    column_ = static_cast<int>(columns_.size());
    places_.emplace(name_, column_);
    columns_.push_back(name_);
    cells_.emplace_back();
  }
  if (column_ < 0) return RowFault::kNone;
  if (cells_[column_].present) {
    if (detail != nullptr) *detail = absl::StrCat("no row: two values for ", ShownCell(name));
    return RowFault::kSyntax;
  }
  cells_[column_].present = true;
  return RowFault::kNone;
}

void NamedCells::BeginAt(int column) {
  column_ = column;
  cells_[column].present = true;
}

void NamedCells::Put(absl::string_view text) {
  if (wanted()) cells_[column_].text = Add(text);
}

void NamedCells::BeginList() {
  if (!wanted()) return;
  cells_[column_].list = true;
  cells_[column_].first_item = cells_[column_].end_item = items_.size();
}

void NamedCells::AddItem(absl::string_view id) {
  if (wanted() && !id.empty()) items_.push_back({Add(id), {}, false});
}

void NamedCells::BeginWeighted(absl::string_view id) {
  if (wanted()) id_ = Add(id);
}

void NamedCells::EndWeighted(absl::string_view weight) {
  if (wanted()) items_.push_back({id_, Add(weight), true});
}

void NamedCells::EndList() {
  if (wanted()) cells_[column_].end_item = items_.size();
}

std::string NamedCells::WeightSyntax() const { return syntax_.WeightSyntax(); }

NamedCells::Piece NamedCells::Add(absl::string_view text) {
  const Piece piece{text_.size(), text.size()};
  text_.append(text.data(), text.size());
  return piece;
}

}  // namespace tandem
