// Positions on their way to the network: bit planes from the game, float planes for an evaluator, turned by a symmetry.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "games/game.h"

namespace az {

// The tables of a game's symmetries, and the buffer a position is encoded into before it is expanded.
template <Game G>
class Encoder {
 public:
  explicit Encoder(const typename G::Options& options) : shape_(G::shape(options)) {
    const auto cells = static_cast<std::size_t>(shape_.cells());
    const auto policy = static_cast<std::size_t>(shape_.policy_size);
    for (int s = 0; s < shape_.symmetries; ++s) {
      for (int c = 0; c < shape_.cells(); ++c) cells_.push_back(static_cast<std::uint16_t>(G::map_cell(options, s, c)));
      for (int i = 0; i < shape_.policy_size; ++i) policy_.push_back(G::map_policy(options, s, i));
    }
    stride_cells_ = cells;
    stride_policy_ = policy;
    bits_.resize(static_cast<std::size_t>(shape_.bit_planes * shape_.words()));
    scalars_.resize(static_cast<std::size_t>(shape_.scalar_planes));
  }

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] int map_policy(int symmetry, int index) const {
    return policy_[static_cast<std::size_t>(symmetry) * stride_policy_ + static_cast<std::size_t>(index)];
  }
  [[nodiscard]] int map_cell(int symmetry, int cell) const {
    return cells_[static_cast<std::size_t>(symmetry) * stride_cells_ + static_cast<std::size_t>(cell)];
  }

  // Writes [planes, height, width] floats, the board turned by `symmetry`.
  void dense(const typename G::Position& position, int symmetry, float* out) {
    std::fill(bits_.begin(), bits_.end(), 0);
    std::fill(scalars_.begin(), scalars_.end(), 0.0F);
    position.encode(Features{bits_.data(), scalars_.data(), shape_.words()});
    const auto cells = static_cast<std::size_t>(shape_.cells());
    const std::uint16_t* const turned = cells_.data() + static_cast<std::size_t>(symmetry) * stride_cells_;
    std::fill_n(out, static_cast<std::size_t>(shape_.bit_planes) * cells, 0.0F);
    const std::uint64_t* word = bits_.data();
    for (int plane = 0; plane < shape_.bit_planes; ++plane, out += cells) {
      for (int base = 0; base < shape_.cells(); base += 64) {
        for (std::uint64_t rest = *word++; rest != 0; rest &= rest - 1)
          out[turned[base + std::countr_zero(rest)]] = 1.0F;
      }
    }
    for (const float value : scalars_) {
      std::fill_n(out, cells, value);
      out += cells;
    }
  }

 private:
  Shape shape_;
  std::vector<std::uint16_t> cells_;  // [symmetries][cells]
  std::vector<std::int32_t> policy_;  // [symmetries][policy_size]
  std::size_t stride_cells_ = 0;
  std::size_t stride_policy_ = 0;
  std::vector<std::uint64_t> bits_;
  std::vector<float> scalars_;
};

}  // namespace az
