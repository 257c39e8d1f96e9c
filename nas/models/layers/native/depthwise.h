// Depthwise 3x3 convolution with an atrous rate per axis: (images, height, width, channels), padded with zeros.

#pragma once

#include "vectors.h"

namespace segnas {

struct Map {
  int64_t images, height, width, channels;
  int64_t cells() const { return height * width; }
  int64_t rows() const { return images * cells(); }
};

struct Rate {
  int64_t vertical, horizontal;
};

// A stretch of a row of cells in which the same filter taps lie on the map, and where those taps read.
struct Stretch {
  int64_t begin, end;
  int taps;
  int position[9];
  int64_t offset[9];  // in cells, from the cell that is written
};

// Calls body(stretch) for each stretch of row `row`; `mirrored` for the gradient in the input, whose taps are mirrored.
template <class Body>
inline void for_stretches(const Map& map, const Rate& rate, int64_t row, bool mirrored, const Body& body) {
  const int64_t near = std::min(rate.horizontal, map.width);
  const int64_t far = std::max<int64_t>(map.width - rate.horizontal, 0);
  const int64_t edges[4] = {0, std::min(near, far), std::max(near, far), map.width};
  for (int part = 0; part < 3; ++part) {
    Stretch stretch{edges[part], edges[part + 1], 0, {}, {}};
    if (stretch.begin >= stretch.end) continue;
    for (int i = -1; i <= 1; ++i) {
      const int64_t y = row + i * rate.vertical;
      if (y < 0 || y >= map.height) continue;
      for (int j = -1; j <= 1; ++j) {
        const int64_t shift = j * rate.horizontal;
        if (stretch.begin + shift < 0 || stretch.end + shift > map.width) continue;
        const int position = (i + 1) * 3 + j + 1;
        stretch.position[stretch.taps] = mirrored ? 8 - position : position;
        stretch.offset[stretch.taps++] = i * rate.vertical * map.width + shift;
      }
    }
    body(stretch);
  }
}

template <class V, int kTaps, class T>
inline void sum_taps(const Stretch& stretch, const T* x, const T* filters, T* y, int64_t channels, int64_t c) {
  V weight[kTaps];
  const T* source[kTaps];
#pragma GCC unroll 9
  for (int t = 0; t < kTaps; ++t) {
    weight[t] = load<V>(filters + stretch.position[t] * channels + c);
    source[t] = x + stretch.offset[t] * channels + c;
  }
  for (int64_t at = stretch.begin * channels; at < stretch.end * channels; at += channels) {
    V sum = weight[0] * load<V>(source[0] + at);
#pragma GCC unroll 9
    for (int t = 1; t < kTaps; ++t) sum += weight[t] * load<V>(source[t] + at);
    store<V>(y + c + at, sum);
  }
}

template <class V, int kTaps, class T>
inline void add_products(const Stretch& stretch, const T* x, const T* grad, T* filters, int64_t channels, int64_t c) {
  V sum[kTaps];
  const T* source[kTaps];
#pragma GCC unroll 9
  for (int t = 0; t < kTaps; ++t) {
    sum[t] = load<V>(filters + stretch.position[t] * channels + c);
    source[t] = x + stretch.offset[t] * channels + c;
  }
  for (int64_t at = stretch.begin * channels; at < stretch.end * channels; at += channels) {
    const V slope = load<V>(grad + c + at);
#pragma GCC unroll 9
    for (int t = 0; t < kTaps; ++t) sum[t] += slope * load<V>(source[t] + at);
  }
#pragma GCC unroll 9
  for (int t = 0; t < kTaps; ++t) store<V>(filters + stretch.position[t] * channels + c, sum[t]);
}

// The number of taps is known to the compiler: rows and columns of taps are 1, 2 or 3 each.
#define SEGNAS_BY_TAPS(call)       \
  switch (stretch.taps) {          \
    case 1: call(1); break;        \
    case 2: call(2); break;        \
    case 3: call(3); break;        \
    case 4: call(4); break;        \
    case 6: call(6); break;        \
    default: call(9); break;       \
  }

// Writes one row of the convolution; x and y begin at the row's image.
template <class T>
inline void depthwise_row(const Map& map, const Rate& rate, int64_t row, bool mirrored, const T* x, const T* filters,
                          T* y) {
  const int64_t start = row * map.width * map.channels;
  for_stretches(map, rate, row, mirrored, [&](const Stretch& stretch) {
    for_channels<T>(map.channels, [&]<class V>(int64_t c) {
#define SEGNAS_CALL(count) sum_taps<V, count>(stretch, x + start, filters, y + start, map.channels, c)
      SEGNAS_BY_TAPS(SEGNAS_CALL)
#undef SEGNAS_CALL
    });
  });
}

// Adds what one row contributes to the gradient in the filters (9, channels); x and grad begin at the row's image.
template <class T>
inline void depthwise_filter_row(const Map& map, const Rate& rate, int64_t row, const T* x, const T* grad,
                                 T* filters) {
  const int64_t start = row * map.width * map.channels;
  for_stretches(map, rate, row, false, [&](const Stretch& stretch) {
    for_channels<T>(map.channels, [&]<class V>(int64_t c) {
#define SEGNAS_CALL(count) add_products<V, count>(stretch, x + start, grad + start, filters, map.channels, c)
      SEGNAS_BY_TAPS(SEGNAS_CALL)
#undef SEGNAS_CALL
    });
  });
}

// (channels, 9) as (9, channels).
template <class T>
inline std::vector<T> by_tap(const T* weight, int64_t channels) {
  std::vector<T> filters(9 * channels);
  for (int64_t c = 0; c < channels; ++c)
    for (int t = 0; t < 9; ++t) filters[t * channels + c] = weight[c * 9 + t];
  return filters;
}

template <class T>
void depthwise_forward(const Map& map, const Rate& rate, const T* x, const T* filters, T* y, bool mirrored) {
  at::parallel_for(0, map.images * map.height, map.height, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      const int64_t image = line / map.height * map.cells() * map.channels;
      depthwise_row(map, rate, line % map.height, mirrored, x + image, filters, y + image);
    }
  });
}

// One sum for each image, then their sum: the result does not depend on the number of threads.
template <class T>
void depthwise_filter_gradient(const Map& map, const Rate& rate, const T* x, const T* grad, T* weight_grad) {
  std::vector<T> sums(map.images * 9 * map.channels, T(0));
  at::parallel_for(0, map.images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t image = n * map.cells() * map.channels;
      for (int64_t row = 0; row < map.height; ++row)
        depthwise_filter_row(map, rate, row, x + image, grad + image, sums.data() + n * 9 * map.channels);
    }
  });
  for (int64_t c = 0; c < map.channels; ++c)
    for (int t = 0; t < 9; ++t) {
      double total = 0;
      for (int64_t n = 0; n < map.images; ++n) total += sums[(n * 9 + t) * map.channels + c];
      weight_grad[c * 9 + t] = static_cast<T>(total);
    }
}

}  // namespace segnas
