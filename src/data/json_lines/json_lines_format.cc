#include "src/data/json_lines/json_lines_format.h"

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "src/data/json_lines/json_lines_look.h"
#include "src/data/line_format.h"
#include "src/data/text_cells.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

// Puts cells where they belong as nlohmann::json::sax_parse comes across them.
class JsonHandler {
 public:
  // `depth`: 0 for a row, 1 for the value of a column that was begun.
  JsonHandler(int depth, NamedCells* cells, std::string* detail)
      : depth_(depth), cells_(*cells), detail_(detail) {}

  RowFault Run(absl::string_view json) {
    if (nlohmann::json::sax_parse(json.data(), json.data() + json.size(), this)) return RowFault::kNone;
    return fault_;
  }

  // What sax_parse calls. False ends it.
  bool null() { return Value(""); }
  bool boolean(bool value) { return Value(value ? "1" : "0"); }
  bool number_integer(int64_t value) { return Value(std::to_string(value)); }
  bool number_unsigned(uint64_t value) { return Value(std::to_string(value)); }
  bool number_float(double /*value*/, const std::string& text) { return Value(text); }
  bool string(const std::string& text) { return Value(text); }
  bool binary(const nlohmann::json::binary_t& /*bytes*/) { return false; }
  bool key(const std::string& name) {
    if (depth_ == 2) cells_.BeginWeighted(name);
    return depth_ != 1 || cells_.Begin(name, detail_) == RowFault::kNone;
  }
  bool start_object(size_t /*size*/) { return depth_ == 0 ? ++depth_ > 0 : StartList(/*weighted=*/true); }
  bool start_array(size_t /*size*/) { return StartList(/*weighted=*/false); }
  bool end_object() { return End(); }
  bool end_array() { return End(); }
  bool parse_error(size_t at, const std::string& token, const nlohmann::json::exception& error) {
    constexpr int kOutOfRange = 406;
    if (error.id != kOutOfRange) return Fail(absl::StrCat("broken JSON at byte ", at));
    fault_ = RowFault::kNotFinite;
    if (detail_ != nullptr) {
      *detail_ =
          absl::StrCat(ShownCell(token), " in ", ShownCell(cells_.name()), " is a number out of range");
    }
    return false;
  }

 private:
  bool Value(absl::string_view text) {
    if (depth_ == 0) return Fail("no object");
    if (depth_ == 1) {
      cells_.Put(text);
    } else if (depth_ == 2 && weighted_) {
      cells_.EndWeighted(text);
    } else if (depth_ == 2) {
      cells_.AddItem(text);
    }
    return true;
  }
  bool StartList(bool weighted) {
    if (depth_ == 0) return Fail("no object");
    ++depth_;
    if (!cells_.wanted()) return true;
    // For a first look at a log what lies deeper is passed over.
    if (depth_ > 2)
      return cells_.all() || Fail(absl::StrCat("a list within a list in ", ShownCell(cells_.name())));
    weighted_ = weighted;
    cells_.BeginList();
    return true;
  }
  bool End() {
    if (--depth_ == 1) cells_.EndList();
    return true;
  }
  // Ends the row as malformed.
  bool Fail(absl::string_view why) {
    if (detail_ != nullptr) *detail_ = absl::StrCat("no row: ", why);
    return false;
  }

  int depth_;  // 1: in the row's object, 2: in a list of it
  NamedCells& cells_;
  std::string* const detail_;  // may be null
  bool weighted_ = false;
  RowFault fault_ = RowFault::kSyntax;
};

class JsonSyntax : public LineSyntax {
 public:
  explicit JsonSyntax(int64_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  std::string section() const override { return "data.json_lines"; }
  int64_t max_line_bytes() const override { return max_line_bytes_; }
  RowFault Parse(absl::string_view row, NamedCells* cells, std::string* detail) const override {
    return JsonHandler(/*depth=*/0, cells, detail).Run(row);
  }
  // A text as it stands, but for arrays and objects.
  RowFault ParseCell(absl::string_view text, NamedCells* cells, std::string* detail) const override {
    if (!text.empty() && (text[0] == '[' || text[0] == '{'))
      return JsonHandler(/*depth=*/1, cells, detail).Run(text);
    cells->Put(text);
    return RowFault::kNone;
  }
  const FormatLook& look() const override { return JsonLinesLook(); }
  std::string WeightSyntax() const override { return R"({"id": weight})"; }

 private:
  const int64_t max_line_bytes_;
};

}  // namespace

std::unique_ptr<const SampleFormat> MakeJsonLinesFormat(const proto::JsonLines& json_lines) {
  return MakeLineFormat(std::make_unique<JsonSyntax>(json_lines.max_line_bytes()));
}

}  // namespace tandem
