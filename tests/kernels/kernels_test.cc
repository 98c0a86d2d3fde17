// Every kernel of every variant that this processor runs, against plain loops in double precision, and the
// promise that a row's bits don't depend on the rows around it.
#include "tandem/kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "tandem/random.h"

namespace tandem {
namespace {

// Values in [-1, 1), a function of `key`.
AlignedFloats Values(int64_t n, uint64_t key) {
  const Random random(7, RandomPurpose::kSynthetic, {key});
  AlignedFloats values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = 2 * random.Uniform(i) - 1;
  return values;
}

// A matrix with unused columns between its rows, which hold a mark that no kernel may touch.
constexpr float kMark = 12345.0f;

class Padded {
 public:
  Padded(int rows, int cols, int padding, uint64_t key)
      : rows_(rows),
        cols_(cols),
        stride_(cols + padding),
        data_(static_cast<int64_t>(rows) * stride_ + padding, kMark) {
    const AlignedFloats values = Values(static_cast<int64_t>(rows) * cols, key);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < cols; ++j) data_[i * stride_ + j] = values[i * cols + j];
    }
  }
  Matrix view() { return {data_.data(), rows_, cols_, stride_}; }
  ConstMatrix rows(int begin, int count) const {
    return {data_.data() + begin * stride_, count, cols_, stride_};
  }
  ConstMatrix columns(int begin, int count) const { return {data_.data() + begin, rows_, count, stride_}; }
  double at(int i, int j) const { return data_[i * stride_ + j]; }
  bool padding_untouched() const {
    for (int i = 0; i < rows_; ++i) {
      for (int64_t j = cols_; j < stride_; ++j) {
        if (data_[i * stride_ + j] != kMark) return false;
      }
    }
    return true;
  }

 private:
  int rows_;
  int cols_;
  int64_t stride_;
  AlignedFloats data_;
};

// Reports the first element that is further from expected(i, j) than rounding explains. Sums are of `terms`
// terms below 1.
template <typename F>
void ExpectNear(const Padded& actual, int rows, int cols, double terms, const F& expected) {
  EXPECT_TRUE(actual.padding_untouched());
  const double tolerance = 1e-6 * std::sqrt(terms + 1) + 1e-6;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j) {
      const double want = expected(i, j);
      ASSERT_NEAR(actual.at(i, j), want, tolerance * (1 + std::abs(want))) << "at (" << i << ", " << j << ")";
    }
  }
}

// The first index where two runs of floats differ in their bits, or -1.
int64_t FirstDifference(const float* a, const float* b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    // Bits. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
    if (std::memcmp(a + i, b + i, sizeof(float)) != 0) return i;
  }
  return -1;
}

class KernelsTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }

  AlignedFloats Pack(const AlignedFloats& w, int k, int n) const {
    AlignedFloats packed(kernels().PackedFloats(k, n));
    kernels().Pack(w.data(), k, n, n, 1, packed.data());
    return packed;
  }
};

INSTANTIATE_TEST_SUITE_P(Variants, KernelsTest, testing::ValuesIn(AvailableKernels()),
                         [](const auto& info) { return std::string(info.param->name()); });

// ---- dense layers

struct GemmCase {
  int rows, k, n;
};
const GemmCase kGemmCases[] = {{1, 1, 1},     {1, 7, 130},  {2, 33, 17}, {3, 16, 48},
                               {5, 40, 31},   {6, 64, 16},  {7, 100, 1}, {13, 39, 65},
                               {29, 128, 64}, {193, 21, 9}, {64, 0, 5},  {12, 2100, 24}};

TEST_P(KernelsTest, GemmIsTheProductWithBiasActivationAndAccumulation) {
  for (const GemmCase& c : kGemmCases) {
    for (const bool with_bias : {false, true}) {
      for (const bool relu : {false, true}) {
        for (const bool accumulate : {false, true}) {
          SCOPED_TRACE(testing::Message() << c.rows << "x" << c.k << "x" << c.n << " bias " << with_bias
                                          << " relu " << relu << " accumulate " << accumulate);
          const Padded x(c.rows, c.k, 3, 1);
          const AlignedFloats w = Values(static_cast<int64_t>(c.k) * c.n, 2);
          const AlignedFloats bias = Values(c.n, 3);
          Padded y(c.rows, c.n, 5, 4);
          const Padded before = y;
          const AlignedFloats packed = Pack(w, c.k, c.n);
          kernels().Gemm(x.rows(0, c.rows), packed.data(), with_bias ? bias.data() : nullptr, relu,
                         accumulate, y.view());
          ExpectNear(y, c.rows, c.n, c.k, [&](int i, int j) {
            double sum = (with_bias ? bias[j] : 0) + (accumulate ? before.at(i, j) : 0);
            for (int s = 0; s < c.k; ++s) sum += x.at(i, s) * w[s * c.n + j];
            return relu ? std::max(sum, 0.0) : sum;
          });
        }
      }
    }
  }
}

TEST_P(KernelsTest, WideAreThoseOf512Bits) {
  EXPECT_EQ(kernels().wide(), std::string(kernels().name()) == "avx512");
}

TEST_P(KernelsTest, PackTakesEitherStride) {
  for (const GemmCase& c : kGemmCases) {
    SCOPED_TRACE(testing::Message() << c.k << "x" << c.n);
    const AlignedFloats w = Values(static_cast<int64_t>(c.k) * c.n, 2);
    AlignedFloats transposed(w.size());
    for (int i = 0; i < c.k; ++i) {
      for (int j = 0; j < c.n; ++j) transposed[j * c.k + i] = w[i * c.n + j];
    }
    const AlignedFloats packed = Pack(w, c.k, c.n);
    AlignedFloats other(packed.size(), kMark);
    kernels().Pack(transposed.data(), c.k, c.n, 1, c.k, other.data());
    EXPECT_EQ(FirstDifference(packed.data(), other.data(), packed.size()), -1);
  }
}

TEST_P(KernelsTest, ARowOfGemmHasTheSameBitsAloneAndInAnyBatch) {
  constexpr int kRows = 200;
  for (const auto& [k, n] : {std::pair(39, 70), std::pair(1500, 33), std::pair(24, 1)}) {
    const Padded x(kRows, k, 1, 1);
    const AlignedFloats bias = Values(n, 3);
    const AlignedFloats packed = Pack(Values(static_cast<int64_t>(k) * n, 2), k, n);
    Padded alone(kRows, n, 0, 4);
    for (int i = 0; i < kRows; ++i) {
      kernels().Gemm(x.rows(i, 1), packed.data(), bias.data(), true, false, {alone.view().row(i), 1, n, n});
    }
    for (int rows = 1; rows <= kRows; rows += rows < 40 ? 1 : 53) {
      for (const int begin : {0, 1, kRows - rows}) {
        if (begin + rows > kRows) continue;
        Padded batch(rows, n, 0, 5);
        kernels().Gemm(x.rows(begin, rows), packed.data(), bias.data(), true, false, batch.view());
        ASSERT_EQ(FirstDifference(batch.view().data, alone.view().row(begin), static_cast<int64_t>(rows) * n),
                  -1)
            << "k " << k << ", n " << n << ", rows " << begin << " to " << begin + rows;
      }
    }
  }
}

TEST_P(KernelsTest, ReluLetsNaNThrough) {
  const AlignedFloats packed = Pack({1.0f}, 1, 1);
  const float x = std::nanf("");
  float y = 0;
  kernels().Gemm({&x, 1, 1, 1}, packed.data(), nullptr, true, false, {&y, 1, 1, 1});
  EXPECT_TRUE(std::isnan(y));
}

TEST_P(KernelsTest, GemmTransposedSumsOverRows) {
  const GemmCase cases[] = {{1, 1, 1},     {1, 17, 33},   {5, 6, 16}, {40, 13, 31},
                            {128, 62, 40}, {300, 29, 65}, {0, 3, 4}};
  for (const GemmCase& c : cases) {
    for (const bool accumulate : {false, true}) {
      SCOPED_TRACE(testing::Message() << c.rows << "x" << c.k << "x" << c.n << " accumulate " << accumulate);
      const Padded x(c.rows, c.k, 2, 1);
      const Padded dy(c.rows, c.n, 3, 2);
      Padded dw(c.k, c.n, 7, 3);
      const Padded before = dw;
      kernels().GemmTransposed(x.rows(0, c.rows), dy.rows(0, c.rows), accumulate, dw.view());
      ExpectNear(dw, c.k, c.n, c.rows, [&](int i, int j) {
        double sum = accumulate ? before.at(i, j) : 0;
        for (int r = 0; r < c.rows; ++r) sum += x.at(r, i) * dy.at(r, j);
        return sum;
      });
    }
  }
}

TEST_P(KernelsTest, GemmTransposedOntoHasTheBitsOfAddingTheProductAfterwards) {
  for (const GemmCase& c : {GemmCase{1, 1, 1}, {5, 6, 16}, {128, 62, 40}, {256, 29, 65}, {0, 3, 4}}) {
    SCOPED_TRACE(testing::Message() << c.rows << "x" << c.k << "x" << c.n);
    const Padded x(c.rows, c.k, 2, 1), dy(c.rows, c.n, 3, 2), before(c.k, c.n, 7, 4);
    Padded product(c.k, c.n, 7, 3), dw(c.k, c.n, 7, 5);
    kernels().GemmTransposed(x.rows(0, c.rows), dy.rows(0, c.rows), false, product.view());
    // The last addend is the target itself.
    const Padded last = dw;
    const float* const addends[] = {before.rows(0, c.k).data, dw.view().data};
    kernels().GemmTransposedOnto(x.rows(0, c.rows), dy.rows(0, c.rows), addends, dw.view());
    for (int i = 0; i < c.k; ++i) {
      for (int j = 0; j < c.n; ++j)
        ASSERT_EQ(dw.at(i, j),
                  static_cast<float>(last.at(i, j) + static_cast<float>(before.at(i, j) + product.at(i, j))))
            << i << ", " << j;
    }
  }
}

// ---- compressed interaction network

struct CinCase {
  CinShape shape;
  int cols;
};
const CinCase kCinCases[] = {{{1, 1, 1, false}, 1},    {{5, 3, 4, false}, 7},      {{6, 4, 4, true}, 16},
                             {{20, 10, 10, true}, 47}, {{20, 6, 39, false}, 33},   {{129, 9, 7, false}, 65},
                             {{37, 39, 39, true}, 80}, {{64, 20, 39, false}, 160}, {{3, 130, 5, false}, 600},
                             {{1100, 3, 3, true}, 35}, {{2, 2, 2, true}, 1040},    {{13, 17, 11, false}, 513},
                             {{3, 2, 1100, false}, 9}, {{2, 300, 300, true}, 18}};

class CinKernelsTest : public KernelsTest {
 protected:
  // A layer's inputs: xk is x0 where the shape is symmetric.
  struct Layer {
    explicit Layer(const CinCase& c)
        : shape(c.shape),
          cols(c.cols),
          w(Values(static_cast<int64_t>(c.shape.maps) * c.shape.previous * c.shape.fields, 1)),
          bias(Values(c.shape.maps, 2)),
          x0(c.shape.fields, c.cols, 5, 3),
          xk(c.shape.previous, c.cols, 6, c.shape.symmetric ? 3 : 4) {}
    double weight(int h, int i, int j) const { return w[(h * shape.previous + i) * shape.fields + j]; }

    CinShape shape;
    int cols;
    AlignedFloats w;
    AlignedFloats bias;
    Padded x0;
    Padded xk;
  };
  AlignedFloats PackLayer(const Layer& layer) const {
    AlignedFloats packed(kernels().CinPackedFloats(layer.shape));
    kernels().CinPack(layer.shape, layer.w.data(), packed.data());
    return packed;
  }
  static std::string Name(const CinCase& c) {
    return (testing::Message() << c.shape.maps << "x" << c.shape.previous << "x" << c.shape.fields
                               << " symmetric " << c.shape.symmetric << ", " << c.cols << " columns")
        .GetString();
  }
};

INSTANTIATE_TEST_SUITE_P(Variants, CinKernelsTest, testing::ValuesIn(AvailableKernels()),
                         [](const auto& info) { return std::string(info.param->name()); });

TEST_P(CinKernelsTest, ForwardIsTheWeightedSumOfPairs) {
  for (const CinCase& c : kCinCases) {
    SCOPED_TRACE(Name(c));
    const Layer layer(c);
    const AlignedFloats packed = PackLayer(layer);
    for (const bool plain : {false, true}) {
      Padded out(c.shape.maps, c.cols, 4, 9);
      kernels().CinForward(c.shape, packed.data(), plain ? nullptr : layer.bias.data(), !plain,
                           layer.x0.columns(0, c.cols), layer.xk.columns(0, c.cols), out.view());
      ExpectNear(out, c.shape.maps, c.cols, c.shape.previous * c.shape.fields, [&](int h, int col) {
        double sum = plain ? 0 : layer.bias[h];
        for (int i = 0; i < c.shape.previous; ++i) {
          for (int j = 0; j < c.shape.fields; ++j) {
            sum += layer.weight(h, i, j) * layer.xk.at(i, col) * layer.x0.at(j, col);
          }
        }
        return plain ? sum : std::max(sum, 0.0);
      });
    }
  }
}

TEST_P(CinKernelsTest, BackwardDataAddsTheGradientsOfBothFactors) {
  for (const CinCase& c : kCinCases) {
    SCOPED_TRACE(Name(c));
    const Layer layer(c);
    const AlignedFloats packed = PackLayer(layer);
    const Padded d_out(c.shape.maps, c.cols, 1, 10);
    Padded dx0(c.shape.fields, c.cols, 2, 11);
    Padded dxk(c.shape.previous, c.cols, 3, 12);
    const Padded dx0_before = dx0;
    const Padded dxk_before = dxk;
    kernels().CinBackwardData(c.shape, packed.data(), layer.x0.columns(0, c.cols),
                              layer.xk.columns(0, c.cols), d_out.columns(0, c.cols), dx0.view(), dxk.view());
    const auto of_xk = [&](int i, int col) {
      double sum = 0;
      for (int h = 0; h < c.shape.maps; ++h) {
        for (int j = 0; j < c.shape.fields; ++j)
          sum += d_out.at(h, col) * layer.weight(h, i, j) * layer.x0.at(j, col);
      }
      return sum;
    };
    const auto of_x0 = [&](int j, int col) {
      double sum = 0;
      for (int h = 0; h < c.shape.maps; ++h) {
        for (int i = 0; i < c.shape.previous; ++i)
          sum += d_out.at(h, col) * layer.weight(h, i, j) * layer.xk.at(i, col);
      }
      return sum;
    };
    const double terms = 3.0 * c.shape.maps * c.shape.previous;
    ExpectNear(dx0, c.shape.fields, c.cols, terms, [&](int j, int col) {
      return dx0_before.at(j, col) + of_x0(j, col) + (c.shape.symmetric ? of_xk(j, col) : 0);
    });
    ExpectNear(dxk, c.shape.previous, c.cols, terms, [&](int i, int col) {
      return dxk_before.at(i, col) + (c.shape.symmetric ? 0 : of_xk(i, col));
    });
  }
}

TEST_P(CinKernelsTest, BackwardWeightsSumOverColumns) {
  for (const CinCase& c : kCinCases) {
    SCOPED_TRACE(Name(c));
    const Layer layer(c);
    const Padded d_out(c.shape.maps, c.cols, 1, 10);
    Padded dw(c.shape.maps, c.shape.previous * c.shape.fields, 0, 11);
    kernels().CinBackwardWeights(c.shape, layer.x0.columns(0, c.cols), layer.xk.columns(0, c.cols),
                                 d_out.columns(0, c.cols), dw.view().data);
    ExpectNear(dw, c.shape.maps, c.shape.previous * c.shape.fields, c.cols, [&](int h, int p) {
      double sum = 0;
      for (int col = 0; col < c.cols; ++col) {
        sum += d_out.at(h, col) * layer.xk.at(p / c.shape.fields, col) * layer.x0.at(p % c.shape.fields, col);
      }
      return sum;
    });
  }
}

TEST_P(CinKernelsTest, AColumnHasTheSameBitsAloneAndAmongAnyOthers) {
  constexpr int kCols = 640;
  for (const CinShape& shape : {CinShape{21, 12, 39, false}, CinShape{21, 39, 39, true}}) {
    const Layer layer({shape, kCols});
    const AlignedFloats packed = PackLayer(layer);
    const Padded d_out(shape.maps, kCols, 0, 10);
    // Forward and backward of the columns [begin, begin + count): out, dx0 and dxk of every column, in turn.
    const auto run = [&](int begin, int count) {
      Padded out(shape.maps, count, 0, 11);
      AlignedFloats gradients((shape.fields + shape.previous) * count, 0.0f);
      const Matrix dx0 = {gradients.data(), shape.fields, count, count};
      const Matrix dxk = {gradients.data() + shape.fields * count, shape.previous, count, count};
      const ConstMatrix x0 = layer.x0.columns(begin, count);
      const ConstMatrix xk = layer.xk.columns(begin, count);
      kernels().CinForward(shape, packed.data(), layer.bias.data(), false, x0, xk, out.view());
      kernels().CinBackwardData(shape, packed.data(), x0, xk, d_out.columns(begin, count), dx0, dxk);
      std::vector<AlignedFloats> columns(count);
      for (int c = 0; c < count; ++c) {
        for (int h = 0; h < shape.maps; ++h) columns[c].push_back(out.view().row(h)[c]);
        for (int f = 0; f < shape.fields + shape.previous; ++f)
          columns[c].push_back(gradients[f * count + c]);
      }
      return columns;
    };
    std::vector<AlignedFloats> alone;
    for (int c = 0; c < kCols; ++c) alone.push_back(run(c, 1)[0]);
    for (const auto& [begin, count] :
         {std::pair(0, kCols), std::pair(1, kCols - 1), std::pair(3, 40), std::pair(7, 16),
          std::pair(100, 33), std::pair(9, 15), std::pair(639, 1), std::pair(5, 200)}) {
      const std::vector<AlignedFloats> batch = run(begin, count);
      for (int c = 0; c < count; ++c) {
        ASSERT_EQ(FirstDifference(batch[c].data(), alone[begin + c].data(), batch[c].size()), -1)
            << "column " << c << " of [" << begin << ", " << begin + count << ")";
      }
    }
  }
}

// ---- vectors

TEST_P(KernelsTest, DotAndAxpyTakeAnyLength) {
  for (const int n : {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 63, 64, 65, 130, 1000}) {
    const AlignedFloats x = Values(n + 1, 1);
    AlignedFloats y = Values(n + 1, 2);
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * y[i];
    EXPECT_NEAR(kernels().Dot(x.data(), y.data(), n), sum, 1e-6 * std::sqrt(n + 1)) << n;
    const AlignedFloats before = y;
    kernels().Axpy(0.5f, x.data(), n, y.data());
    for (int i = 0; i < n; ++i) ASSERT_NEAR(y[i], before[i] + 0.5 * x[i], 1e-6) << n << " at " << i;
    EXPECT_EQ(y[n], before[n]) << n;
  }
}

TEST_P(KernelsTest, SumGroupsSumsEveryGroupOfAnySizeInOneOrder) {
  constexpr int kGroups = 3, kStride = 2;
  for (const int size : {0, 1, 3, 4, 8, 15, 16, 17, 31, 64, 65, 130, 1000}) {
    const AlignedFloats x = Values(kGroups * size + 1, 1);
    AlignedFloats sums(kGroups * kStride, kMark);
    kernels().SumGroups(x.data(), kGroups, size, sums.data(), kStride);
    for (int g = 0; g < kGroups; ++g) {
      double sum = 0;
      for (int i = 0; i < size; ++i) sum += x[g * size + i];
      EXPECT_NEAR(sums[g * kStride], sum, 1e-6 * std::sqrt(size + 1)) << size;
      EXPECT_EQ(sums[g * kStride + 1], kMark) << size;
      float alone = kMark;
      kernels().SumGroups(x.data() + g * size, 1, size, &alone, 1);
      EXPECT_EQ(alone, sums[g * kStride]) << size;
    }
  }
}

// ---- choice

TEST(FindKernelsTest, AutoIsTheFirstAvailableAndEveryNameFindsItself) {
  const std::vector<const Kernels*> available = AvailableKernels();
  ASSERT_FALSE(available.empty());
  EXPECT_EQ(FindKernels("auto").value(), available.front());
  for (const Kernels* kernels : available) EXPECT_EQ(FindKernels(kernels->name()).value(), kernels);
  EXPECT_STREQ(available.back()->name(), "generic");
}

TEST(FindKernelsTest, NullKernelsAreTheBestAndOthersAreThemselves) {
  const std::vector<const Kernels*> available = AvailableKernels();
  EXPECT_EQ(&KernelsOrBest(nullptr), available.front());
  for (const Kernels* kernels : available) EXPECT_EQ(&KernelsOrBest(kernels), kernels);
}

TEST(FindKernelsTest, AnUnknownNameIsAnErrorThatListsTheKnownOnes) {
  const absl::Status status = FindKernels("sse9").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(testing::HasSubstr("sse9"), testing::HasSubstr("generic")));
}

}  // namespace
}  // namespace tandem
