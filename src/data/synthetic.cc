#include "src/data/synthetic.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace tandem {
namespace {

constexpr double kTargetRate = 0.2;
constexpr int64_t kPilotRows = 16384;

// How the ids of a column come about. `slots` are the ids alive at a time, by falling popularity; with a
// lifetime each slot passes to a new id once in so many days, a slot at a time, so that new ids keep coming
// and the popularity curve stays.
struct ColumnSpec {
  const char* name;
  const char* prefix;       // of the id's text
  int64_t slots;            // 0: a share of the vocabulary
  double vocabulary_share;  // slots = share * vocabulary, where slots is 0
  double zipf;              // popularity of rank r ~ r^-zipf
  int lifetime_days;        // 0: for ever
  double main_deviation;    // of the ids' main effects
  double drift_amplitude;   // of a sine over the days, with a phase of its own for every id
};

constexpr std::array<ColumnSpec, kSyntheticColumns> kColumns = {{
    {"user", "u", 0, 1.0, 0.7, 60, 0.30, 0},
    {"item", "i", 0, 0.1, 0.9, 45, 0.35, 0.10},
    {"category", "c", 20, 0, 0.6, 0, 0.25, 0.15},
    {"brand", "b", 240, 0, 0.6, 0, 0.20, 0},
    {"query", "q", 0, 0.2, 1.05, 90, 0.20, 0},
    {"campaign", "k", 100, 0, 0.8, 30, 0.25, 0.10},
    {"site", "s", 60, 0, 0.8, 0, 0.30, 0},
    {"device", "d", 24, 0, 0.6, 0, 0.20, 0},
    {"city", "t", 50, 0, 0.6, 0, 0.15, 0},
    {"segment", "g", 12, 0, 0.3, 0, 0.20, 0},
    {"tags", "a", 100, 0, 0.7, 0, 0, 0},
    {"interests", "n", 40, 0, 0.5, 0, 0, 0},
    {"hour", "", 24, 0, 0, 0, 0.15, 0},
    {"weekday", "", 7, 0, 0, 0, 0.10, 0},
    {"position", "", 8, 0, 0.5, 0, 0.05, 0},
}};
constexpr int64_t kBrandsPerCategory = 12;
constexpr double kDriftPeriodDays = 20;
constexpr double kPositionSlope = -0.15;  // a position further down

// c = deviation / sqrt(kLatent): the term of two plain ids then has that standard deviation.
struct PairSpec {
  SyntheticColumn first, second;
  double deviation;
};
constexpr PairSpec kPairs[] = {
    {kSegment, kCategory, 0.50}, {kSegment, kSite, 0.35},    {kSite, kCampaign, 0.45},
    {kDevice, kSite, 0.35},      {kHour, kCategory, 0.35},   {kCity, kCategory, 0.30},
    {kInterests, kTags, 0.80},   {kDevice, kCampaign, 0.40}, {kSegment, kTags, 0.40},
    {kUser, kCategory, 0.15},    {kItem, kSite, 0.15},       {kQuery, kCategory, 0.20},
};

struct TripleSpec {
  SyntheticColumn first, second, third;
  double deviation;
};
constexpr TripleSpec kTriples[] = {
    {kSegment, kCategory, kSite, 0.60},
    {kDevice, kCategory, kHour, 0.40},
    {kSegment, kCampaign, kDevice, 0.50},
};

// Numbers: x = (log(1 + price) - 3) / 0.8, r = log(1 + hours) / 3.3 - 1.
constexpr double kPriceMean = 3, kPriceDeviation = 0.8, kPriceMissingRate = 0.05, kPriceMissing = -0.25;
constexpr double kPriceSlope = -0.30, kPriceSegment = 0.35;
constexpr double kRecencyScale = 3.3, kRecencyMaxHours = 720, kRecencyMissingRate = 0.3,
                 kRecencyMissing = 0.10;
constexpr double kRecencySlope = -0.30, kRecencySquare = -0.40;

// Counters of the random values of a row.
enum DrawOfRow : uint64_t {
  kDrawUser,
  kDrawItem,
  kDrawQuery,
  kDrawCampaign,
  kDrawSite,
  kDrawDevice,
  kDrawPosition,
  kDrawPriceKnown,
  kDrawRecencyKnown,
  kDrawRecency,
  kDrawLabel,
  kDrawsPerRow = 16,
};

enum Part : uint64_t { kPartLatent, kPartEffect, kPartUser, kPartItem, kPartLife, kPartRow };

double Sigmoid(double logit) { return 1 / (1 + std::exp(-logit)); }

// The k-th 16 bits of `bits` as a number of mean 0 and deviation 1, uniform.
double Centred(uint64_t bits, int k) {
  constexpr double kRoot12 = 3.4641016151377544;
  return (static_cast<double>((bits >> (16 * k)) & 0xffff) + 0.5) * (kRoot12 / 65536) - kRoot12 / 2;
}

double Fraction(uint64_t bits, int k) { return static_cast<double>((bits >> (16 * k)) & 0xffff) / 65536; }

// 1234 -> "12.34"
void AppendHundredths(int64_t value, std::string* out) {
  absl::StrAppend(out, value / 100, ".", absl::Dec(value % 100, absl::kZeroPad2));
}

void AppendBag(const SyntheticRow::Bag& bag, const char* prefix, bool weighted, std::string* out) {
  for (int k = 0; k < bag.size; ++k) {
    absl::StrAppend(out, k > 0 ? "|" : "", prefix, bag.ids[k]);
    if (!weighted) continue;
    out->push_back(':');
    AppendHundredths(bag.hundredths[k], out);
  }
}

int64_t Slots(const ColumnSpec& spec, int64_t vocabulary) {
  return spec.slots > 0 ? spec.slots
                        : static_cast<int64_t>(spec.vocabulary_share * static_cast<double>(vocabulary));
}

}  // namespace

SyntheticTruth::Zipf::Zipf(int64_t n, double exponent)
    : n(n), top(std::pow(static_cast<double>(n) + 1, 1 - exponent) - 1), rest(1 - exponent) {}

int64_t SyntheticTruth::Zipf::Rank(double uniform) const {
  const double rank = std::pow(1 + uniform * top, 1 / rest);
  return std::clamp<int64_t>(static_cast<int64_t>(rank) - 1, 0, n - 1);
}

SyntheticTruth::SyntheticTruth(uint64_t seed, int64_t vocabulary)
    : seed_(seed),
      users_(seed, RandomPurpose::kSynthetic, {kPartUser}),
      items_(seed, RandomPurpose::kSynthetic, {kPartItem}),
      lives_(seed, RandomPurpose::kSynthetic, {kPartLife}) {
  for (uint64_t column = 0; column < kSyntheticColumns; ++column) {
    const ColumnSpec& spec = kColumns[column];
    const int64_t slots = column == kBrand ? kBrandsPerCategory : Slots(spec, vocabulary);
    popularity_.emplace_back(slots, spec.zipf);
    latents_.emplace_back(seed, RandomPurpose::kSynthetic,
                          std::initializer_list<uint64_t>{kPartLatent, column});
    effects_.emplace_back(seed, RandomPurpose::kSynthetic,
                          std::initializer_list<uint64_t>{kPartEffect, column});
  }
  SolveBias();
}

// ---- rows

int64_t SyntheticTruth::DrawId(SyntheticColumn column, int day, double uniform) const {
  const int64_t slot = popularity_[column].Rank(uniform);
  const int lifetime = kColumns[column].lifetime_days;
  if (lifetime == 0) return slot;
  const uint64_t phase = lives_.Bits(static_cast<uint64_t>(slot) * kSyntheticColumns + column) % lifetime;
  const int64_t generation = (day + static_cast<int64_t>(phase)) / lifetime;
  return generation * popularity_[column].n + slot;
}

// `wanted` ids, popular ones more often; fewer where a draw repeats.
void SyntheticTruth::DrawBag(SyntheticColumn column, const Random& random, uint64_t counter, int wanted,
                             SyntheticRow::Bag* bag) const {
  for (int k = 0; k < wanted; ++k) {
    const int64_t id = popularity_[column].Rank(random.UniformDouble(counter + k));
    const auto end = bag->ids.begin() + bag->size;
    if (std::find(bag->ids.begin(), end, id) != end) continue;
    bag->ids[bag->size] = id;
    bag->hundredths[bag->size] = 100;
    ++bag->size;
  }
}

void SyntheticTruth::DrawContext(const SyntheticDay& day, int hour, const Random& random, uint64_t counter,
                                 SyntheticRow* row) const {
  row->day = day.day;
  row->ids[kHour] = hour;
  row->ids[kWeekday] = day.weekday;
  constexpr std::pair<SyntheticColumn, DrawOfRow> kDrawn[] = {
      {kUser, kDrawUser}, {kItem, kDrawItem},     {kQuery, kDrawQuery},       {kCampaign, kDrawCampaign},
      {kSite, kDrawSite}, {kDevice, kDrawDevice}, {kPosition, kDrawPosition},
  };
  for (const auto& [column, draw] : kDrawn) {
    row->ids[column] = DrawId(column, day.day, random.UniformDouble(counter + draw));
  }
  row->price_known = random.UniformDouble(counter + kDrawPriceKnown) >= kPriceMissingRate;
  row->recency_known = random.UniformDouble(counter + kDrawRecencyKnown) >= kRecencyMissingRate;
  row->recency_hours =
      static_cast<int>(std::pow(kRecencyMaxHours, random.UniformDouble(counter + kDrawRecency)));
}

void SyntheticTruth::DrawUser(SyntheticRow* row) const {
  const uint64_t counter = static_cast<uint64_t>(row->ids[kUser]) * 8;
  const uint64_t bits = users_.Bits(counter);
  row->ids[kSegment] = popularity_[kSegment].Rank(Fraction(bits, 0));
  row->ids[kCity] = popularity_[kCity].Rank(Fraction(bits, 1));
  DrawBag(kInterests, users_, counter + 1, static_cast<int>((bits >> 32) % 5), &row->interests);
  const uint64_t weights = users_.Bits(counter + 5);
  for (int k = 0; k < row->interests.size; ++k) {
    row->interests.hundredths[k] = 5 + static_cast<int>(Fraction(weights, k) * 96);
  }
}

void SyntheticTruth::DrawItem(SyntheticRow* row) const {
  const uint64_t counter = static_cast<uint64_t>(row->ids[kItem]) * 8;
  const uint64_t bits = items_.Bits(counter);
  row->ids[kCategory] = popularity_[kCategory].Rank(Fraction(bits, 0));
  row->ids[kBrand] = row->ids[kCategory] * kBrandsPerCategory + popularity_[kBrand].Rank(Fraction(bits, 1));
  DrawBag(kTags, items_, counter + 1, static_cast<int>((bits >> 32) % 5), &row->tags);
  // A sum of three uniform numbers: bell-shaped, and cheaper than a normal one.
  const uint64_t price = items_.Bits(counter + 5);
  const double bell = (Centred(price, 0) + Centred(price, 1) + Centred(price, 2)) / std::sqrt(3.0);
  row->price_cents = std::llround(100 * std::expm1(kPriceMean + kPriceDeviation * bell));
}

SyntheticRow SyntheticTruth::Draw(const SyntheticDay& day, int64_t index, int hour) const {
  const Random random(seed_, RandomPurpose::kSynthetic,
                      {kPartRow, static_cast<uint64_t>(day.stream), static_cast<uint64_t>(day.day)});
  const uint64_t counter = static_cast<uint64_t>(index) * kDrawsPerRow;
  SyntheticRow row;
  DrawContext(day, hour, random, counter, &row);
  DrawUser(&row);
  DrawItem(&row);
  row.logit = Logit(row);
  row.label = random.UniformDouble(counter + kDrawLabel) < Sigmoid(row.logit);
  return row;
}

// ---- the logit

SyntheticTruth::Latent SyntheticTruth::LatentOf(SyntheticColumn column, int64_t id) const {
  const uint64_t bits = latents_[column].Bits(static_cast<uint64_t>(id));
  Latent latent;
  for (int d = 0; d < kLatent; ++d) latent[d] = static_cast<float>(Centred(bits, d));
  return latent;
}

SyntheticTruth::Latent SyntheticTruth::LatentOf(SyntheticColumn column, const SyntheticRow::Bag& bag) const {
  Latent sum = {};
  float weights = 0;
  for (int k = 0; k < bag.size; ++k) {
    const Latent one = LatentOf(column, bag.ids[k]);
    const float weight = static_cast<float>(bag.hundredths[k]);
    for (int d = 0; d < kLatent; ++d) sum[d] += weight * one[d];
    weights += weight;
  }
  if (bag.size > 0) {
    for (float& value : sum) value /= weights;
  }
  return sum;
}

double SyntheticTruth::MainEffect(SyntheticColumn column, int64_t id, int day) const {
  constexpr double kTwoPi = 6.283185307179586;
  const ColumnSpec& spec = kColumns[column];
  const uint64_t bits = effects_[column].Bits(static_cast<uint64_t>(id));
  double effect = spec.main_deviation * Centred(bits, 0);
  if (spec.drift_amplitude > 0) {
    effect += spec.drift_amplitude * std::sin(kTwoPi * (day / kDriftPeriodDays + Fraction(bits, 1)));
  }
  if (column == kPosition) effect += kPositionSlope * static_cast<double>(id);
  return effect;
}

double SyntheticTruth::NumberEffects(const SyntheticRow& row, const Latent& segment) const {
  double effect = kPriceMissing;
  if (row.price_known) {
    const double x = (std::log1p(static_cast<double>(row.price_cents) / 100) - kPriceMean) / kPriceDeviation;
    effect = (kPriceSlope + kPriceSegment * segment[0]) * x;
  }
  if (!row.recency_known) return effect + kRecencyMissing;
  const double r = std::log1p(static_cast<double>(row.recency_hours)) / kRecencyScale - 1;
  return effect + kRecencySlope * r + kRecencySquare * r * r;
}

double SyntheticTruth::Logit(const SyntheticRow& row) const {
  std::array<Latent, kSyntheticColumns> z;
  double logit = bias_;
  for (int c = 0; c < kSyntheticColumns; ++c) {
    const auto column = static_cast<SyntheticColumn>(c);
    if (column == kTags) {
      z[c] = LatentOf(column, row.tags);
    } else if (column == kInterests) {
      z[c] = LatentOf(column, row.interests);
    } else {
      z[c] = LatentOf(column, row.ids[c]);
      logit += MainEffect(column, row.ids[c], row.day);
    }
  }
  const double scale = 1 / std::sqrt(static_cast<double>(kLatent));
  for (const PairSpec& pair : kPairs) {
    double product = 0;
    for (int d = 0; d < kLatent; ++d) product += z[pair.first][d] * z[pair.second][d];
    logit += pair.deviation * scale * product;
  }
  for (const TripleSpec& triple : kTriples) {
    double product = 0;
    for (int d = 0; d < kLatent; ++d)
      product += z[triple.first][d] * z[triple.second][d] * z[triple.third][d];
    logit += triple.deviation * scale * product;
  }
  return logit + NumberEffects(row, z[kSegment]);
}

void SyntheticTruth::SolveBias() {
  std::vector<double> logits;
  for (int64_t index = 0; index < kPilotRows; ++index) {
    logits.push_back(
        Draw({SyntheticStream::kPilot, 0, static_cast<int>(index % 7)}, index, static_cast<int>(index % 24))
            .logit);
  }
  double low = -20, high = 20;
  for (int round = 0; round < 40; ++round) {
    const double middle = (low + high) / 2;
    double clicks = 0;
    for (const double logit : logits) clicks += Sigmoid(logit + middle);
    (clicks < kTargetRate * kPilotRows ? low : high) = middle;
  }
  bias_ = (low + high) / 2;
}

// ---- text

std::vector<std::string> SyntheticTruth::Columns() {
  std::vector<std::string> names = {"label"};
  for (const ColumnSpec& spec : kColumns) names.push_back(spec.name);
  names.push_back("price");
  names.push_back("recency");
  return names;
}

void SyntheticTruth::AppendLine(const SyntheticRow& row, std::string* out) {
  out->push_back(row.label ? '1' : '0');
  for (int c = 0; c < kSyntheticColumns; ++c) {
    out->push_back('\t');
    if (c == kTags) {
      AppendBag(row.tags, kColumns[c].prefix, false, out);
    } else if (c == kInterests) {
      AppendBag(row.interests, kColumns[c].prefix, true, out);
    } else {
      absl::StrAppend(out, kColumns[c].prefix, row.ids[c]);
    }
  }
  out->push_back('\t');
  if (row.price_known) AppendHundredths(row.price_cents, out);
  out->push_back('\t');
  if (row.recency_known) absl::StrAppend(out, row.recency_hours);
  out->push_back('\n');
}

std::string SyntheticTruth::DescribeAsJson() const {
  std::vector<std::string> columns, pairs, triples;
  for (int c = 0; c < kSyntheticColumns; ++c) {
    const ColumnSpec& spec = kColumns[c];
    columns.push_back(absl::StrFormat(
        R"(    {"name": "%s", "ids_alive": %d, "zipf_exponent": %g, "lifetime_days": %d, "main_deviation": %g, "drift_amplitude": %g})",
        spec.name, popularity_[c].n * (c == kBrand ? popularity_[kCategory].n : 1), spec.zipf,
        spec.lifetime_days, spec.main_deviation, spec.drift_amplitude));
  }
  for (const PairSpec& pair : kPairs) {
    pairs.push_back(absl::StrFormat(R"(    {"columns": ["%s", "%s"], "deviation": %g})",
                                    kColumns[pair.first].name, kColumns[pair.second].name, pair.deviation));
  }
  for (const TripleSpec& triple : kTriples) {
    triples.push_back(absl::StrFormat(R"(    {"columns": ["%s", "%s", "%s"], "deviation": %g})",
                                      kColumns[triple.first].name, kColumns[triple.second].name,
                                      kColumns[triple.third].name, triple.deviation));
  }
  return absl::StrFormat(
      "  \"bias\": %.17g,\n  \"latent_dimension\": %d,\n  \"columns\": [\n%s\n  ],\n  \"pairs\": [\n%s\n  "
      "],\n"
      "  \"triples\": [\n%s\n  ]",
      bias_, kLatent, absl::StrJoin(columns, ",\n"), absl::StrJoin(pairs, ",\n"),
      absl::StrJoin(triples, ",\n"));
}

}  // namespace tandem
