// A click log whose truth is known: the probability of every click is a documented function of the row.
//
//   SyntheticTruth truth(seed, vocabulary);
//   SyntheticRow row = truth.Draw({SyntheticStream::kLog, day, weekday}, index, hour);
//   SyntheticTruth::AppendLine(row, &text);                 // "1\tu17\ti4\tc12\t...\n"
//
// The truth in words (docs/synthetic_log.md has the numbers): an id of every column has a hidden vector z in
// R^4 and a main effect;
//
//   logit = bias + main effects + sum of c <z_f, z_g> over planted pairs of columns
//         + sum of c sum_d z_f[d] z_g[d] z_h[d] over planted triples
//         + effects of the two numbers + drift over the days,
//
// and label ~ Bernoulli(sigmoid(logit)). The bias is solved for a click rate of 0.2. A model that multiplies
// fields (FM, CIN, a cross network) finds the planted terms; a small MLP finds part of them.
//
// Every value is a function of (seed, vocabulary, day, row): no state grows with the rows or the ids, and
// rows may be drawn in any order, on any thread.
#ifndef TANDEM_SRC_DATA_SYNTHETIC_H_
#define TANDEM_SRC_DATA_SYNTHETIC_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tandem/random.h"

namespace tandem {

// Columns with ids, in the order of the header after the label.
enum SyntheticColumn {
  kUser,
  kItem,
  kCategory,  // of the item
  kBrand,     // of the item, within the category
  kQuery,
  kCampaign,
  kSite,
  kDevice,
  kCity,       // of the user
  kSegment,    // of the user
  kTags,       // of the item: a bag
  kInterests,  // of the user: a weighted bag
  kHour,
  kWeekday,  // Monday: 0
  kPosition,
  kSyntheticColumns,
};

// Rows of different streams are drawn apart: the log, the holdout, and the pilot that the bias is solved on.
enum class SyntheticStream : uint64_t { kLog = 0, kHoldout = 1, kPilot = 2 };

// What the rows of one day have in common.
struct SyntheticDay {
  SyntheticStream stream = SyntheticStream::kLog;
  int day = 0;  // from the first day of the log
  int weekday = 0;
};

struct SyntheticRow {
  static constexpr int kMaxBag = 4;
  struct Bag {
    int size = 0;
    std::array<int64_t, kMaxBag> ids = {};
    std::array<int, kMaxBag> hundredths = {};  // weights; 100 each in an unweighted bag
  };

  int day = 0;
  std::array<int64_t, kSyntheticColumns> ids = {};  // not those of kTags and kInterests
  Bag tags, interests;
  bool price_known = false, recency_known = false;
  int64_t price_cents = 0;
  int recency_hours = 0;  // since the user's last visit
  double logit = 0;       // the truth
  bool label = false;
};

// The function behind a log. Thread-safe after construction.
class SyntheticTruth {
 public:
  static constexpr int kLatent = 4;  // dimension of the hidden vectors

  // `vocabulary`: users alive on a day, 100 to 1e9. Items are a tenth of it, queries a fifth; the other
  // columns are fixed.
  SyntheticTruth(uint64_t seed, int64_t vocabulary);

  // Row `index` of `day`, logit and label included.
  SyntheticRow Draw(const SyntheticDay& day, int64_t index, int hour) const;
  double bias() const { return bias_; }

  // Names of all columns, the label first, and a row in that order with its line end.
  static std::vector<std::string> Columns();
  static void AppendLine(const SyntheticRow& row, std::string* out);
  // Columns and planted terms as members of a JSON object, without its braces.
  std::string DescribeAsJson() const;

 private:
  using Latent = std::array<float, kLatent>;

  // The continuous power law r^-exponent on [1, n + 1), rounded down and counted from 0.
  struct Zipf {
    Zipf(int64_t n, double exponent);
    int64_t Rank(double uniform) const;
    int64_t n;
    double top, rest;
  };

  int64_t DrawId(SyntheticColumn column, int day, double uniform) const;
  void DrawBag(SyntheticColumn column, const Random& random, uint64_t counter, int wanted,
               SyntheticRow::Bag* bag) const;
  void DrawContext(const SyntheticDay& day, int hour, const Random& random, uint64_t counter,
                   SyntheticRow* row) const;
  void DrawUser(SyntheticRow* row) const;
  void DrawItem(SyntheticRow* row) const;
  Latent LatentOf(SyntheticColumn column, int64_t id) const;
  Latent LatentOf(SyntheticColumn column, const SyntheticRow::Bag& bag) const;
  double MainEffect(SyntheticColumn column, int64_t id, int day) const;
  double NumberEffects(const SyntheticRow& row, const Latent& segment) const;
  double Logit(const SyntheticRow& row) const;
  void SolveBias();

  uint64_t seed_;
  std::vector<Zipf> popularity_;           // a column; of kBrand within a category
  std::vector<Random> latents_, effects_;  // a column
  Random users_, items_, lives_;
  double bias_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_SYNTHETIC_H_
