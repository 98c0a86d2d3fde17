#include "src/train/recombine.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

template <typename T>
void Append(const std::vector<T>& from, uint32_t begin, uint32_t end, std::vector<T>* to) {
  to->insert(to->end(), from.begin() + begin, from.begin() + end);
}

uint32_t LongestBag(const FieldBags& bags) {
  uint32_t longest = 0;
  for (size_t r = 0; r + 1 < bags.offsets.size(); ++r)
    longest = std::max(longest, bags.offsets[r + 1] - bags.offsets[r]);
  return longest;
}

size_t GroupOf(const Recombined& made, size_t field) {
  return made.groups.empty() ? field : static_cast<size_t>(made.groups[field]);
}

// `draws`: of the counters, those that are taken.
void Hide(const Random& random, uint64_t draws, Recombined* made) {
  made->hidden.resize(made->unknown.size());
  for (size_t f = 0; f < made->unknown.size(); ++f) {
    std::vector<uint8_t>& hidden = made->hidden[f];
    hidden.clear();
    if (made->unknown[f] == 0) continue;
    const std::vector<uint64_t>& keys = made->batch.fields[f].keys;
    hidden.reserve(keys.capacity());
    for (size_t i = 0; i < keys.size(); ++i)
      hidden.push_back(random.UniformDouble(draws++) < made->unknown[f] ? 1 : 0);
  }
}

}  // namespace

std::vector<double> UnknownShares(const proto::Experiment& experiment, const Schema& schema) {
  const double share = experiment.model().distill().phase().recombined_unknown();
  if (share == 0) return {};
  std::vector<double> shares;
  for (const Field& field : schema.fields()) shares.push_back(schema.tables()[field.table].ids ? share : 0);
  return shares;
}

std::vector<int> RecombinedGroups(const proto::Experiment& experiment, const Schema& schema) {
  std::map<std::string, int> group_of;  // by feature
  int groups = 0;
  for (const proto::FeatureGroup& group : experiment.model().distill().phase().recombined_group()) {
    for (const std::string& feature : group.feature()) group_of[feature] = groups;
    ++groups;
  }
  std::vector<int> of_fields;
  for (const Field& field : schema.fields()) {
    const std::string& feature = field.sequence.empty() ? field.name : field.sequence;
    const auto [place, is_new] = group_of.emplace(feature, groups);
    if (is_new) ++groups;
    of_fields.push_back(place->second);
  }
  return of_fields;
}

void Recombine(const Batch& batch, const BatchRows& rows, const Random& random, double share,
               Recombined* to) {
  const int n = batch.rows();
  const size_t fields = batch.fields.size();
  to->batch.labels.assign(n, kAbsent);
  to->batch.weights = batch.weights;
  to->batch.groups.assign(n, 0);
  to->batch.fields.resize(fields);
  to->partners.resize(n);
  uint64_t draws = 0;
  for (int& partner : to->partners) partner = static_cast<int>(random.UniformDouble(draws++) * n);
  for (std::vector<int>& sources : to->sources) sources.clear();
  to->sources.resize(fields);
  for (size_t f = 0; f < fields; ++f) {
    std::vector<int>& sources = to->sources[GroupOf(*to, f)];
    for (int r = 0; static_cast<int>(sources.size()) < n; ++r)
      sources.push_back(random.UniformDouble(draws++) < share ? to->partners[r] : r);
    const FieldBags& from = batch.fields[f];
    FieldBags& bags = to->batch.fields[f];
    bags.Clear();
    const size_t most = static_cast<size_t>(n) * LongestBag(from);
    bags.keys.reserve(most);
    bags.coefficients.reserve(most);
    for (const int source : sources) {
      const uint32_t begin = from.offsets[source], end = from.offsets[source + 1];
      Append(from.keys, begin, end, &bags.keys);
      Append(from.coefficients, begin, end, &bags.coefficients);
      bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
    }
  }
  Hide(random, draws, to);
  TakeRows(batch, rows, *to, &to->rows);
}

void TakeRows(const Batch& batch, const BatchRows& rows, const Recombined& made, BatchRows* to) {
  to->fields.resize(batch.fields.size());
  to->tables.resize(rows.tables.size());
  for (size_t t = 0; t < rows.tables.size(); ++t) to->tables[t].Refer(rows.tables[t]);
  for (size_t f = 0; f < batch.fields.size(); ++f) {
    const FieldBags& from = batch.fields[f];
    std::vector<uint32_t>& taken = to->fields[f];
    taken.clear();
    // A field that the other table's tower doesn't read.
    if (rows.fields[f].size() != from.keys.size()) continue;
    taken.reserve(static_cast<size_t>(batch.rows()) * LongestBag(from));
    for (const int source : made.sources[GroupOf(made, f)])
      Append(rows.fields[f], from.offsets[source], from.offsets[source + 1], &taken);
    if (made.hidden.empty() || made.hidden[f].empty()) continue;
    for (size_t i = 0; i < taken.size(); ++i) {
      if (made.hidden[f][i] != 0) taken[i] = BatchRows::kOovRow;
    }
  }
}

}  // namespace tandem
