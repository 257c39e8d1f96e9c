// The kernels of heads, which `nas.models.layers` calls, each for float and double. Tensors are contiguous and
// channels-last; a null pointer stands for a gradient that is not needed.

#include "normalised.h"

namespace segnas {

template <class T>
void depthwise_backward(const Map& map, const Rate& rate, const T* x, const T* weight, const T* grad, T* x_grad,
                        T* weight_grad) {
  if (x_grad != nullptr)
    depthwise_forward(map, rate, grad, by_tap(weight, map.channels).data(), x_grad, true);
  if (weight_grad != nullptr) depthwise_filter_gradient(map, rate, x, grad, weight_grad);
}

// Depthwise convolution to y, batch norm and ReLU, 1x1 convolution to z, batch norm and ReLU to out.
template <class T>
void separable_forward(const Map& map, const Rate& rate, int64_t outputs, const T* x, const T* depthwise,
                       const T* pointwise, const Norm<T>& inner, const Norm<T>& outer, T* y, T* z, T* out) {
  depthwise_forward(map, rate, x, by_tap(depthwise, map.channels).data(), y, false);
  batch_statistics(Parts(map.rows()), map.channels, y, inner);
  pointwise_forward(map.rows(), map.channels, outputs, Entry<T>{y, map.channels, &inner}, pointwise, outer, z, out);
}

template <class T>
void separable_backward(const Map& map, const Rate& rate, int64_t outputs, const T* x, const T* depthwise,
                        const T* pointwise, const Norm<T>& inner, const Norm<T>& outer, const T* y, const T* z,
                        const T* slope, int64_t slope_stride, T* y_grad, T* x_grad, T* depthwise_grad,
                        T* pointwise_grad, T* norm_grads) {
  T *inner_weight = norm_grads, *inner_bias = inner_weight + map.channels, *outer_weight = inner_bias + map.channels,
    *outer_bias = outer_weight + outputs;
  std::vector<T> sums;
  pointwise_backward(map.rows(), map.channels, outputs, Entry<T>{y, map.channels, &inner}, pointwise, outer, z, slope,
                     slope_stride, y_grad, &sums, pointwise_grad, outer_weight, outer_bias);
  entry_gradient(map.rows(), map.channels, sums, inner, y, y_grad, inner_weight, inner_bias);
  depthwise_backward(map, rate, x, depthwise, y_grad, x_grad, depthwise_grad);
}

}  // namespace segnas

using namespace segnas;

#define SEGNAS_EXPORT(T, suffix)                                                                                      \
  extern "C" void depthwise_forward_##suffix(const T* x, const T* weight, T* y, int64_t images, int64_t height,       \
                                             int64_t width, int64_t channels, int64_t vertical, int64_t horizontal) { \
    depthwise_forward<T>({images, height, width, channels}, {vertical, horizontal}, x,                                \
                         by_tap(weight, channels).data(), y, false);                                                  \
  }                                                                                                                   \
  extern "C" void depthwise_backward_##suffix(const T* x, const T* weight, const T* grad, T* x_grad, T* weight_grad,  \
                                              int64_t images, int64_t height, int64_t width, int64_t channels,        \
                                              int64_t vertical, int64_t horizontal) {                                 \
    depthwise_backward<T>({images, height, width, channels}, {vertical, horizontal}, x, weight, grad, x_grad,         \
                          weight_grad);                                                                               \
  }                                                                                                                   \
  extern "C" void pointwise_forward_##suffix(                                                                         \
      const T* x, const T* weight, T* y, T* out, const T* scale, const T* shift, T* mean, T* variance, T* saved,      \
      int64_t rows, int64_t inputs, int64_t stride, int64_t outputs, double momentum, double epsilon) {               \
    const Norm<T> norm{scale, shift, mean, variance, saved, saved + outputs, momentum, epsilon};                      \
    pointwise_forward<T>(rows, inputs, outputs, {x, stride, nullptr}, weight, norm, y, out);                          \
  }                                                                                                                   \
  extern "C" void pointwise_backward_##suffix(                                                                        \
      const T* x, const T* weight, const T* y, const T* slope, const T* scale, const T* shift, T* saved, T* x_grad,   \
      T* weight_grad, T* norm_grads, int64_t rows, int64_t inputs, int64_t stride, int64_t outputs,                   \
      int64_t slope_stride) {                                                                                         \
    const Norm<T> norm{scale, shift, nullptr, nullptr, saved, saved + outputs, 0, 0};                                 \
    pointwise_backward<T>(rows, inputs, outputs, {x, stride, nullptr}, weight, norm, y, slope, slope_stride, x_grad,  \
                          nullptr, weight_grad, norm_grads, norm_grads + outputs);                                    \
  }                                                                                                                   \
  extern "C" void separable_forward_##suffix(                                                                         \
      const T* x, const T* depthwise, const T* pointwise, T* y, T* z, T* out, const T* inner_scale,                   \
      const T* inner_shift, T* inner_mean, T* inner_variance, const T* outer_scale, const T* outer_shift,             \
      T* outer_mean, T* outer_variance, T* saved, int64_t images, int64_t height, int64_t width, int64_t channels,    \
      int64_t outputs, int64_t vertical, int64_t horizontal, double inner_momentum, double inner_epsilon,             \
      double outer_momentum, double outer_epsilon) {                                                                  \
    T* outer_saved = saved + 2 * channels;                                                                            \
    const Norm<T> inner{inner_scale, inner_shift,      inner_mean,     inner_variance,                                \
                        saved,       saved + channels, inner_momentum, inner_epsilon};                                \
    const Norm<T> outer{outer_scale, outer_shift,           outer_mean,     outer_variance,                           \
                        outer_saved, outer_saved + outputs, outer_momentum, outer_epsilon};                           \
    separable_forward<T>({images, height, width, channels}, {vertical, horizontal}, outputs, x, depthwise, pointwise, \
                         inner, outer, y, z, out);                                                                    \
  }                                                                                                                   \
  extern "C" void separable_backward_##suffix(                                                                        \
      const T* x, const T* depthwise, const T* pointwise, const T* y, const T* z, const T* slope,                     \
      const T* inner_scale, const T* inner_shift, const T* outer_scale, const T* outer_shift, T* saved, T* y_grad,    \
      T* x_grad, T* depthwise_grad, T* pointwise_grad, T* norm_grads, int64_t images, int64_t height, int64_t width,  \
      int64_t channels, int64_t outputs, int64_t vertical, int64_t horizontal, int64_t slope_stride) {                \
    T* outer_saved = saved + 2 * channels;                                                                            \
    const Norm<T> inner{inner_scale, inner_shift, nullptr, nullptr, saved, saved + channels, 0, 0};                   \
    const Norm<T> outer{outer_scale, outer_shift, nullptr, nullptr, outer_saved, outer_saved + outputs, 0, 0};        \
    separable_backward<T>({images, height, width, channels}, {vertical, horizontal}, outputs, x, depthwise,           \
                          pointwise, inner, outer, y, z, slope, slope_stride, y_grad, x_grad, depthwise_grad,         \
                          pointwise_grad, norm_grads);                                                                \
  }

SEGNAS_EXPORT(float, float32)
SEGNAS_EXPORT(double, float64)
