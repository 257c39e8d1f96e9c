// A pass of the supernet's separable convolutions: ReLU, depthwise convolution, 1x1 convolution, for several operators
// on many edges at once, forwards and backwards. `nas.models.supernet.separable` describes the tensors.

#include "vectors.h"

namespace segnas {

// Sizes of a pass. Operator o on group g = source * edges + edge reads `channels` channels of its source.
struct Pass {
  int64_t images, height, width, operators, sources, edges, channels;
  int64_t x_stride;           // entries from one cell of the input to the next
  int64_t x_operator;         // entries from one operator's input to the next: 0 where all read the same
  const int64_t* kernels;     // of each operator, 3 or 5
  const int64_t* rates;

  int64_t cells() const { return height * width; }
  int64_t groups() const { return sources * edges; }
  int64_t wide() const { return groups() * channels; }  // channels of one operator's output
  int64_t tasks() const { return images * operators * sources; }
};

// An image of one source with a frame of zeros, so that every filter tap reads somewhere.
template <class T>
struct Framed {
  int64_t frame, width;
  std::vector<T> values;

  Framed(const Pass& pass, int64_t kernel, int64_t rate)
      : frame(kernel / 2 * rate), width(pass.width + 2 * frame),
        values((pass.height + 2 * frame) * width * pass.channels, T(0)) {}

  T* cell(const Pass& pass, int64_t row) { return values.data() + ((row + frame) * width + frame) * pass.channels; }
};

// One task: one operator, one image, one source and all its edges.
struct Task {
  int64_t image, op, source;
  Task(const Pass& pass, int64_t index)
      : image(index / (pass.operators * pass.sources)), op(index / pass.sources % pass.operators),
        source(index % pass.sources) {}
  int64_t x_offset(const Pass& pass) const {
    return image * pass.cells() * pass.x_stride + op * pass.x_operator + source * pass.channels;
  }
};

template <class V, class T>
void frame_rectified(const Pass& pass, const T* x, Framed<T>& framed) {
  for (int64_t row = 0; row < pass.height; ++row) {
    T* target = framed.cell(pass, row);
    for (int64_t column = 0; column < pass.width; ++column, target += pass.channels, x += pass.x_stride)
      for (int64_t c = 0; c < pass.channels; c += sizeof(V) / sizeof(T)) {
        const V value = load<V>(x + c);
        store<V>(target + c, where_positive<V>(value, value));
      }
  }
}

// kCells neighbouring cells of a depthwise convolution; `corner` is where the first tap of the first cell reads.
template <class V, class T, int kCells>
inline void convolve_cells(const T* corner, int64_t kernel, int64_t row_step, int64_t tap_step, int64_t channels,
                           const T* filter, T* out) {
  V sum[kCells];
  for (int b = 0; b < kCells; ++b) sum[b] = V{};
  for (int64_t i = 0; i < kernel; ++i)
    for (int64_t j = 0; j < kernel; ++j) {
      const V weight = load<V>(filter + (i * kernel + j) * channels);
      const T* place = corner + i * row_step + j * tap_step;
#pragma GCC unroll 8
      for (int b = 0; b < kCells; ++b) sum[b] += weight * load<V>(place + b * channels);
    }
  for (int b = 0; b < kCells; ++b) store<V>(out + b * channels, sum[b]);
}

// Depthwise convolution of a framed image with a filter (kernel * kernel, channels); `out` (cells, channels).
template <class V, class T>
void convolve(const Pass& pass, const Framed<T>& framed, int64_t kernel, int64_t rate, const T* filter, T* out) {
  const int64_t channels = pass.channels, row_step = rate * framed.width * channels, tap_step = rate * channels;
  const int64_t blocks = (pass.width + 7) / 8;
  for (int64_t row = 0; row < pass.height; ++row)
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t begin = pass.width * block / blocks, end = pass.width * (block + 1) / blocks;
      for (int64_t c = 0; c < channels; c += sizeof(V) / sizeof(T)) {
        const T* corner = framed.values.data() + (row * framed.width + begin) * channels + c;
        T* target = out + (row * pass.width + begin) * channels + c;
        switch (end - begin) {
#define SEGNAS_CELLS(n) \
  case n: convolve_cells<V, T, n>(corner, kernel, row_step, tap_step, channels, filter + c, target); break;
          SEGNAS_CELLS(1) SEGNAS_CELLS(2) SEGNAS_CELLS(3) SEGNAS_CELLS(4)
          SEGNAS_CELLS(5) SEGNAS_CELLS(6) SEGNAS_CELLS(7) SEGNAS_CELLS(8)
#undef SEGNAS_CELLS
        }
      }
    }
}

// The gradient (kernel * kernel, channels) of `convolve` in its filter.
template <class V, class T, int kKernel>
void filter_gradient(const Pass& pass, const Framed<T>& framed, int64_t rate, const T* slope, T* filter) {
  const int64_t channels = pass.channels, row_step = rate * framed.width * channels, tap_step = rate * channels;
  for (int64_t c = 0; c < channels; c += sizeof(V) / sizeof(T)) {
    V sum[kKernel * kKernel];
    for (auto& value : sum) value = V{};
    for (int64_t row = 0; row < pass.height; ++row) {
      const T* corner = framed.values.data() + row * framed.width * channels + c;
      const T* place = slope + row * pass.width * channels + c;
      for (int64_t column = 0; column < pass.width; ++column, corner += channels, place += channels) {
        const V value = load<V>(place);
#pragma GCC unroll 5
        for (int i = 0; i < kKernel; ++i)
#pragma GCC unroll 5
          for (int j = 0; j < kKernel; ++j)
            sum[i * kKernel + j] += value * load<V>(corner + i * row_step + j * tap_step);
      }
    }
    for (int t = 0; t < kKernel * kKernel; ++t) store<V>(filter + t * channels + c, sum[t]);
  }
}

// One group's filters (channels, kernel * kernel) as (kernel * kernel, channels), the taps mirrored or not.
template <class T>
void by_tap(const T* filters, int64_t taps, int64_t channels, bool mirrored, T* out) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t t = 0; t < taps; ++t) out[(mirrored ? taps - 1 - t : t) * channels + c] = filters[c * taps + t];
}

template <class V, class T, int kKernel>
void forward_task(const Pass& pass, const Task& task, const T* x, const T* filters, const T* pointwise, T* y) {
  const int64_t channels = pass.channels, cells = pass.cells(), taps = kKernel * kKernel, rate = pass.rates[task.op];
  Framed<T> framed(pass, kKernel, rate);
  frame_rectified<V>(pass, x + task.x_offset(pass), framed);
  std::vector<T> filter(taps * channels), filtered(cells * channels);
  const int64_t y_stride = pass.operators * pass.wide();
  for (int64_t edge = 0; edge < pass.edges; ++edge) {
    const int64_t group = task.source * pass.edges + edge;
    by_tap(filters + group * channels * taps, taps, channels, false, filter.data());
    convolve<V>(pass, framed, kKernel, rate, filter.data(), filtered.data());
    multiply<V, T>(cells, channels, channels, filtered.data(), channels, 1,
                   pointwise + (task.op * pass.groups() + group) * channels * channels, channels,
                   y + task.image * cells * y_stride + task.op * pass.wide() + group * channels, y_stride, false);
  }
}

// Gradients of one task; those in the weights are of this image alone. Null pointers: not needed.
template <class V, class T, int kKernel>
void backward_task(const Pass& pass, const Task& task, const T* x, const T* filters, const T* pointwise,
                   const T* slope, T* x_grad, int64_t x_grad_stride, T* filter_grad, T* pointwise_grad) {
  const int64_t channels = pass.channels, cells = pass.cells(), taps = kKernel * kKernel, rate = pass.rates[task.op];
  const int64_t y_stride = pass.operators * pass.wide();
  Framed<T> framed(pass, kKernel, rate), framed_slope(pass, kKernel, rate);
  frame_rectified<V>(pass, x + task.x_offset(pass), framed);
  std::vector<T> filter(taps * channels), filtered(cells * channels), transposed(channels * channels),
      total(x_grad != nullptr ? cells * channels : 0, T(0));
  for (int64_t edge = 0; edge < pass.edges; ++edge) {
    const int64_t group = task.source * pass.edges + edge;
    const T* edge_slope = slope + task.image * cells * y_stride + task.op * pass.wide() + group * channels;
    const T* edge_filters = filters + group * channels * taps;
    const int64_t matrix = (task.op * pass.groups() + group) * channels * channels;
    if (pointwise_grad != nullptr) {
      by_tap(edge_filters, taps, channels, false, filter.data());
      convolve<V>(pass, framed, kKernel, rate, filter.data(), filtered.data());
      multiply<V, T>(channels, channels, cells, filtered.data(), 1, channels, edge_slope, y_stride,
                     pointwise_grad + matrix, channels, false);
    }
    for (int64_t i = 0; i < channels; ++i)
      for (int64_t o = 0; o < channels; ++o) transposed[o * channels + i] = pointwise[matrix + i * channels + o];
    multiply<V, T>(cells, channels, channels, edge_slope, y_stride, 1, transposed.data(), channels, filtered.data(),
                   channels, false);
    if (filter_grad != nullptr) {
      filter_gradient<V, T, kKernel>(pass, framed, rate, filtered.data(), filter.data());
      T* target = filter_grad + group * channels * taps;
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t t = 0; t < taps; ++t) target[c * taps + t] = filter[t * channels + c];
    }
    if (x_grad != nullptr) {
      for (int64_t row = 0; row < pass.height; ++row)
        std::copy_n(filtered.data() + row * pass.width * channels, pass.width * channels, framed_slope.cell(pass, row));
      by_tap(edge_filters, taps, channels, true, filter.data());
      convolve<V>(pass, framed_slope, kKernel, rate, filter.data(), filtered.data());
      for (int64_t at = 0; at < cells * channels; ++at) total[at] += filtered[at];
    }
  }
  if (x_grad == nullptr) return;
  const T* read = x + task.x_offset(pass);
  for (int64_t cell = 0; cell < cells; ++cell)
    for (int64_t c = 0; c < channels; c += sizeof(V) / sizeof(T))
      store<V>(x_grad + cell * x_grad_stride + c,
               where_positive<V>(load<V>(read + cell * pass.x_stride + c), load<V>(total.data() + cell * channels + c)));
}

// Calls body.operator()<V, kernel>(task) for every task, on several threads.
template <class T, class Body>
void for_tasks(const Pass& pass, const Body& body) {
  with_dividing_vector<T>(pass.channels, [&]<class V>() {
    at::parallel_for(0, pass.tasks(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t index = begin; index < end; ++index) {
        const Task task(pass, index);
        if (pass.kernels[task.op] == 3) {
          body.template operator()<V, 3>(task);
        } else {
          body.template operator()<V, 5>(task);
        }
      }
    });
  });
}

template <class T>
void pass_forward(const Pass& pass, const T* x, const T* const* filters, const T* pointwise, T* y) {
  for_tasks<T>(pass, [&]<class V, int kKernel>(const Task& task) {
    forward_task<V, T, kKernel>(pass, task, x, filters[task.op], pointwise, y);
  });
}

// `target` (entries) = the sum over `parts` parts of as many entries each.
template <class T>
void add_parts(const std::vector<T>& values, int64_t parts, int64_t entries, T* target) {
  std::copy_n(values.data(), entries, target);
  for (int64_t part = 1; part < parts; ++part)
    for (int64_t at = 0; at < entries; ++at) target[at] += values[part * entries + at];
}

template <class T>
void pass_backward(const Pass& pass, const T* x, const T* const* filters, const T* pointwise, const T* slope,
                   T* x_grad, T* const* filter_grads, T* pointwise_grad) {
  const bool shared = pass.x_operator == 0;
  const int64_t source_wide = pass.sources * pass.channels, rows = pass.images * pass.cells();
  const int64_t matrices = pass.operators * pass.groups() * pass.channels * pass.channels;
  // Each operator writes a gradient of its own in an input that all share, each image one in the weights.
  std::vector<T> x_parts(x_grad != nullptr && shared ? pass.operators * rows * source_wide : 0);
  std::vector<T> matrix_parts(pointwise_grad != nullptr ? pass.images * matrices : 0);
  std::vector<std::vector<T>> filter_parts(pass.operators);
  auto filter_size = [&](int64_t op) { return pass.wide() * pass.kernels[op] * pass.kernels[op]; };
  if (filter_grads != nullptr)
    for (int64_t op = 0; op < pass.operators; ++op) filter_parts[op].resize(pass.images * filter_size(op));
  for_tasks<T>(pass, [&]<class V, int kKernel>(const Task& task) {
    T* target = nullptr;
    int64_t stride = source_wide;
    if (x_grad != nullptr && shared) {
      target = x_parts.data() + (task.op * rows + task.image * pass.cells()) * stride + task.source * pass.channels;
    } else if (x_grad != nullptr) {
      stride = pass.operators * source_wide;
      target = x_grad + task.image * pass.cells() * stride + task.op * source_wide + task.source * pass.channels;
    }
    backward_task<V, T, kKernel>(
        pass, task, x, filters[task.op], pointwise, slope, target, stride,
        filter_grads == nullptr ? nullptr : filter_parts[task.op].data() + task.image * filter_size(task.op),
        pointwise_grad == nullptr ? nullptr : matrix_parts.data() + task.image * matrices);
  });
  if (x_grad != nullptr && shared) add_parts(x_parts, pass.operators, rows * source_wide, x_grad);
  if (pointwise_grad != nullptr) add_parts(matrix_parts, pass.images, matrices, pointwise_grad);
  if (filter_grads != nullptr)
    for (int64_t op = 0; op < pass.operators; ++op)
      add_parts(filter_parts[op], pass.images, filter_size(op), filter_grads[op]);
}

}  // namespace segnas

using namespace segnas;

#define SEGNAS_EXPORT(T, suffix)                                                                                      \
  extern "C" void supernet_forward_##suffix(                                                                          \
      const T* x, const T* const* filters, const T* pointwise, T* y, const int64_t* kernels, const int64_t* rates,    \
      int64_t images, int64_t height, int64_t width, int64_t operators, int64_t sources, int64_t edges,               \
      int64_t channels, int64_t x_stride, int64_t x_operator) {                                                       \
    pass_forward<T>({images, height, width, operators, sources, edges, channels, x_stride, x_operator, kernels,       \
                     rates},                                                                                          \
                    x, filters, pointwise, y);                                                                        \
  }                                                                                                                   \
  extern "C" void supernet_backward_##suffix(                                                                         \
      const T* x, const T* const* filters, const T* pointwise, const T* slope, T* x_grad, T* const* filter_grads,     \
      T* pointwise_grad, const int64_t* kernels, const int64_t* rates, int64_t images, int64_t height, int64_t width, \
      int64_t operators, int64_t sources, int64_t edges, int64_t channels, int64_t x_stride, int64_t x_operator) {    \
    pass_backward<T>({images, height, width, operators, sources, edges, channels, x_stride, x_operator, kernels,      \
                      rates},                                                                                         \
                     x, filters, pointwise, slope, x_grad, filter_grads, pointwise_grad);                             \
  }

SEGNAS_EXPORT(float, float32)
SEGNAS_EXPORT(double, float64)
