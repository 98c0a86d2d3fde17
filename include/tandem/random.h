// Counter-based randomness: a value is a function of a key, never of how many were drawn before.
//
//   const Random random(seed, RandomPurpose::kDropout, {kTeacher, layer, step});
//   const float u = random.Uniform(row * width + unit);      // in [0, 1)
//
// So the student can't shift the teacher's dropout, and a resumed run draws what the uninterrupted one drew.
// Thread-safe: a Random is a constant.
#ifndef TANDEM_RANDOM_H_
#define TANDEM_RANDOM_H_

#include <cstdint>
#include <initializer_list>

namespace tandem {

// What a value is for; part of its key. Numbers are part of the format of a run: never reuse one.
enum class RandomPurpose : uint64_t {
  kParameters = 1,  // first values of dense parameters
  kRow = 2,         // first values of embedding rows
  kShuffle = 3,
  kDropout = 4,
  kIdDropout = 5,
  kSynthetic = 6,
  kReplay = 7,
  kRecombine = 8,
  kKnotLine = 9,  // the line of first values of a number's knots
  kTuning = 10,
};

class Random {
 public:
  // XXH3-64 of the seed, the purpose and the parts, of which there are at most 7.
  Random(uint64_t seed, RandomPurpose purpose, std::initializer_list<uint64_t> parts);

  // 64 random bits for the given counter.
  uint64_t Bits(uint64_t counter) const {
    // splitmix64's finalizer over a Weyl sequence (Steele, Lea and Flood 2014).
    uint64_t z = key_ + (counter + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, 1), 24 bits.
  float Uniform(uint64_t counter) const { return static_cast<float>(Bits(counter) >> 40) * 0x1p-24f; }
  // In [0, 1), 53 bits.
  double UniformDouble(uint64_t counter) const { return static_cast<double>(Bits(counter) >> 11) * 0x1p-53; }
  // Standard normal (Box and Muller 1958), computed in double; the same bits on every machine.
  double Normal(uint64_t counter) const;
  // Normal(first), Normal(first + 1), ..., a quarter of the time each. out: [n]
  void Normals(uint64_t first, int64_t n, double* out) const;

 private:
  uint64_t key_;
};

}  // namespace tandem

#endif  // TANDEM_RANDOM_H_
