// A 1x1 convolution and what stands around it in a head: batch norm over the batch, ReLU; forwards and backwards.

#pragma once

#include "depthwise.h"

namespace segnas {

constexpr int64_t kBlockRows = 96;  // cells that are multiplied while they lie in the first-level cache
constexpr int64_t kMostParts = 16;

// Cells in parts of whole blocks. The parts depend on the number of cells alone, so sums do not depend on threads.
struct Parts {
  int64_t rows, size, count;
  explicit Parts(int64_t rows_) : rows(rows_) {
    const int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
    size = kBlockRows * std::max<int64_t>(4, (blocks + kMostParts - 1) / kMostParts);
    count = (rows + size - 1) / size;
  }
  int64_t begin(int64_t part) const { return part * size; }
  int64_t end(int64_t part) const { return std::min(rows, (part + 1) * size); }

  template <class Body>
  void each(const Body& body) const {
    at::parallel_for(0, count, 1, [&](int64_t first, int64_t last) {
      for (int64_t part = first; part < last; ++part) body(part, begin(part), end(part));
    });
  }
};

// Scale and shift of a batch norm, and where its statistics are.
template <class T>
struct Norm {
  const T *weight, *bias;
  T *running_mean, *running_variance;  // null: they stay as they are
  T *mean, *deviation;                 // of the batch: the mean, and 1 / sqrt(variance + epsilon)
  double momentum, epsilon;

  std::vector<T> scale(int64_t channels) const {
    std::vector<T> values(channels);
    for (int64_t c = 0; c < channels; ++c) values[c] = weight[c] * deviation[c];
    return values;
  }
  std::vector<T> shift(int64_t channels) const {
    std::vector<T> values(channels);
    for (int64_t c = 0; c < channels; ++c) values[c] = bias[c] - mean[c] * weight[c] * deviation[c];
    return values;
  }
};

// The mean and the sum of squared deviations of every channel, of each part and then of all (Chan et al., 1979).
template <class T>
void batch_statistics(const Parts& parts, int64_t channels, const T* y, const Norm<T>& norm) {
  std::vector<T> means(parts.count * channels), squares(parts.count * channels);
  parts.each([&](int64_t part, int64_t begin, int64_t end) {
    for_channels<T>(channels, [&]<class V>(int64_t c) {
      V sum{}, square{};
      for (int64_t row = begin; row < end; ++row) sum += load<V>(y + row * channels + c);
      const V mean = sum * (T(1) / T(end - begin));
      for (int64_t row = begin; row < end; ++row) {
        const V off = load<V>(y + row * channels + c) - mean;
        square += off * off;
      }
      store<V>(means.data() + part * channels + c, mean);
      store<V>(squares.data() + part * channels + c, square);
    });
  });
  for (int64_t c = 0; c < channels; ++c) {
    double seen = 0, mean = 0, square = 0;
    for (int64_t part = 0; part < parts.count; ++part) {
      const double cells = double(parts.end(part) - parts.begin(part));
      const double off = means[part * channels + c] - mean;
      seen += cells;
      square += squares[part * channels + c] + off * off * cells * (seen - cells) / seen;
      mean += off * cells / seen;
    }
    norm.mean[c] = static_cast<T>(mean);
    norm.deviation[c] = static_cast<T>(1 / std::sqrt(square / seen + norm.epsilon));
    if (norm.running_mean != nullptr) {
      const double keep = 1 - norm.momentum;
      norm.running_mean[c] = static_cast<T>(keep * norm.running_mean[c] + norm.momentum * mean);
      norm.running_variance[c] =
          static_cast<T>(keep * norm.running_variance[c] + norm.momentum * square / (seen - 1));
    }
  }
}

// z = max(0, scale y + shift) of some cells.
template <class T>
void rectified(int64_t rows, int64_t channels, const T* y, const T* scale, const T* shift, T* z, int64_t z_stride) {
  for_channels<T>(channels, [&]<class V>(int64_t c) {
    const V factor = load<V>(scale + c), summand = load<V>(shift + c);
    for (int64_t row = 0; row < rows; ++row) {
      const V value = factor * load<V>(y + row * channels + c) + summand;
      store<V>(z + row * z_stride + c, where_positive<V>(value, value));
    }
  });
}

// The gradient of batch norm and ReLU in y is factor * (slope where the result is positive - base - off * (y - mean)).
template <class T>
struct NormGradient {
  std::vector<T> factor, shift, base, off;

  // sums: of slopes, and of slopes times deviations, for each part.
  NormGradient(const Parts& parts, int64_t channels, const std::vector<T>& sums, const Norm<T>& norm, T* weight_grad,
               T* bias_grad)
      : factor(norm.scale(channels)), shift(norm.shift(channels)), base(channels), off(channels) {
    for (int64_t c = 0; c < channels; ++c) {
      double slope = 0, product = 0;
      for (int64_t part = 0; part < parts.count; ++part) {
        slope += sums[(2 * part) * channels + c];
        product += sums[(2 * part + 1) * channels + c];
      }
      const double deviation = norm.deviation[c];
      base[c] = static_cast<T>(slope / double(parts.rows));
      off[c] = static_cast<T>(product * deviation * deviation / double(parts.rows));
      weight_grad[c] = static_cast<T>(product * deviation);
      bias_grad[c] = static_cast<T>(slope);
    }
  }
};

// Sums of the slopes behind the ReLU, and of the slopes times the deviations from the mean, for each part.
template <class T>
std::vector<T> slope_sums(const Parts& parts, int64_t channels, const T* y, const Norm<T>& norm, const T* slope,
                          int64_t slope_stride) {
  const auto scale = norm.scale(channels), shift = norm.shift(channels);
  std::vector<T> sums(parts.count * 2 * channels);
  parts.each([&](int64_t part, int64_t begin, int64_t end) {
    for_channels<T>(channels, [&]<class V>(int64_t c) {
      const V factor = load<V>(scale.data() + c), summand = load<V>(shift.data() + c), mean = load<V>(norm.mean + c);
      V sum{}, product{};
      for (int64_t row = begin; row < end; ++row) {
        const V value = load<V>(y + row * channels + c);
        const V kept = where_positive<V>(factor * value + summand, load<V>(slope + row * slope_stride + c));
        sum += kept;
        product += kept * (value - mean);
      }
      store<V>(sums.data() + 2 * part * channels + c, sum);
      store<V>(sums.data() + (2 * part + 1) * channels + c, product);
    });
  });
  return sums;
}

// What stands before the 1x1 convolution: nothing (rows of `stride` entries), or batch norm and ReLU of `y`.
template <class T>
struct Entry {
  const T* y;
  int64_t stride;
  const Norm<T>* norm;
};

// y = W z; then out = ReLU(batch norm(y)). W is (outputs, inputs).
template <class T>
void pointwise_forward(int64_t rows, int64_t inputs, int64_t outputs, const Entry<T>& entry, const T* weight,
                       const Norm<T>& norm, T* y, T* out) {
  const Parts parts(rows);
  const Padded<T> right(weight, inputs, outputs, true);
  std::vector<T> scale, shift;
  if (entry.norm != nullptr) scale = entry.norm->scale(inputs), shift = entry.norm->shift(inputs);
  parts.each([&](int64_t, int64_t begin, int64_t end) {
    std::vector<T> block(entry.norm != nullptr ? kBlockRows * inputs : 0);
    for (int64_t at = begin; at < end; at += kBlockRows) {
      const int64_t count = std::min(kBlockRows, end - at);
      const T* left = entry.y + at * entry.stride;
      int64_t stride = entry.stride;
      if (entry.norm != nullptr) {
        rectified(count, inputs, left, scale.data(), shift.data(), block.data(), inputs);
        left = block.data(), stride = inputs;
      }
      multiply<Vector<T>, T>(count, outputs, inputs, left, stride, 1, right.values.data(), right.stride, y + at * outputs,
                  outputs, false);
    }
  });
  batch_statistics(parts, outputs, y, norm);
  const auto out_scale = norm.scale(outputs), out_shift = norm.shift(outputs);
  parts.each([&](int64_t, int64_t begin, int64_t end) {
    rectified(end - begin, outputs, y + begin * outputs, out_scale.data(), out_shift.data(), out + begin * outputs,
              outputs);
  });
}

// The gradients of `pointwise_forward`. `entry_slope` (rows, inputs), null where it is not needed, gets the gradient in
// z, where an entry has a norm only behind its ReLU; `entry_sums` then gets its sums, as `slope_sums` has them.
template <class T>
void pointwise_backward(int64_t rows, int64_t inputs, int64_t outputs, const Entry<T>& entry, const T* weight,
                        const Norm<T>& norm, const T* y, const T* slope, int64_t slope_stride, T* entry_slope,
                        std::vector<T>* entry_sums, T* weight_grad, T* norm_weight_grad, T* norm_bias_grad) {
  const Parts parts(rows);
  const NormGradient<T> gradient(parts, outputs, slope_sums(parts, outputs, y, norm, slope, slope_stride), norm,
                                 norm_weight_grad, norm_bias_grad);
  const Padded<T> right(weight, outputs, inputs, false);
  const int64_t wide = whole_vectors(inputs, kWidest<T>);
  std::vector<T> products(parts.count * outputs * wide, T(0)), scale, shift;
  if (entry.norm != nullptr) scale = entry.norm->scale(inputs), shift = entry.norm->shift(inputs);
  if (entry_sums != nullptr) entry_sums->assign(parts.count * 2 * inputs, T(0));
  parts.each([&](int64_t part, int64_t begin, int64_t end) {
    std::vector<T> grads(kBlockRows * outputs), block(kBlockRows * wide, T(0));
    for (int64_t at = begin; at < end; at += kBlockRows) {
      const int64_t count = std::min(kBlockRows, end - at);
      for_channels<T>(outputs, [&]<class V>(int64_t c) {
        const V factor = load<V>(gradient.factor.data() + c), summand = load<V>(gradient.shift.data() + c),
                base = load<V>(gradient.base.data() + c), off = load<V>(gradient.off.data() + c),
                mean = load<V>(norm.mean + c);
        for (int64_t row = 0; row < count; ++row) {
          const V value = load<V>(y + (at + row) * outputs + c);
          const V kept =
              where_positive<V>(factor * value + summand, load<V>(slope + (at + row) * slope_stride + c));
          store<V>(grads.data() + row * outputs + c, factor * (kept - base - (value - mean) * off));
        }
      });
      const T* left = entry.y + at * entry.stride;
      const T* read = block.data();
      int64_t read_stride = wide;
      if (entry.norm != nullptr) {
        rectified(count, inputs, left, scale.data(), shift.data(), block.data(), wide);
      } else if (inputs == wide) {
        read = left, read_stride = entry.stride;
      } else {
        for_channels<T>(inputs, [&]<class V>(int64_t c) {
          for (int64_t row = 0; row < count; ++row)
            store<V>(block.data() + row * wide + c, load<V>(left + row * entry.stride + c));
        });
      }
      multiply<Vector<T>, T>(outputs, inputs, count, grads.data(), 1, outputs, read, read_stride,
                  products.data() + part * outputs * wide, wide, true);
      if (entry_slope == nullptr) continue;
      T* target = entry_slope + at * inputs;
      multiply<Vector<T>, T>(count, inputs, outputs, grads.data(), outputs, 1, right.values.data(), right.stride, target, inputs,
                  false);
      if (entry.norm == nullptr) continue;
      T* sums = entry_sums->data() + 2 * part * inputs;
      for_channels<T>(inputs, [&]<class V>(int64_t c) {
        const V mean = load<V>(entry.norm->mean + c);
        V sum = load<V>(sums + c), product = load<V>(sums + inputs + c);
        for (int64_t row = 0; row < count; ++row) {
          const V kept = where_positive<V>(load<V>(block.data() + row * wide + c), load<V>(target + row * inputs + c));
          store<V>(target + row * inputs + c, kept);
          sum += kept;
          product += kept * (load<V>(left + row * inputs + c) - mean);
        }
        store<V>(sums + c, sum);
        store<V>(sums + inputs + c, product);
      });
    }
  });
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t i = 0; i < inputs; ++i) {
      double total = 0;
      for (int64_t part = 0; part < parts.count; ++part) total += products[(part * outputs + o) * wide + i];
      weight_grad[o * inputs + i] = static_cast<T>(total);
    }
}

// Turns the slopes behind the entry's ReLU into the gradient in its y, in place.
template <class T>
void entry_gradient(int64_t rows, int64_t channels, const std::vector<T>& sums, const Norm<T>& norm, const T* y,
                    T* slope, T* norm_weight_grad, T* norm_bias_grad) {
  const Parts parts(rows);
  const NormGradient<T> gradient(parts, channels, sums, norm, norm_weight_grad, norm_bias_grad);
  parts.each([&](int64_t, int64_t begin, int64_t end) {
    for_channels<T>(channels, [&]<class V>(int64_t c) {
      const V factor = load<V>(gradient.factor.data() + c), base = load<V>(gradient.base.data() + c),
              off = load<V>(gradient.off.data() + c), mean = load<V>(norm.mean + c);
      for (int64_t row = begin; row < end; ++row) {
        T* place = slope + row * channels + c;
        store<V>(place, factor * (load<V>(place) - base - (load<V>(y + row * channels + c) - mean) * off));
      }
    });
  });
}

}  // namespace segnas
