#include "src/data/held_out.h"

#include <cmath>
#include <utility>

#include "src/data/id_hash.h"

namespace tandem {
namespace {

// Apart from all tables' seeds.
constexpr uint64_t kHeldOutSeed = 0x76616c6964617465u;

}  // namespace

Schema WithSplitKeys(const Schema& schema) {
  Schema keyed = schema;
  if (keyed.key_columns.empty() && !keyed.group_column.empty()) keyed.key_columns = {keyed.group_column};
  return keyed;
}

bool HeldOutRows::HeldOut(const RowDecoder& decoder, bool by_keys, const RowChoice& choice,
                          const RawRows& rows, int row) {
  uint64_t hash = 0;
  if (by_keys) {
    keys_.clear();
    decoder.AppendKeys(rows.rows[row], '\t', &keys_);
    hash = IdHash(kHeldOutSeed, keys_);
  } else {
    hash = IdHash(kHeldOutSeed + static_cast<uint64_t>(rows.Number(row)), rows.rows[row]);
  }
  const auto width = static_cast<uint64_t>(std::ldexp(choice.share, 64));
  return hash - width * static_cast<uint64_t>(choice.part) < width;
}

void HeldOutRows::Decode(const RowDecoder& decoder, bool by_keys, const RowChoice& choice,
                         const RawRows& rows, int begin, int end, Batch* batch, std::vector<BadRow>* bad) {
  chosen_.Clear();
  chosen_.marked = rows.marked;
  places_.clear();
  for (int row = begin; row < end; ++row) {
    if (!HeldOut(decoder, by_keys, choice, rows, row)) continue;
    if (row == rows.cut_off) chosen_.cut_off = static_cast<int>(chosen_.rows.size());
    chosen_.rows.push_back(rows.rows[row]);
    chosen_.too_long.push_back(rows.too_long[row]);
    places_.push_back(row);
  }
  const size_t first = bad->size();
  decoder.DecodeRows(chosen_, 0, static_cast<int>(places_.size()), batch, bad);
  for (size_t i = first; i < bad->size(); ++i) (*bad)[i].row = places_[(*bad)[i].row];
}

int64_t HeldOutRows::Remove(const RowDecoder& decoder, bool by_keys, const RowChoice& choice,
                            const RawRows& rows, int begin, int end, const std::vector<BadRow>& bad,
                            Batch* batch) {
  kept_.fields.resize(batch->fields.size());
  kept_.Clear();
  auto next_bad = bad.begin();
  int good = 0, from = 0;  // rows of the batch so far; the first of those that are kept and not moved yet
  for (int row = begin; row < end; ++row) {
    if (next_bad != bad.end() && next_bad->row == row) {
      ++next_bad;
      continue;
    }
    if (HeldOut(decoder, by_keys, choice, rows, row)) {
      kept_.AppendRows(*batch, from, good);
      from = good + 1;
    }
    ++good;
  }
  if (from == 0) return 0;
  kept_.AppendRows(*batch, from, good);
  std::swap(*batch, kept_);
  return good - batch->rows();
}

}  // namespace tandem
