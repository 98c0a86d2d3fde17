// Rows that begin with how long they are, in 4 bytes, the lowest first: a framing without ends.
//
//   MakeFramedFormat(std::move(syntax), std::make_unique<LengthFraming>(syntax_limit));
//
// For formats of rows of any bytes (docs/how_to_add_a_sample_format.md), as it is or copied. Thread-safe.
#ifndef TANDEM_SRC_DATA_LENGTH_FRAMING_H_
#define TANDEM_SRC_DATA_LENGTH_FRAMING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/row_framing.h"

namespace tandem {

class LengthFraming : public RowFraming {
 public:
  static constexpr size_t kHead = 4;

  // No row is longer: a length of more is damage, which ends the reading of a file. The format's limit, or more
  // where a row that is over it is to be passed over.
  explicit LengthFraming(int64_t longest) : longest_(longest) {}

  std::unique_ptr<RowScanner> MakeScanner() const override { return std::make_unique<Scanner>(longest_); }
  absl::string_view Row(absl::string_view bytes, bool /*first*/) const override {
    return bytes.substr(std::min(bytes.size(), kHead));
  }
  absl::string_view end() const override { return ""; }
  int64_t overhead() const override { return kHead; }
  bool is_text() const override { return false; }
  void Append(absl::string_view row, std::string* bytes) const override {
    for (size_t i = 0; i < kHead; ++i) bytes->push_back(static_cast<char>(row.size() >> (8 * i)));
    bytes->append(row.data(), row.size());
  }

 private:
  class Scanner : public RowScanner {
   public:
    explicit Scanner(int64_t longest) : longest_(longest) {}
    std::optional<size_t> RowBytes(absl::string_view bytes, bool last) override {
      size_t size = left_;  // of the row, or what is left of one that was dropped
      if (left_ == 0) {
        if (bytes.size() < kHead) return last && !bytes.empty() ? std::optional(bytes.size()) : std::nullopt;
        size = kHead;
        for (size_t i = 0; i < kHead; ++i) size += size_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
        length_ = static_cast<int64_t>(size - kHead);
        if (length_ > longest_) return std::nullopt;
      }
      seen_ = bytes.size();
      size_ = size;
      if (bytes.size() < size && !last) return std::nullopt;
      left_ = 0;
      return bytes.empty() ? std::nullopt : std::optional(std::min(bytes.size(), size));
    }
    void Drop() override { left_ = size_ - seen_; }
    std::string Damage() const override {
      if (length_ <= longest_) return "";
      return absl::StrCat("a length of ", length_, " bytes, where no row has more than ", longest_);
    }

   private:
    const int64_t longest_;
    int64_t length_ = 0;  // the last that was read
    size_t seen_ = 0, size_ = 0, left_ = 0;
  };

  const int64_t longest_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_LENGTH_FRAMING_H_
