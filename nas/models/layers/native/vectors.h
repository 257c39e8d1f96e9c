// Vectors of the processor's own width, loops over channels, and a small matrix product. Maps are channels-last.

#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace segnas {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kTileRows = 12;  // 24 accumulators, 2 columns and a broadcast value in 32 registers
#else
constexpr int kVectorBytes = 32;
constexpr int kTileRows = 6;
#endif

template <class T, int kLanes>
struct Lanes {
  typedef T Vector __attribute__((vector_size(kLanes * sizeof(T)), aligned(sizeof(T)), may_alias));
};

template <class T>
constexpr int kWidest = kVectorBytes / sizeof(T);

template <class T>
using Vector = typename Lanes<T, kWidest<T>>::Vector;

template <class V, class T>
inline V load(const T* place) {
  return *reinterpret_cast<const V*>(place);
}

template <class V, class T>
inline void store(T* place, const V& value) {
  *reinterpret_cast<V*>(place) = value;
}

// A value behind a ReLU of `mask`: zero where the mask is not above zero. What is not a number stays so, as in torch.
template <class V>
inline V where_positive(const V& mask, const V& value) {
  return mask <= V{} ? V{} : value;
}

// Calls body.operator()<V>(channel) for every vector of channels, and with V = T for each channel that is left.
template <class T, class Body>
inline void for_channels(int64_t channels, const Body& body) {
  int64_t c = 0;
  for (; c + kWidest<T> <= channels; c += kWidest<T>) body.template operator()<Vector<T>>(c);
  for (; c < channels; ++c) body.template operator()<T>(c);
}

// Calls body.operator()<V>() with the widest V whose lanes divide the channels; V = T where none does.
template <class T, class Body>
inline void with_dividing_vector(int64_t channels, const Body& body) {
  if (channels % kWidest<T> == 0) return body.template operator()<Vector<T>>();
  if (channels % (kWidest<T> / 2) == 0) return body.template operator()<typename Lanes<T, kWidest<T> / 2>::Vector>();
  body.template operator()<T>();
}

inline int64_t whole_vectors(int64_t count, int64_t lanes) { return (count + lanes - 1) / lanes * lanes; }

// One tile C[kRows][columns] (+)= sum over p of A[i * ai + p * ap] * B[p * bp + j]; B has kColumns whole vectors.
template <class V, class T, int kRows, int kColumns>
inline void tile(const T* a, int64_t ai, int64_t ap, const T* b, int64_t bp, int64_t depth, T* c, int64_t ldc,
                 int64_t columns, bool add) {
  constexpr int64_t lanes = sizeof(V) / sizeof(T);
  V sum[kRows][kColumns];
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kColumns; ++j) sum[i][j] = V{};
  for (int64_t p = 0; p < depth; ++p) {
    V right[kColumns];
#pragma GCC unroll 4
    for (int j = 0; j < kColumns; ++j) right[j] = load<V>(b + p * bp + j * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const T left = a[i * ai + p * ap];
#pragma GCC unroll 4
      for (int j = 0; j < kColumns; ++j) sum[i][j] += left * right[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kColumns; ++j) {
      T* place = c + i * ldc + j * lanes;
      if ((j + 1) * lanes <= columns) {
        store<V>(place, add ? load<V>(place) + sum[i][j] : sum[i][j]);
      } else {
        const T* values = reinterpret_cast<const T*>(&sum[i][j]);
        for (int64_t l = 0; l < columns - j * lanes; ++l) place[l] = add ? place[l] + values[l] : values[l];
      }
    }
  }
}

template <class V, class T, int kColumns>
inline void tile_rows(int64_t rows, const T* a, int64_t ai, int64_t ap, const T* b, int64_t bp, int64_t depth, T* c,
                      int64_t ldc, int64_t columns, bool add) {
  int64_t i = 0;
  for (; i + kTileRows <= rows; i += kTileRows)
    tile<V, T, kTileRows, kColumns>(a + i * ai, ai, ap, b, bp, depth, c + i * ldc, ldc, columns, add);
  for (; i + 4 <= rows; i += 4)
    tile<V, T, 4, kColumns>(a + i * ai, ai, ap, b, bp, depth, c + i * ldc, ldc, columns, add);
  for (; i < rows; ++i) tile<V, T, 1, kColumns>(a + i * ai, ai, ap, b, bp, depth, c + i * ldc, ldc, columns, add);
}

// C[rows][columns] (+)= A B, where B is (depth, columns) with rows of `ldb` entries: whole vectors, if need be with
// something else beyond the columns.
template <class V, class T>
inline void multiply(int64_t rows, int64_t columns, int64_t depth, const T* a, int64_t ai, int64_t ap, const T* b,
                     int64_t ldb, T* c, int64_t ldc, bool add) {
  constexpr int64_t lanes = sizeof(V) / sizeof(T);
  int64_t j = 0;
  for (; j + lanes < columns; j += 2 * lanes)
    tile_rows<V, T, 2>(rows, a, ai, ap, b + j, ldb, depth, c + j, ldc, columns - j, add);
  if (j < columns) tile_rows<V, T, 1>(rows, a, ai, ap, b + j, ldb, depth, c + j, ldc, columns - j, add);
}

// A matrix (rows, columns), or the transpose of one (columns, rows), with rows of whole vectors, zero at their ends.
template <class T>
struct Padded {
  int64_t stride;
  std::vector<T> values;

  Padded(const T* matrix, int64_t rows, int64_t columns, bool transposed)
      : stride(whole_vectors(columns, kWidest<T>)), values(rows * stride, T(0)) {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        values[i * stride + j] = transposed ? matrix[j * rows + i] : matrix[i * columns + j];
  }
};

}  // namespace segnas
