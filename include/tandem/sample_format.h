// How samples lie in files: `data`'s format, the one place that knows it. A file becomes raw rows
// (tandem/sample_file.h), raw rows become samples (tandem/row_decoder.h), and so
// do cells that are apart (tandem/cell_decoder.h); nobody else looks into a row.
//
//   const std::unique_ptr<const SampleFormat> format = MakeSampleFormat(experiment.data());
//   TANDEM_ASSIGN_OR_RETURN(auto file, format->Open(FileSystem::Default(), "logs/2000-11-20.tsv.gz"));
//   if (!file->head().has_value()) ...                                            // an empty file
//   TANDEM_ASSIGN_OR_RETURN(auto decoder, format->MakeDecoder(schema, {RowUse::kTrain}, *file->head(), path));
//
// How to add one: docs/how_to_add_a_sample_format.md. Thread-safe. Errors are DataErrors that name the file.
#ifndef TANDEM_SAMPLE_FORMAT_H_
#define TANDEM_SAMPLE_FORMAT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/cell_decoder.h"
#include "tandem/cell_reader.h"
#include "tandem/file_system.h"
#include "tandem/format_look.h"
#include "tandem/row_decoder.h"
#include "tandem/row_framing.h"
#include "tandem/sample_file.h"
#include "tandem/schema.h"

namespace tandem {

namespace proto {
class Data;
}  // namespace proto

class SampleFormat {
 public:
  virtual ~SampleFormat() = default;

  // "-" is standard input. `fs` must outlive the file.
  virtual absl::StatusOr<std::unique_ptr<SampleFile>> Open(FileSystem& fs, const std::string& path) const = 0;
  // Of the rows that come after `head` (SampleFile::head). A needed column that isn't there, or one twice, is
  // an error that names `origin`, the column and the nearest one that is there.
  virtual absl::StatusOr<std::unique_ptr<const RowDecoder>> MakeDecoder(const Schema& schema,
                                                                        const RowNeeds& needs,
                                                                        absl::string_view head,
                                                                        absl::string_view origin) const = 0;
  // Of samples whose cells are apart, in the order of `columns`.
  virtual absl::StatusOr<std::unique_ptr<const CellDecoder>> MakeCellDecoder(
      const Schema& schema, RowUse use, absl::Span<const std::string> columns,
      absl::string_view origin) const = 0;
  // For a look at rows of which no schema is known yet.
  virtual std::unique_ptr<CellReader> MakeCellReader(const ListColumns& lists,
                                                     absl::string_view head) const = 0;

  // A stream's rows.
  virtual const RowFraming& framing() const = 0;
  // Whether a file begins with a head.
  virtual bool has_head() const = 0;
  // Of a row before which there was no head, where there is one: whether it is the head. One that isn't is
  // passed over, a blank line, say.
  virtual bool IsHead(absl::string_view row) const = 0;
  // Longer rows are malformed.
  virtual int64_t max_row_bytes() const = 0;
  // What is said of the format where there is no configuration yet.
  virtual const FormatLook& look() const = 0;
};

// The format that the configuration (validated) asks for.
std::unique_ptr<const SampleFormat> MakeSampleFormat(const proto::Data& data);

}  // namespace tandem

#endif  // TANDEM_SAMPLE_FORMAT_H_
