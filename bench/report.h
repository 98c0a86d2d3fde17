// What a side-by-side benchmark prints: lines of a Markdown table for people, or one JSON array for
// bench/side_by_side.py.
//
//   Report report({"batch", "tandem", "peer", "ratio"});
//   report.Add({{"batch", 64}, {"tandem", 885000.0}, {"peer", 772000.0}, {"ratio", 1.15}});
//   report.Print(FLAGS_json);
#ifndef TANDEM_BENCH_REPORT_H_
#define TANDEM_BENCH_REPORT_H_

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tandem::bench {

using Json = nlohmann::ordered_json;

class Report {
 public:
  explicit Report(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  // A row; columns that it lacks stay empty.
  void Add(Json row) { rows_.push_back(std::move(row)); }

  void Print(bool json) const {
    if (json) {
      std::cout << Json(rows_).dump() << std::endl;
      return;
    }
    std::string header = "|", rule = "|";
    for (const std::string& column : columns_) {
      header += " " + column + " |";
      rule += "---|";
    }
    std::cout << header << "\n" << rule << "\n";
    for (const Json& row : rows_) {
      std::cout << "|";
      for (const std::string& column : columns_) std::cout << " " << Text(row, column) << " |";
      std::cout << "\n";
    }
    std::cout << std::flush;
  }

 private:
  static std::string Text(const Json& row, const std::string& column) {
    const auto cell = row.find(column);
    if (cell == row.end() || cell->is_null()) return "";
    if (cell->is_string()) return cell->get<std::string>();
    if (!cell->is_number_float()) return cell->dump();
    std::ostringstream text;
    const double value = cell->get<double>();
    text.setf(std::ios::fixed);
    text.precision(value >= 1000 ? 0 : value >= 20 ? 1 : 3);
    text << value;
    return text.str();
  }

  std::vector<std::string> columns_;
  std::vector<Json> rows_;
};

}  // namespace tandem::bench

#endif  // TANDEM_BENCH_REPORT_H_
