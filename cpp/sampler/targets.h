// What a training batch holds: the inputs and targets of positions drawn from games, each with its columns and its
// writer.
//
// A new target is a struct like these and its name in Targets: the batch then has its columns. In Python a class in
// alphazero/heads.py learns them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "cpp/selfplay/encoding.h"
#include "cpp/selfplay/record.h"

namespace az {

struct SampleSettings {
  bool symmetry = true;      // turn each position by a random symmetry
  float value_blend = 0.0F;  // share of the search's values in the wdl target; the rest is the game's result
  float surprise = 0.0F;     // share of the draws that go by how much the search's policy differed from the network's
  bool reply = true;         // with the opponent's policy after the move played
  bool packed = false;       // bit planes and scalars instead of float planes
  int threads = 1;           // that fill the rows; the batch is the same for any number
};

// An array of the batch; `row` is the shape of one of its rows, empty for a number.
struct Column {
  enum class Type { kFloat, kInt32, kBits };

  Column(const char* column, std::vector<int> dimensions = {}, Type of = Type::kFloat)
      : name(column), row(std::move(dimensions)), type(of) {
    for (const int dimension : row) row_size *= static_cast<std::size_t>(dimension);
  }

  const char* name;
  std::vector<int> row;
  Type type;
  std::size_t row_size = 1;  // numbers in a row; every write asks for it

  [[nodiscard]] std::size_t row_bytes() const { return row_size * (type == Type::kBits ? 8 : 4); }
};

// One row of a target's columns, to be written.
class TargetRow {
 public:
  TargetRow(std::span<const Column> columns, std::span<void* const> memory, std::size_t row)
      : columns_(columns), memory_(memory), row_(row) {}

  [[nodiscard]] std::span<float> floats(std::size_t column) const { return as<float>(column); }
  [[nodiscard]] std::span<std::int32_t> ints(std::size_t column) const { return as<std::int32_t>(column); }
  [[nodiscard]] std::span<std::uint64_t> bits(std::size_t column) const { return as<std::uint64_t>(column); }
  void number(std::size_t column, float value) const { floats(column)[0] = value; }

 private:
  template <class T>
  [[nodiscard]] std::span<T> as(std::size_t column) const {
    const std::size_t size = columns_[column].row_size;
    return {static_cast<T*>(memory_[column]) + row_ * size, size};
  }

  std::span<const Column> columns_;
  std::span<void* const> memory_;
  std::size_t row_;
};

// A game as the sampler keeps it.
struct StoredGame {
  std::string start;
  std::vector<Move> moves;
  std::vector<float> root_values;
  std::vector<std::uint32_t> policy_begin;  // [plies + 1] into policy
  std::vector<PolicyEntry> policy;
  std::vector<std::uint16_t> drawable;  // plies that can be drawn
  std::vector<std::uint16_t> surprise;  // of each of them
  std::vector<std::int8_t> ownership;   // first player's view; empty where the game has none
  std::uint64_t surprises = 0;          // their sum
  std::uint32_t targets = 0;            // how many of them have a policy target
  int value = 0;
  float score = 0.0F;
  bool cut = false;  // ended by the limit of plies, and no score tells who stood better
  bool resigned = false;
  float stands_for = 1.0F;
};

// A position that was drawn. All targets are for the side to move, boards turned by the symmetry.
template <Game G>
struct Drawn {
  const StoredGame& game;
  std::size_t ply;
  int symmetry;
  const typename G::Position& position;  // at that ply
  Encoder<G>& encoder;                   // of that position
  const SampleSettings& settings;
  int sign;  // 1: the first player is to move; -1: the second

  // The policy searched at `at`, listed by the indices that its moves have in `position`, with shares that sum to 1.
  // What a row does not use is 0, all of it where the weight is 0: then the policy is no target.
  void write_policy(std::size_t at, bool wanted, const TargetRow& row) const {
    const std::span<std::int32_t> indices = row.ints(0);
    const std::span<float> shares = row.floats(1);
    std::ranges::fill(indices, 0);
    std::ranges::fill(shares, 0.0F);
    const std::span<const PolicyEntry> all(game.policy);
    const auto searched =
        all.subspan(game.policy_begin[at], wanted ? game.policy_begin[at + 1] - game.policy_begin[at] : 0);
    float sum = 0.0F;
    for (const PolicyEntry& e : searched) sum += e.weight;
    // A list of moves without weight, which a record of somebody else's may hold, says nothing.
    row.number(2, sum > 0.0F ? 1.0F : 0.0F);
    if (sum == 0.0F) return;
    for (std::size_t i = 0; i < searched.size(); ++i) {
      indices[i] = encoder.map_policy(symmetry, position.policy_index(searched[i].move));
      shares[i] = static_cast<float>(searched[i].weight) / sum;
    }
  }
};

// Length of a policy's list.
template <Game G>
int listed(const Shape& shape) {
  return std::min(G::kMaxMoves, shape.policy_size);
}

// --- the inputs and the targets ---

template <Game G>
struct Inputs {
  static std::vector<Column> columns(const Shape& shape, const SampleSettings& settings) {
    if (settings.packed)
      return {{"bits", {shape.bit_planes, shape.words()}, Column::Type::kBits}, {"scalars", {shape.numbers()}}};
    return {{"planes", {shape.planes(), shape.height, shape.width}}};
  }
  static void write(const Drawn<G>& drawn, const TargetRow& row) {
    if (drawn.settings.packed)
      drawn.encoder.pack(drawn.symmetry, row.bits(0).data(), row.floats(1).data());
    else
      drawn.encoder.expand(drawn.symmetry, row.floats(0).data());
  }
};

template <Game G>
struct Policy {
  static std::vector<Column> columns(const Shape& shape, const SampleSettings& /*settings*/) {
    return {
        {"policy_index", {listed<G>(shape)}, Column::Type::kInt32}, {"policy", {listed<G>(shape)}}, {"policy_weight"}};
  }
  static void write(const Drawn<G>& drawn, const TargetRow& row) { drawn.write_policy(drawn.ply, true, row); }
};

// The result z of the game and the root value q as win / draw / loss. The mean of q is kept; what it says of draws is
// not known, so it takes the draw share that fits the game's own result.
template <Game G>
struct Wdl {
  static std::vector<Column> columns(const Shape& /*shape*/, const SampleSettings& /*settings*/) {
    return {{"wdl", {3}}};
  }
  static void write(const Drawn<G>& drawn, const TargetRow& row) {
    const int z = drawn.sign * drawn.game.value;
    const float q = drawn.game.root_values[drawn.ply];
    // A game that was cut off has no result: what the search thought of the position stands for it.
    const float blend = drawn.game.cut ? 1.0F : drawn.settings.value_blend;
    const float searched[3] = {z == 0 ? std::max(q, 0.0F) : 0.5F + 0.5F * q, z == 0 ? 1.0F - std::abs(q) : 0.0F,
                               z == 0 ? std::max(-q, 0.0F) : 0.5F - 0.5F * q};
    for (int i = 0; i < 3; ++i)
      row.floats(0)[static_cast<std::size_t>(i)] = blend * searched[i] + (i == 1 - z ? 1.0F - blend : 0.0F);
  }
};

// +1 own area at the end, -1 the opponent's, 0 nobody's.
template <Game G>
struct Ownership {
  static std::vector<Column> columns(const Shape& shape, const SampleSettings& /*settings*/) {
    return {{"ownership", {shape.height, shape.width}}};
  }
  static void write(const Drawn<G>& drawn, const TargetRow& row) {
    const auto& owners = drawn.game.ownership;
    for (std::size_t cell = 0; cell < row.floats(0).size(); ++cell) {
      const auto there = static_cast<std::size_t>(drawn.encoder.map_cell(drawn.symmetry, static_cast<int>(cell)));
      row.floats(0)[there] = owners.empty() ? 0.0F : static_cast<float>(drawn.sign * owners[cell]);
    }
  }
};

// The final margin in points; 0 where the game has none.
template <Game G>
struct Score {
  static std::vector<Column> columns(const Shape& /*shape*/, const SampleSettings& /*settings*/) { return {{"score"}}; }
  static void write(const Drawn<G>& drawn, const TargetRow& row) {
    row.number(0, static_cast<float>(drawn.sign) * drawn.game.score);
  }
};

// Plies to the end of the game.
template <Game G>
struct PliesLeft {
  static std::vector<Column> columns(const Shape& /*shape*/, const SampleSettings& /*settings*/) {
    return {{"plies_left"}};
  }
  static void write(const Drawn<G>& drawn, const TargetRow& row) {
    row.number(0, static_cast<float>(drawn.game.moves.size() - drawn.ply));
  }
};

// The weight of ownership, score and plies left. 0: the game was resigned or cut off, and they say nothing. Else 1, or
// as many games as it stands for: without that, lost positions would teach them less than they teach the value.
template <Game G>
struct Ended {
  static std::vector<Column> columns(const Shape& /*shape*/, const SampleSettings& /*settings*/) { return {{"ended"}}; }
  static void write(const Drawn<G>& drawn, const TargetRow& row) {
    row.number(0, drawn.game.cut || drawn.game.resigned ? 0.0F : drawn.game.stands_for);
  }
};

// The policy after the move played, mostly the opponent's, by the indices that its moves would have for the side to
// move.
template <Game G>
struct Reply {
  static std::vector<Column> columns(const Shape& shape, const SampleSettings& settings) {
    if (!settings.reply) return {};
    return {{"reply_index", {listed<G>(shape)}, Column::Type::kInt32}, {"reply", {listed<G>(shape)}}, {"reply_weight"}};
  }
  static void write(const Drawn<G>& drawn, const TargetRow& row) {
    const bool more = drawn.ply + 1 < drawn.game.moves.size();
    drawn.write_policy(more ? drawn.ply + 1 : drawn.ply, more, row);
  }
};

template <Game G>
using Targets = std::tuple<Inputs<G>, Policy<G>, Wdl<G>, Ownership<G>, Score<G>, PliesLeft<G>, Ended<G>, Reply<G>>;

// visit(target) for each of them, in the order of their columns.
template <Game G, class Visit>
void each_target(Visit&& visit) {
  std::apply([&visit](auto... target) { (visit(target), ...); }, Targets<G>{});
}

// The columns of a batch, in order.
template <Game G>
std::vector<Column> columns_of(const Shape& shape, const SampleSettings& settings) {
  std::vector<Column> all;
  each_target<G>([&]<class T>(T) {
    for (Column& column : T::columns(shape, settings)) all.push_back(std::move(column));
  });
  return all;
}

}  // namespace az
