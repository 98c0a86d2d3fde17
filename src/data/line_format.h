// Formats whose rows name their columns: all of such a format but its syntax. Rows are lines, or what a
// framing says.
//
//   class MySyntax : public LineSyntax { ... };
//   std::unique_ptr<const SampleFormat> format = MakeLineFormat(std::make_unique<MySyntax>());
//
// A column may be anywhere in a row, or absent: a missing cell. A file has no head.
#ifndef TANDEM_SRC_DATA_LINE_FORMAT_H_
#define TANDEM_SRC_DATA_LINE_FORMAT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "src/data/named_cells.h"
#include "src/data/text_lists.h"
#include "tandem/format_look.h"
#include "tandem/row_fault.h"
#include "tandem/row_framing.h"
#include "tandem/sample_format.h"

namespace tandem {

// How cells are written. Thread-safe.
class LineSyntax {
 public:
  virtual ~LineSyntax() = default;
  // The format's place in the configuration, for messages: "data.json_lines".
  virtual std::string section() const = 0;
  // The longest row; what limit() is set to.
  virtual int64_t max_line_bytes() const = 0;
  // The setting, for messages.
  virtual std::string limit() const { return section() + ".max_line_bytes"; }

  // Puts the cells of `row` into `cells`, which are clear. At a fault what came before it is there, and
  // `detail`, which may be null, says what is wrong. `row` isn't empty.
  virtual RowFault Parse(absl::string_view row, NamedCells* cells, std::string* detail) const = 0;
  // Puts one cell, a request's or a serving_value, into the column that was begun.
  virtual RowFault ParseCell(absl::string_view text, NamedCells* cells, std::string* /*detail*/) const {
    cells->Put(text);
    return RowFault::kNone;
  }
  // How texts hold lists; null where lists are put item by item.
  virtual const TextLists* lists() const { return nullptr; }
  // What is said of the format where there is no configuration yet: `init` finds a log's format by it.
  virtual const FormatLook& look() const;
  // Of an item with a weight, for messages.
  virtual std::string WeightSyntax() const { return lists() == nullptr ? "" : lists()->WeightSyntax(); }
};

std::unique_ptr<const SampleFormat> MakeLineFormat(std::unique_ptr<const LineSyntax> syntax);
// The same for rows that aren't lines.
std::unique_ptr<const SampleFormat> MakeFramedFormat(std::unique_ptr<const LineSyntax> syntax,
                                                     std::unique_ptr<const RowFraming> framing);

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_LINE_FORMAT_H_
