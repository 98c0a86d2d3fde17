#include "src/data/delimited/quoted_framing.h"

#include <algorithm>
#include <string>

#include "absl/strings/string_view.h"
#include "src/data/line_file.h"

namespace tandem {
namespace {

// But for where they end, and for how many lines they are, such rows are lines.
class QuotedFramingImpl : public RowFraming {
 public:
  QuotedFramingImpl(Quoting quoting, int64_t max_row_bytes)
      : quoting_(quoting), max_row_bytes_(max_row_bytes) {}

  std::unique_ptr<RowScanner> MakeScanner() const override {
    return std::make_unique<QuotedRows>(quoting_, max_row_bytes_);
  }
  int64_t Numbers(absl::string_view row) const override {
    return 1 + std::count(row.begin(), row.end(), '\n');
  }
  absl::string_view Row(absl::string_view bytes, bool first) const override {
    return lines_.Row(bytes, first);
  }
  absl::string_view end() const override { return lines_.end(); }
  int64_t overhead() const override { return lines_.overhead(); }
  void Append(absl::string_view row, std::string* bytes) const override { lines_.Append(row, bytes); }

 private:
  const RowFraming& lines_ = LineFraming();
  const Quoting quoting_;
  const int64_t max_row_bytes_;
};

}  // namespace

std::unique_ptr<const RowFraming> QuotedFraming(Quoting quoting, int64_t max_row_bytes) {
  return std::make_unique<QuotedFramingImpl>(quoting, max_row_bytes);
}

}  // namespace tandem
