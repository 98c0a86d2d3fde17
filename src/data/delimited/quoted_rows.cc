#include "src/data/delimited/quoted_rows.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "src/data/delimited/quote_scan.h"
#include "src/data/delimited/split.h"

namespace tandem {
namespace {

constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

std::optional<size_t> QuotedRows::RowBytes(absl::string_view bytes, bool last) {
  if (line_end_ != kNowhere) return RowBytes(bytes, line_end_, last);
  const size_t found = bytes.find('\n', line_scanned_);
  line_scanned_ = bytes.size();
  if (found != absl::string_view::npos) return RowBytes(bytes, found, last);
  // Without a line end nothing is decided but at the end.
  if (!last || bytes.empty()) return std::nullopt;
  return End(bytes.size());
}

std::optional<size_t> QuotedRows::RowBytes(absl::string_view bytes, size_t line_end, bool last) {
  if (line_end_ == kNowhere) {
    line_end_ = line_end;
    // Most rows are one line, with its quotes where they belong.
    if (dropped_ || HasRegularQuotes(absl::StripSuffix(bytes.substr(0, line_end), "\r"), quoting_))
      return End(line_end + 1);
    if (absl::StartsWith(bytes, kByteOrderMark)) at_ = kByteOrderMark.size();
  }
  while (at_ < bytes.size()) {
    const bool before_line_end = at_ <= line_end_;
    PassBlock(bytes);
    if (ended_) {
      // Longer rows of more than one line are taken to be broken: so is where a row ends told from few bytes.
      if (at_ > line_end_ && static_cast<int64_t>(at_) > max_row_bytes_ + 1) return FirstLine();
      return End(at_ + 1);
    }
    if (at_ <= line_end_) continue;
    // The first line end was in quotes.
    if (before_line_end && line_end_ < known_ && known_ > at_) {
      at_ = known_;
      state_ = known_state_;
    }
    if (state_ == State::kMisplaced || static_cast<int64_t>(at_) > max_row_bytes_ + 1) return FirstLine();
  }
  if (!last) return std::nullopt;
  if (state_ == State::kQuoted) return FirstLine();
  return End(bytes.size());
}

void QuotedRows::Drop() {
  End(0);
  Forget();
  dropped_ = true;
}

size_t QuotedRows::End(size_t row_bytes) {
  dropped_ = false;
  state_ = State::kCellBegin;
  at_ = 0;
  line_scanned_ = 0;
  line_end_ = kNowhere;
  ended_ = false;
  Pass(row_bytes);
  return row_bytes;
}

size_t QuotedRows::FirstLine() {
  known_ = at_;
  known_state_ = state_;
  return End(line_end_ + 1);
}

void QuotedRows::PassBlock(absl::string_view bytes) {
  if (state_ == State::kMisplaced) {
    // On the first line: what it ends is the row.
    at_ = line_end_;
    ended_ = true;
    return;
  }
  const size_t size = std::min<size_t>(64, bytes.size() - at_);
  if (!PassRegular(bytes, size)) PassBytes(bytes, size);
}

bool QuotedRows::PassRegular(absl::string_view bytes, size_t size) {
  const char* const text = bytes.data() + at_;
  const auto mask = [&](char byte) { return ByteMask(text, size, at_, byte); };
  const auto was = [&](State state) { return static_cast<uint64_t>(state_ == state); };
  const uint64_t quotes = mask(quoting_.quote);
  // From a quote that opens on, up to the one that closes.
  const uint64_t inside = PrefixXor(quotes) ^ (0 - was(State::kQuoted));
  const uint64_t ends = mask('\n') & ~inside;
  const uint64_t delimiters = mask(quoting_.delimiter) & ~inside;
  const uint64_t opening = quotes & inside;
  const uint64_t closing = quotes & ~inside;
  const uint64_t after_closing = closing << 1 | was(State::kQuote);
  const uint64_t may_open = after_closing | delimiters << 1 | was(State::kCellBegin);
  // Up to the row's end, or all of them.
  const uint64_t valid = ends != 0 ? ends ^ (ends - 1) : ~uint64_t{0} >> (64 - size);
  if ((opening & ~may_open & valid) != 0) return false;
  uint64_t returns = after_closing & ~(delimiters | opening | ends) & valid;
  if ((returns | was(State::kReturn)) != 0) {
    if ((returns & ~mask('\r')) != 0) return false;
    if (((returns << 1 | was(State::kReturn)) & ~ends & valid) != 0) return false;
  }
  if (ends != 0) {
    at_ += __builtin_ctzll(ends);
    ended_ = true;
    return true;
  }
  at_ += size;
  const auto is_last = [size](uint64_t bits) { return (bits >> (size - 1) & 1) != 0; };
  state_ = is_last(inside)       ? State::kQuoted
           : is_last(closing)    ? State::kQuote
           : is_last(returns)    ? State::kReturn
           : is_last(delimiters) ? State::kCellBegin
                                 : State::kPlain;
  return true;
}

void QuotedRows::PassBytes(absl::string_view bytes, size_t size) {
  for (const size_t end = at_ + size; at_ < end; ++at_) {
    const char byte = bytes[at_];
    switch (state_) {
      case State::kCellBegin:
      case State::kPlain:
        if (byte == '\n') {
          ended_ = true;
          return;
        }
        state_ = byte == quoting_.delimiter                              ? State::kCellBegin
                 : byte == quoting_.quote && state_ == State::kCellBegin ? State::kQuoted
                                                                         : State::kPlain;
        break;
      case State::kQuoted:
        if (byte == quoting_.quote) state_ = State::kQuote;
        break;
      case State::kQuote:
        if (byte == '\n') {
          ended_ = true;
          return;
        }
        state_ = byte == quoting_.quote       ? State::kQuoted
                 : byte == quoting_.delimiter ? State::kCellBegin
                 : byte == '\r'               ? State::kReturn
                                              : State::kMisplaced;
        break;
      case State::kReturn:
        if (byte == '\n') {
          ended_ = true;
          return;
        }
        state_ = State::kMisplaced;
        break;
      case State::kMisplaced:
        return;
    }
  }
}

}  // namespace tandem
