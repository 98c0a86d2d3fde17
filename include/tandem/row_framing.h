// How rows lie one after another in bytes, each with its end: what tells them apart in a stream that isn't
// all there yet, and how they are written when they are set aside.
//
//   const RowFraming& framing = format.framing();
//   const std::unique_ptr<RowScanner> scanner = framing.MakeScanner();
//   if (const auto size = scanner->RowBytes(bytes, /*last=*/false); size.has_value())
//     row = framing.Row(bytes.substr(0, *size), /*first=*/false);
#ifndef TANDEM_ROW_FRAMING_H_
#define TANDEM_ROW_FRAMING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tandem {

// Finds the ends of rows, one row after another, in bytes that come bit by bit. Where a row ends is a
// function of the bytes from its begin on, however they come. Not thread-safe.
class RowScanner {
 public:
  virtual ~RowScanner() = default;
  // How many of `bytes`, which begin with a row, belong to it, its end included; the next call is about the
  // row after it. Not set where that can't be told yet: the next call is given these bytes again, with more
  // behind them. `last`: there will be no more; set then, unless `bytes` is empty.
  virtual std::optional<size_t> RowBytes(absl::string_view bytes, bool last) = 0;
  // The row is too long to be kept: the bytes that were given to no avail are gone, and the next call is
  // given what came behind them, of which only the row's end matters.
  virtual void Drop() = 0;
  // Why the bytes for which RowBytes was not set just now can be no row, a length that none has, say: where the
  // next one begins can't be told, and the file can't be read on. Empty where they can.
  virtual std::string Damage() const { return ""; }
};

// Thread-safe.
class RowFraming {
 public:
  virtual ~RowFraming() = default;
  virtual std::unique_ptr<RowScanner> MakeScanner() const = 0;
  // What is the row's own of its bytes, e.g. without a line end. `first`: of the file.
  virtual absl::string_view Row(absl::string_view bytes, bool first) const = 0;
  // What ends a row, e.g. "\n"; the last one of a file may lack it, and is a row. Empty where a row needs no end
  // to be whole, as one does that begins with its length: one that isn't whole at the end of the file, for
  // which RowBytes needs its `last`, is malformed.
  virtual absl::string_view end() const = 0;
  // Most bytes that a row has beside its own: with more than its limit and these it is too long.
  virtual int64_t overhead() const = 0;
  // How many numbers a row takes, so that rows are numbered as whoever looks into the file counts: of text its
  // lines.
  virtual int64_t Numbers(absl::string_view /*row*/) const { return 1; }
  // Whether rows are text. The first bytes of a file then say whether it is compressed, and what is no text is
  // refused as what it is, a Parquet file, say. Of other rows any bytes may come first: compressed is what is
  // called .gz, .zst or .zstd.
  virtual bool is_text() const { return true; }
  // Appends the row's bytes: RowScanner and Row give it back.
  virtual void Append(absl::string_view row, std::string* bytes) const = 0;
};

}  // namespace tandem

#endif  // TANDEM_ROW_FRAMING_H_
