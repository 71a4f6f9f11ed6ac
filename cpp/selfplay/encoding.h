// Positions on their way to the network: bit planes from the game, float planes for an evaluator, turned by a symmetry.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <type_traits>
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
    scalars_.resize(static_cast<std::size_t>(shape_.numbers()));
  }

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] int map_policy(int symmetry, int index) const {
    return policy_[static_cast<std::size_t>(symmetry) * stride_policy_ + static_cast<std::size_t>(index)];
  }
  [[nodiscard]] int map_cell(int symmetry, int cell) const {
    return cells_[static_cast<std::size_t>(symmetry) * stride_cells_ + static_cast<std::size_t>(cell)];
  }

  // Takes a position in, as bit planes and scalars; the calls below then write it out.
  void encode(const typename G::Position& position) {
    std::fill(bits_.begin(), bits_.end(), 0);
    std::fill(scalars_.begin(), scalars_.end(), 0.0F);
    position.encode(Features{bits_.data(), scalars_.data(), shape_.words()});
  }

  // Names what a network says of the encoded position with these legal moves: all it sees, and the order of its answer.
  [[nodiscard]] Key hash(const MoveList<G::kMaxMoves>& moves) const {
    Key lanes[4] = {1, 2, 3, 4};  // independent, so that the multiplications overlap
    std::size_t n = 0;
    const auto take = [&](Key x) {
      Key& lane = lanes[n++ % 4];
      lane = std::rotl((lane ^ x) * 0x9e3779b97f4a7c15ULL, 29);
    };
    for (const std::uint64_t word : bits_) take(word);
    for (const float scalar : scalars_) take(std::bit_cast<std::uint32_t>(scalar));
    for (const Move move : moves) take(move);
    Key result = n;
    for (const Key lane : lanes) {
      result = (result ^ lane) * 0xbf58476d1ce4e5b9ULL;
      result ^= result >> 31;
    }
    return result;
  }

  // The same but for earlier boards, where the game can leave them out: positions that moves in another order lead to
  // are one (lc0's default, CacheHistoryLength 0). Needs no encode().
  [[nodiscard]] std::optional<Key> hash_of_board(const typename G::Position& position,
                                                 const MoveList<G::kMaxMoves>& moves) const {
    if constexpr (requires { position.answer_key(); }) {
      Key result = position.answer_key();
      for (const Move move : moves) result = std::rotl((result ^ move) * 0x9e3779b97f4a7c15ULL, 29);
      return result ^ (result >> 31);
    } else {
      return std::nullopt;
    }
  }

  // Writes the encoded position as [planes, height, width] numbers, the board turned by `symmetry`; 16 bits: as
  // bfloat16.
  template <class Number>
  void expand(int symmetry, Number* out) const {
    const auto cells = static_cast<std::size_t>(shape_.cells());
    std::fill_n(out, static_cast<std::size_t>(shape_.bit_planes) * cells, as<Number>(0.0F));
    for_each_bit(symmetry, [&](std::size_t plane, std::size_t cell) { out[plane * cells + cell] = as<Number>(1.0F); });
    out += static_cast<std::size_t>(shape_.bit_planes) * cells;
    if (shape_.numbers_a_cell) {
      turn_numbers(symmetry, out);
      return;
    }
    for (const float value : scalars_) {
      std::fill_n(out, cells, as<Number>(value));
      out += cells;
    }
  }
  // Writes it packed, for a device that expands it: `bits` [bit_planes][words], `scalars` as Features has them.
  void pack(int symmetry, std::uint64_t* bits, float* scalars) const {
    if (shape_.numbers_a_cell) {
      turn_numbers(symmetry, scalars);
    } else {
      std::copy(scalars_.begin(), scalars_.end(), scalars);
    }
    if (symmetry == 0) {
      std::copy(bits_.begin(), bits_.end(), bits);
      return;
    }
    const auto words = static_cast<std::size_t>(shape_.words());
    std::fill_n(bits, bits_.size(), 0);
    for_each_bit(symmetry, [&](std::size_t plane, std::size_t cell) {
      bits[plane * words + cell / 64] |= std::uint64_t{1} << (cell % 64);
    });
  }
  void dense(const typename G::Position& position, int symmetry, float* out) {
    encode(position);
    expand(symmetry, out);
  }

 private:
  template <class Number>
  static constexpr Number as(float value) {
    if constexpr (std::is_same_v<Number, float>) {
      return value;
    } else {  // the nearest bfloat16; of two as near, the even one
      static_assert(std::is_same_v<Number, std::uint16_t>);
      const auto bits = std::bit_cast<std::uint32_t>(value);
      return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
    }
  }
  // The numbers of each cell, the board turned.
  template <class Number>
  void turn_numbers(int symmetry, Number* out) const {
    const auto cells = static_cast<std::size_t>(shape_.cells());
    const std::uint16_t* const turned = cells_.data() + static_cast<std::size_t>(symmetry) * stride_cells_;
    for (std::size_t at = 0; at < scalars_.size(); at += cells)
      for (std::size_t cell = 0; cell < cells; ++cell) out[at + turned[cell]] = as<Number>(scalars_[at + cell]);
  }
  // visit(plane, cell) for each set bit, the board turned.
  template <class Visit>
  void for_each_bit(int symmetry, Visit&& visit) const {
    const std::uint16_t* const turned = cells_.data() + static_cast<std::size_t>(symmetry) * stride_cells_;
    const std::uint64_t* word = bits_.data();
    for (std::size_t plane = 0; plane < static_cast<std::size_t>(shape_.bit_planes); ++plane)
      for (int base = 0; base < shape_.cells(); base += 64)
        for (std::uint64_t rest = *word++; rest != 0; rest &= rest - 1)
          visit(plane, std::size_t{turned[base + std::countr_zero(rest)]});
  }

  Shape shape_;
  std::vector<std::uint16_t> cells_;  // [symmetries][cells]
  std::vector<std::int32_t> policy_;  // [symmetries][policy_size]
  std::size_t stride_cells_ = 0;
  std::size_t stride_policy_ = 0;
  std::vector<std::uint64_t> bits_;
  std::vector<float> scalars_;
};

}  // namespace az
