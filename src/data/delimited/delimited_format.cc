#include "src/data/delimited/delimited_format.h"

#include <utility>

#include "absl/strings/str_split.h"
#include "src/data/delimited/delimited_decoder.h"
#include "src/data/line_file.h"

namespace tandem {
namespace {

std::vector<std::string> Split(absl::string_view line, char delimiter) {
  return absl::StrSplit(line, delimiter);
}

class DelimitedCellReader : public CellReader {
 public:
  DelimitedCellReader(const DelimitedOptions& options, const ListColumns& lists,
                      std::vector<std::string> columns)
      : options_(options) {
    columns_ = std::move(columns);
    for (const std::string& column : columns_) {
      const bool weighted = lists.weighted.count(column) > 0;
      kinds_.push_back(weighted ? Kind::kWeighted : lists.plain.count(column) > 0 ? Kind::kList : Kind::kOne);
    }
  }

  RowFault Read(absl::string_view line) override {
    const std::vector<absl::string_view> texts = absl::StrSplit(line, options_.delimiter);
    cells_.resize(texts.size() == columns_.size() ? texts.size() : 0);
    if (cells_.size() != columns_.size()) return RowFault::kColumnCount;
    for (size_t c = 0; c < cells_.size(); ++c) {
      Cell& cell = cells_[c];
      cell = {static_cast<int>(c), texts[c], kinds_[c] != Kind::kOne, {}};
      if (!cell.list) {
        cell.values.push_back(texts[c]);
        continue;
      }
      for (absl::string_view item :
           absl::StrSplit(texts[c], options_.multi_value_separator, absl::SkipEmpty())) {
        if (kinds_[c] == Kind::kWeighted) item = item.substr(0, item.rfind(options_.weight_separator));
        cell.values.push_back(item);
      }
    }
    return RowFault::kNone;
  }

 private:
  enum class Kind { kOne, kList, kWeighted };

  const DelimitedOptions options_;
  std::vector<Kind> kinds_;  // by column
};

class DelimitedFormat : public SampleFormat {
 public:
  explicit DelimitedFormat(DelimitedOptions options) : options_(std::move(options)) {}

  absl::StatusOr<std::unique_ptr<SampleFile>> Open(FileSystem& fs, const std::string& path) const override {
    return OpenLineFile(fs, path, options_.max_line_bytes, options_.header);
  }
  absl::StatusOr<std::unique_ptr<const RowDecoder>> MakeDecoder(const Schema& schema, const RowNeeds& needs,
                                                                absl::string_view head,
                                                                absl::string_view origin) const override {
    return MakeDelimitedDecoder(schema, needs, options_, Columns(head), origin);
  }
  absl::StatusOr<std::unique_ptr<const CellDecoder>> MakeCellDecoder(
      const Schema& schema, RowUse use, absl::Span<const std::string> columns,
      absl::string_view origin) const override {
    return MakeDelimitedCellDecoder(schema, use, options_, columns, origin);
  }
  std::unique_ptr<CellReader> MakeCellReader(const ListColumns& lists,
                                             absl::string_view head) const override {
    return std::make_unique<DelimitedCellReader>(options_, lists, Columns(head));
  }
  const RowFraming& framing() const override { return LineFraming(); }
  bool has_head() const override { return options_.header; }
  int64_t max_row_bytes() const override { return options_.max_line_bytes; }

 private:
  std::vector<std::string> Columns(absl::string_view head) const {
    return options_.header ? Split(head, options_.delimiter) : options_.columns;
  }

  const DelimitedOptions options_;
};

}  // namespace

std::unique_ptr<const SampleFormat> MakeDelimitedFormat(DelimitedOptions options) {
  return std::make_unique<DelimitedFormat>(std::move(options));
}

}  // namespace tandem
