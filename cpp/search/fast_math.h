// exp() that the compiler can vectorise: within 2e-7 relative of std::exp over the range searches use.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace az {

inline float fast_exp(float x) {
  x = std::clamp(x, -87.0F, 88.0F);
  const float n = x * 1.44269504F + 12582912.0F;  // adding 1.5 * 2^23 rounds to the nearest integer
  const auto k = std::bit_cast<std::int32_t>(n) - 0x4b400000;
  const float whole = n - 12582912.0F;
  const float r = (x - whole * 0.693359375F) + whole * 2.12194440e-4F;  // ln 2 in two parts (Cody and Waite)
  float p = 1.9875691500e-4F;  // Cephes' minimax polynomial for exp on [-ln2/2, ln2/2]
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  return p * std::bit_cast<float>((k + 127) << 23);
}

// Turns logits, times `sharpness`, into probabilities; `size` >= 1. Returns the greatest logit. `out` may be `logits`.
inline float softmax(const float* logits, float* out, int size, float sharpness = 1.0F) {
  std::uint32_t differ = 0;
  for (int i = 1; i < size; ++i)
    differ |= std::bit_cast<std::uint32_t>(logits[i]) ^ std::bit_cast<std::uint32_t>(logits[0]);
  float top = logits[0];
  if (differ == 0) {  // an evaluator that knows nothing: what the sum below would give, without its exponentials
    std::fill_n(out, size, 1.0F / static_cast<float>(size));
    return top;
  }
  for (int i = 1; i < size; ++i) top = std::max(top, logits[i]);
  for (int i = 0; i < size; ++i) out[i] = fast_exp((logits[i] - top) * sharpness);
  float sum = 0.0F;
  for (int i = 0; i < size; ++i) sum += out[i];
  const float scale = 1.0F / sum;
  for (int i = 0; i < size; ++i) out[i] *= scale;
  return top;
}

}  // namespace az
