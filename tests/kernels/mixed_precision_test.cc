// Products of bfloat16 factors: the portable ones, and those of tiles, against sums in double precision of
// the rounded factors, every other variant that this processor runs bit for bit against the portable ones,
// and rows and columns alone against any others.
#include "src/kernels/mixed_precision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/random_floats.h"

namespace tandem {
namespace {

// The nearest bfloat16, ties to even.
float Rounded(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

// A matrix with marks between its rows, which no kernel may touch.
constexpr float kMark = 12345.0f;

struct Values {
  Values(int rows, int cols, int padding, uint64_t seed)
      : rows(rows), cols(cols), stride(cols + padding), data(int64_t{rows} * (cols + padding) + 1, kMark) {
    const AlignedFloats random = RandomFloats(int64_t{rows} * cols, seed);
    for (int r = 0; r < rows; ++r) std::copy_n(random.data() + r * cols, cols, data.data() + r * stride);
  }
  Matrix view() { return {data.data(), rows, cols, stride}; }
  ConstMatrix columns(int begin, int count) const { return {data.data() + begin, rows, count, stride}; }
  ConstMatrix view() const { return columns(0, cols); }
  float at(int r, int c) const { return data[r * stride + c]; }
  float rounded(int r, int c) const { return Rounded(at(r, c)); }
  bool padding_untouched() const {
    for (int r = 0; r < rows; ++r) {
      for (int64_t c = cols; c < stride; ++c) {
        if (data[r * stride + c] != kMark) return false;
      }
    }
    return true;
  }

  int rows, cols;
  int64_t stride;
  AlignedFloats data;
};

// Sums are of about `terms` terms below 1, each rounded to float32.
template <typename F>
void ExpectNear(const Values& actual, double terms, const F& expected) {
  const double tolerance = 1e-6 * std::sqrt(terms + 1) + 1e-6;
  for (int r = 0; r < actual.rows; ++r) {
    for (int c = 0; c < actual.cols; ++c) {
      const double want = expected(r, c);
      ASSERT_NEAR(actual.at(r, c), want, tolerance * (1 + std::abs(want))) << "at (" << r << ", " << c << ")";
    }
  }
}

// Where two runs of floats differ in their bits, or -1.
int64_t FirstDifference(const float* a, const float* b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    // Bits. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
    if (std::memcmp(a + i, b + i, sizeof(float)) != 0) return i;
  }
  return -1;
}
bool SameBits(const Values& a, const Values& b) {
  return FirstDifference(a.data.data(), b.data.data(), static_cast<int64_t>(a.data.size())) < 0;
}

class MixedPrecisionTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
  static const Kernels& portable() { return *AvailableBf16FactorKernels().back(); }
  // Whether its bits are looked at by themselves, and not next to the portable ones.
  bool has_own_bits() const { return &kernels() == &portable() || std::string(kernels().name()) == "amx"; }

  static AlignedFloats Pack(const Kernels& kernels, const AlignedFloats& w, int k, int n) {
    AlignedFloats packed(kernels.PackedFloats(k, n));
    kernels.Pack(w.data(), k, n, n, 1, packed.data());
    return packed;
  }
  static AlignedFloats CinPack(const Kernels& kernels, const CinShape& shape, const AlignedFloats& w) {
    AlignedFloats packed(kernels.CinPackedFloats(shape));
    kernels.CinPack(shape, w.data(), packed.data());
    return packed;
  }
};

INSTANTIATE_TEST_SUITE_P(Variants, MixedPrecisionTest, testing::ValuesIn(AvailableBf16FactorKernels()),
                         [](const auto& info) { return std::string(info.param->name()); });

struct GemmCase {
  int rows, k, n;
};
// Tails of every kind: of the tile, of the vector, of pairs, of blocks and depths.
const GemmCase kGemmCases[] = {{1, 1, 1},     {1, 7, 130},  {2, 33, 17}, {3, 16, 48},
                               {5, 40, 31},   {6, 64, 16},  {7, 100, 1}, {13, 39, 65},
                               {29, 128, 64}, {193, 21, 9}, {64, 0, 5},  {12, 2101, 8}};

TEST_P(MixedPrecisionTest, GemmIsTheProductOfRoundedFactorsWithBiasActivationAndAccumulation) {
  for (const GemmCase& c : kGemmCases) {
    for (int options = 0; options < 8; ++options) {
      const bool with_bias = (options & 1) != 0, relu = (options & 2) != 0, accumulate = (options & 4) != 0;
      SCOPED_TRACE(testing::Message() << c.rows << "x" << c.k << "x" << c.n << " bias " << with_bias
                                      << " relu " << relu << " accumulate " << accumulate);
      const Values x(c.rows, c.k, 3, 1);
      const AlignedFloats w = RandomFloats(int64_t{c.k} * c.n, 2);
      const AlignedFloats bias = RandomFloats(c.n, 3);
      const Values before(c.rows, c.n, 5, 4);
      const auto product = [&](const Kernels& kernels) {
        Values y = before;
        kernels.Gemm(x.view(), Pack(kernels, w, c.k, c.n).data(), with_bias ? bias.data() : nullptr, relu,
                     accumulate, y.view());
        return y;
      };
      const Values y = product(kernels());
      EXPECT_TRUE(y.padding_untouched());
      if (!has_own_bits()) {
        EXPECT_TRUE(SameBits(y, product(portable())));
        continue;
      }
      ExpectNear(y, c.k, [&](int i, int j) {
        double sum = (with_bias ? bias[j] : 0) + (accumulate ? before.at(i, j) : 0);
        for (int s = 0; s < c.k; ++s) sum += static_cast<double>(x.rounded(i, s)) * Rounded(w[s * c.n + j]);
        return relu ? std::max(sum, 0.0) : sum;
      });
    }
  }
}

TEST_P(MixedPrecisionTest, PackTakesAnyStrides) {
  for (const GemmCase& c : kGemmCases) {
    SCOPED_TRACE(testing::Message() << c.k << "x" << c.n);
    const AlignedFloats w = RandomFloats(int64_t{c.k} * c.n, 2);
    AlignedFloats transposed(w.size()), apart(2 * w.size());
    for (int i = 0; i < c.k; ++i) {
      for (int j = 0; j < c.n; ++j) {
        transposed[j * c.k + i] = w[i * c.n + j];
        apart[2 * (i * c.n + j)] = w[i * c.n + j];
      }
    }
    const AlignedFloats packed = Pack(kernels(), w, c.k, c.n);
    AlignedFloats other(packed.size(), kMark);
    kernels().Pack(transposed.data(), c.k, c.n, 1, c.k, other.data());
    EXPECT_EQ(FirstDifference(packed.data(), other.data(), packed.size()), -1);
    other.assign(packed.size(), kMark);
    kernels().Pack(apart.data(), c.k, c.n, 2 * c.n, 2, other.data());
    EXPECT_EQ(FirstDifference(packed.data(), other.data(), packed.size()), -1);
  }
}

TEST_P(MixedPrecisionTest, ARowOfGemmHasTheSameBitsAloneAndInAnyBatch) {
  constexpr int kRows = 200;
  for (const auto& [k, n] : {std::pair(39, 70), std::pair(1100, 33), std::pair(24, 1)}) {
    const Values x(kRows, k, 1, 1);
    const AlignedFloats bias = RandomFloats(n, 3);
    const AlignedFloats packed = Pack(kernels(), RandomFloats(int64_t{k} * n, 2), k, n);
    Values alone(kRows, n, 0, 4);
    for (int i = 0; i < kRows; ++i) {
      kernels().Gemm({x.view().row(i), 1, k, x.stride}, packed.data(), bias.data(), true, false,
                     {alone.view().row(i), 1, n, n});
    }
    for (const int rows : {2, 3, 13, 14, 15, 29, 111, 113, 200}) {
      for (const int begin : {0, 1, kRows - rows}) {
        if (begin + rows > kRows) continue;
        Values batch(rows, n, 0, 5);
        kernels().Gemm({x.view().row(begin), rows, k, x.stride}, packed.data(), bias.data(), true, false,
                       batch.view());
        ASSERT_EQ(FirstDifference(batch.data.data(), alone.view().row(begin), int64_t{rows} * n), -1)
            << "k " << k << ", n " << n << ", rows " << begin << " to " << begin + rows;
      }
    }
  }
}

TEST_P(MixedPrecisionTest, GemmTransposedSumsProductsOfRoundedFactorsOverRows) {
  const GemmCase cases[] = {{1, 1, 1},     {1, 17, 33},   {5, 6, 16},    {40, 13, 31}, {128, 62, 40},
                            {301, 29, 65}, {33, 500, 20}, {128, 39, 39}, {0, 3, 4}};
  for (const GemmCase& c : cases) {
    for (const bool accumulate : {false, true}) {
      SCOPED_TRACE(testing::Message() << c.rows << "x" << c.k << "x" << c.n << " accumulate " << accumulate);
      const Values x(c.rows, c.k, 2, 1), dy(c.rows, c.n, 3, 2), before(c.k, c.n, 7, 3);
      const auto product = [&](const Kernels& kernels) {
        Values dw = before;
        kernels.GemmTransposed(x.view(), dy.view(), accumulate, dw.view());
        return dw;
      };
      const Values dw = product(kernels());
      EXPECT_TRUE(dw.padding_untouched());
      if (!has_own_bits()) {
        EXPECT_TRUE(SameBits(dw, product(portable())));
        continue;
      }
      ExpectNear(dw, c.rows, [&](int i, int j) {
        double sum = accumulate ? before.at(i, j) : 0;
        for (int r = 0; r < c.rows; ++r) sum += static_cast<double>(x.rounded(r, i)) * dy.rounded(r, j);
        return sum;
      });
    }
  }
}

TEST_P(MixedPrecisionTest, GemmTransposedOntoHasTheBitsOfAddingTheProductAfterwards) {
  for (const GemmCase& c : {GemmCase{1, 1, 1}, {5, 6, 16}, {128, 500, 40}, {256, 29, 65}, {0, 3, 4}}) {
    SCOPED_TRACE(testing::Message() << c.rows << "x" << c.k << "x" << c.n);
    const Values x(c.rows, c.k, 2, 1), dy(c.rows, c.n, 3, 2), before(c.k, c.n, 7, 4), last(c.k, c.n, 7, 5);
    Values product = last, dw = last;
    kernels().GemmTransposed(x.view(), dy.view(), false, product.view());
    // The last addend is the target itself.
    const float* const addends[] = {before.view().data, dw.view().data};
    kernels().GemmTransposedOnto(x.view(), dy.view(), addends, dw.view());
    EXPECT_TRUE(dw.padding_untouched());
    for (int i = 0; i < c.k; ++i) {
      for (int j = 0; j < c.n; ++j)
        ASSERT_EQ(dw.at(i, j), last.at(i, j) + (before.at(i, j) + product.at(i, j))) << i << ", " << j;
    }
  }
}

TEST_P(MixedPrecisionTest, FactorsRoundToTheNearestTiesToEvenDenormalsToZeroAndNaNStays) {
  const float inf = std::numeric_limits<float>::infinity();
  uint32_t payload = 0x7fffffff;
  float loud;
  std::memcpy(&loud, &payload, sizeof(loud));
  const struct {
    float factor, rounded;
  } cases[] = {{1.0f, 1.0f},
               {1.0f + 0x1p-8f, 1.0f},                // a tie
               {1.0f + 0x1.8p-7f, 1.0f + 0x1p-6f},    // another
               {1.0f + 0x1.001p-8f, 1.0f + 0x1p-7f},  // above it
               {-1.0f - 0x1.001p-8f, -1.0f - 0x1p-7f},
               {0x1.fffffep127f, inf},
               {inf, inf},
               {-inf, -inf},
               {0x1p-127f, 0.0f},
               {std::nanf(""), std::nanf("")},
               {loud, std::nanf("")}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.factor);
    for (const bool as_weight : {false, true}) {
      const AlignedFloats packed = Pack(kernels(), {as_weight ? c.factor : 1.0f}, 1, 1);
      const float x = as_weight ? 1.0f : c.factor;
      for (const bool relu : {false, true}) {
        float y = kMark;
        kernels().Gemm({&x, 1, 1, 1}, packed.data(), nullptr, relu, false, {&y, 1, 1, 1});
        const float want = relu && c.rounded < 0 ? 0.0f : c.rounded;
        EXPECT_TRUE(std::isnan(want) ? std::isnan(y) : y == want) << y;
      }
    }
  }
}

// ---- compressed interaction network

struct CinCase {
  CinShape shape;
  int cols;
};
const CinCase kCinCases[] = {{{1, 1, 1, false}, 1},    {{5, 3, 4, false}, 7},    {{6, 4, 4, true}, 16},
                             {{20, 10, 10, true}, 47}, {{20, 6, 39, false}, 33}, {{129, 9, 7, false}, 65},
                             {{37, 39, 39, true}, 35}, {{3, 20, 5, false}, 530}, {{1101, 3, 3, true}, 9},
                             {{2, 2, 2, true}, 1041},  {{3, 2, 600, false}, 9},  {{2, 301, 301, true}, 3}};

// A layer's inputs: xk is x0 where the shape is symmetric.
struct Layer {
  explicit Layer(const CinCase& c)
      : shape(c.shape),
        w(RandomFloats(int64_t{c.shape.maps} * c.shape.previous * c.shape.fields, 1)),
        bias(RandomFloats(c.shape.maps, 2)),
        x0(c.shape.fields, c.cols, 5, 3),
        xk(c.shape.previous, c.cols, 6, c.shape.symmetric ? 3 : 4),
        d_out(c.shape.maps, c.cols, 1, 10) {}
  // Of the product xk[i] x0[j], rounded: folded where the pairs (i, j) and (j, i) are one, and then of one of
  // them alone.
  double weight(int h, int i, int j) const {
    const float* row = w.data() + int64_t{h} * shape.previous * shape.fields;
    if (!shape.symmetric || i == j) return Rounded(row[i * shape.fields + j]);
    return i > j ? 0 : Rounded(row[i * shape.fields + j] + row[j * shape.fields + i]);
  }
  double product(int i, int j, int c) const { return Rounded(xk.at(i, c) * x0.at(j, c)); }

  CinShape shape;
  AlignedFloats w, bias;
  Values x0, xk, d_out;
};

std::string Name(const CinCase& c) {
  return (testing::Message() << c.shape.maps << "x" << c.shape.previous << "x" << c.shape.fields
                             << " symmetric " << c.shape.symmetric << ", " << c.cols << " columns")
      .GetString();
}

TEST_P(MixedPrecisionTest, CinForwardIsTheSumOfRoundedProductsByRoundedWeights) {
  for (const CinCase& c : kCinCases) {
    SCOPED_TRACE(Name(c));
    const Layer layer(c);
    const auto forward = [&](const Kernels& kernels, bool plain) {
      Values out(c.shape.maps, c.cols, 4, 9);
      kernels.CinForward(c.shape, CinPack(kernels, c.shape, layer.w).data(),
                         plain ? nullptr : layer.bias.data(), !plain, layer.x0.view(), layer.xk.view(),
                         out.view());
      return out;
    };
    for (const bool plain : {false, true}) {
      const Values out = forward(kernels(), plain);
      EXPECT_TRUE(out.padding_untouched());
      if (!has_own_bits()) {
        EXPECT_TRUE(SameBits(out, forward(portable(), plain)));
        continue;
      }
      ExpectNear(out, c.shape.previous * c.shape.fields, [&](int h, int col) {
        double sum = plain ? 0 : layer.bias[h];
        for (int i = 0; i < c.shape.previous; ++i) {
          for (int j = 0; j < c.shape.fields; ++j) sum += layer.weight(h, i, j) * layer.product(i, j, col);
        }
        return plain ? sum : std::max(sum, 0.0);
      });
    }
  }
}

TEST_P(MixedPrecisionTest, CinBackwardDataAddsTheGradientsOfBothFactors) {
  for (const CinCase& c : kCinCases) {
    SCOPED_TRACE(Name(c));
    const Layer layer(c);
    const Values dx0_before(c.shape.fields, c.cols, 2, 11), dxk_before(c.shape.previous, c.cols, 3, 12);
    Values dx0 = dx0_before, dxk = dxk_before;
    const auto backward = [&](const Kernels& kernels, Values* x0, Values* xk) {
      kernels.CinBackwardData(c.shape, CinPack(kernels, c.shape, layer.w).data(), layer.x0.view(),
                              layer.xk.view(), layer.d_out.view(), x0->view(), xk->view());
    };
    backward(kernels(), &dx0, &dxk);
    EXPECT_TRUE(dx0.padding_untouched() && dxk.padding_untouched());
    if (!has_own_bits()) {
      Values dx0_portable = dx0_before, dxk_portable = dxk_before;
      backward(portable(), &dx0_portable, &dxk_portable);
      EXPECT_TRUE(SameBits(dx0, dx0_portable));
      EXPECT_TRUE(SameBits(dxk, dxk_portable));
      continue;
    }
    // Of the product xk[i] x0[j].
    const auto d_product = [&](int i, int j, int col) {
      double sum = 0;
      for (int h = 0; h < c.shape.maps; ++h) sum += layer.weight(h, i, j) * layer.d_out.rounded(h, col);
      return sum;
    };
    const auto of_xk = [&](int i, int col) {
      double sum = 0;
      for (int j = 0; j < c.shape.fields; ++j) sum += d_product(i, j, col) * layer.x0.at(j, col);
      return sum;
    };
    const auto of_x0 = [&](int j, int col) {
      double sum = 0;
      for (int i = 0; i < c.shape.previous; ++i) sum += d_product(i, j, col) * layer.xk.at(i, col);
      return sum;
    };
    const double terms = 3.0 * c.shape.maps * std::max(c.shape.previous, c.shape.fields);
    ExpectNear(dx0, terms, [&](int j, int col) {
      return dx0_before.at(j, col) + of_x0(j, col) + (c.shape.symmetric ? of_xk(j, col) : 0);
    });
    ExpectNear(dxk, terms, [&](int i, int col) {
      return dxk_before.at(i, col) + (c.shape.symmetric ? 0 : of_xk(i, col));
    });
  }
}

TEST_P(MixedPrecisionTest, CinBackwardWeightsSumOverColumns) {
  for (const CinCase& c : kCinCases) {
    SCOPED_TRACE(Name(c));
    const Layer layer(c);
    const auto backward = [&](const Kernels& kernels) {
      Values dw(c.shape.maps, c.shape.previous * c.shape.fields, 0, 11);
      kernels.CinBackwardWeights(c.shape, layer.x0.view(), layer.xk.view(), layer.d_out.view(),
                                 dw.view().data);
      return dw;
    };
    const Values dw = backward(kernels());
    if (!has_own_bits()) {
      EXPECT_TRUE(SameBits(dw, backward(portable())));
      continue;
    }
    ExpectNear(dw, c.cols, [&](int h, int p) {
      double sum = 0;
      for (int col = 0; col < c.cols; ++col) {
        sum += layer.d_out.rounded(h, col) * layer.product(p / c.shape.fields, p % c.shape.fields, col);
      }
      return sum;
    });
  }
}

TEST_P(MixedPrecisionTest, AColumnHasTheSameBitsAloneAndAmongAnyOthers) {
  constexpr int kCols = 200;
  for (const CinShape& shape : {CinShape{21, 12, 39, false}, CinShape{21, 39, 39, true}}) {
    const Layer layer({shape, kCols});
    const AlignedFloats packed = CinPack(kernels(), shape, layer.w);
    // Forward and backward of the columns [begin, begin + count): out, dx0 and dxk of every column, in turn.
    const auto run = [&](int begin, int count) {
      Values out(shape.maps, count, 0, 11);
      AlignedFloats gradients((shape.fields + shape.previous) * count, 0.0f);
      const Matrix dx0 = {gradients.data(), shape.fields, count, count};
      const Matrix dxk = {gradients.data() + shape.fields * count, shape.previous, count, count};
      const ConstMatrix x0 = layer.x0.columns(begin, count), xk = layer.xk.columns(begin, count);
      kernels().CinForward(shape, packed.data(), layer.bias.data(), false, x0, xk, out.view());
      kernels().CinBackwardData(shape, packed.data(), x0, xk, layer.d_out.columns(begin, count), dx0, dxk);
      std::vector<AlignedFloats> columns(count);
      for (int c = 0; c < count; ++c) {
        for (int h = 0; h < shape.maps; ++h) columns[c].push_back(out.at(h, c));
        for (int f = 0; f < shape.fields + shape.previous; ++f)
          columns[c].push_back(gradients[f * count + c]);
      }
      return columns;
    };
    std::vector<AlignedFloats> alone;
    for (int c = 0; c < kCols; ++c) alone.push_back(run(c, 1)[0]);
    for (const auto& [begin, count] : {std::pair(0, kCols), std::pair(1, kCols - 1), std::pair(3, 40),
                                       std::pair(7, 16), std::pair(100, 33), std::pair(199, 1)}) {
      const std::vector<AlignedFloats> batch = run(begin, count);
      for (int c = 0; c < count; ++c) {
        ASSERT_EQ(FirstDifference(batch[c].data(), alone[begin + c].data(), batch[c].size()), -1)
            << "column " << c << " of [" << begin << ", " << begin + count << ")";
      }
    }
  }
}

// ---- choice

TEST(WithBf16FactorsTest, EveryFloatKernelsHaveTheirsWithTheSameDotAndTheSameProductsButForTiles) {
  const AlignedFloats x = RandomFloats(1000, 1), y = RandomFloats(1000, 2);
  const AlignedFloats w = RandomFloats(40 * 30, 3);
  std::vector<float> first;
  for (const Kernels* kernels : AvailableKernels()) {
    const Kernels& mixed = WithBf16Factors(*kernels);
    const std::string name = mixed.name(), floats = kernels->name();
    EXPECT_TRUE(name == floats + "+bf16" || name == "avx512+amx") << name;
    EXPECT_EQ(mixed.Dot(x.data(), y.data(), 1000), kernels->Dot(x.data(), y.data(), 1000));
    if (name == "avx512+amx") continue;
    AlignedFloats packed(mixed.PackedFloats(40, 30));
    mixed.Pack(w.data(), 40, 30, 30, 1, packed.data());
    std::vector<float> product(25 * 30);
    mixed.Gemm({x.data(), 25, 40, 40}, packed.data(), nullptr, false, false, {product.data(), 25, 30, 30});
    if (first.empty()) first = product;
    EXPECT_EQ(FirstDifference(product.data(), first.data(), 25 * 30), -1) << mixed.name();
  }
}

}  // namespace
}  // namespace tandem
