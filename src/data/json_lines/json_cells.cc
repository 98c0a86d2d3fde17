#include "src/data/json_lines/json_cells.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tandem {

JsonCells::JsonCells(const std::vector<std::string>& columns, bool all)
    : columns_(columns), all_(all), cells_(columns.size()) {
  for (int c = 0; c < static_cast<int>(columns.size()); ++c) places_.emplace(columns[c], c);
}

void JsonCells::Clear() {
  text_.clear();
  items_.clear();
  for (Cell& cell : cells_) cell = Cell();
}

RowFault JsonCells::Parse(absl::string_view row, std::string* detail) {
  Clear();
  depth_ = 0;
  column_ = -1;
  return Run(row, detail);
}

RowFault JsonCells::SetCell(int column, absl::string_view text, std::string* detail) {
  Cell& cell = cells_[column];
  cell.present = true;
  if (text.empty() || (text[0] != '[' && text[0] != '{')) {
    cell.text = Add(text);
    return RowFault::kNone;
  }
  depth_ = 1;
  column_ = column;
  return Run(text, detail);
}

RowFault JsonCells::Run(absl::string_view json, std::string* detail) {
  fault_ = RowFault::kSyntax;
  name_.clear();
  if (nlohmann::json::sax_parse(json.data(), json.data() + json.size(), this)) return RowFault::kNone;
  if (detail != nullptr) *detail = why_;
  return fault_;
}

JsonCells::Piece JsonCells::Add(absl::string_view text) {
  const Piece piece{text_.size(), text.size()};
  text_.append(text.data(), text.size());
  return piece;
}

bool JsonCells::key(const std::string& name) {
  if (depth_ == 2 && column_ >= 0) id_ = Add(name);
  if (depth_ != 1) return true;
  name_ = name;
  const auto known = places_.find(name);
  column_ = known == places_.end() ? -1 : known->second;
  if (column_ < 0 && all_) {
    column_ = static_cast<int>(columns_.size());
    places_.emplace(name, column_);
    columns_.push_back(name);
    cells_.emplace_back();
  }
  if (column_ < 0) return true;
  if (cells_[column_].present) return Fail(absl::StrCat("two values for ", ShownCell(name)));
  cells_[column_].present = true;
  return true;
}

bool JsonCells::Value(absl::string_view text) {
  if (depth_ == 0) return Fail("no object");
  if (column_ < 0 || depth_ > 2) return true;
  if (depth_ == 1) {
    cells_[column_].text = Add(text);
  } else if (weighted_) {
    items_.push_back({id_, Add(text), true});
  } else if (!text.empty()) {
    items_.push_back({Add(text), {}, false});
  }
  return true;
}

bool JsonCells::StartList(bool weighted) {
  if (depth_ == 0) return Fail("no object");
  ++depth_;
  if (column_ < 0) return true;
  if (depth_ > 2) return all_ || Fail(absl::StrCat("a list within a list in ", ShownCell(columns_[column_])));
  weighted_ = weighted;
  cells_[column_].list = true;
  cells_[column_].first_item = cells_[column_].end_item = items_.size();
  return true;
}

bool JsonCells::End() {
  if (--depth_ == 1 && column_ >= 0) cells_[column_].end_item = items_.size();
  return true;
}

bool JsonCells::Fail(std::string why) {
  why_ = absl::StrCat("no row: ", why);
  return false;
}

bool JsonCells::parse_error(size_t at, const std::string& token, const nlohmann::json::exception& error) {
  constexpr int kOutOfRange = 406;
  if (error.id == kOutOfRange) {
    fault_ = RowFault::kNotFinite;
    const absl::string_view column = column_ < 0 ? absl::string_view(name_) : columns_[column_];
    why_ = absl::StrCat(ShownCell(token), " in ", ShownCell(column), " is a number out of range");
    return false;
  }
  return Fail(absl::StrCat("broken JSON at byte ", at));
}

}  // namespace tandem
