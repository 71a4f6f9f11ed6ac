// The face of one game's positions, made from its templates.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cpp/bind/face.h"
#include "cpp/search/rng.h"
#include "cpp/selfplay/encoding.h"
#include "cpp/selfplay/rollout.h"

namespace az {

template <Game G>
class PositionOf final : public PositionFace {
 public:
  using Position = typename G::Position;

  PositionOf(const typename G::Options& options, Position position, std::string start)
      : encoder_(options), position_(std::move(position)), start_(std::move(start)) {}

  std::unique_ptr<PositionFace> copy() const override { return std::make_unique<PositionOf>(*this); }
  std::vector<std::string> legal_moves() const override {
    std::vector<std::string> out;
    for (const Move move : moves()) out.push_back(position_.move_text(move));
    return out;
  }
  std::vector<std::int32_t> policy_indices() const override {
    std::vector<std::int32_t> out;
    for (const Move move : moves()) out.push_back(position_.policy_index(move));
    return out;
  }
  void play(std::string_view text) override {
    const Move move = position_.parse_move(text);
    position_.play(move);
    played_.push_back(move);
  }
  void undo() override {
    if (played_.empty()) throw std::invalid_argument("undo: no move to take back");
    position_.undo();
    played_.pop_back();
  }
  int turn() const override { return position_.turn(); }
  int ply() const override { return position_.ply(); }
  Key key() const override { return position_.key(); }
  std::string text() const override { return position_.text(); }
  std::string diagram() const override { return position_.diagram(); }
  std::optional<Outcome> outcome() const override { return position_.outcome(); }
  bool in_check() const override {
    if constexpr (HasCheck<G>) return position_.in_check();
    return false;
  }
  bool can_declare() const override {
    if constexpr (HasDeclaration<G>) return position_.can_declare();
    return false;
  }
  std::vector<std::int8_t> cells() const override {
    std::vector<std::int8_t> cells(static_cast<std::size_t>(encoder_.shape().cells()));
    position_.cells(cells);
    return cells;
  }
  std::vector<std::int8_t> ownership() const override {
    std::vector<std::int8_t> cells;
    if constexpr (HasOwnership<G>) {
      cells.resize(static_cast<std::size_t>(encoder_.shape().cells()));
      position_.ownership(cells);
    }
    return cells;
  }
  std::uint64_t perft(int depth, const std::function<void()>& between) override {
    std::uint64_t since = 0;
    return count(position_, depth, since, between);
  }
  void planes(float* out) const override { encoder_.dense(position_, 0, out); }
  std::pair<float, std::vector<std::string>> random_playout(std::uint64_t seed) const override {
    Position position = position_;
    Rng rng(seed);
    std::vector<std::string> played;
    auto outcome = position.outcome();
    for (int plies = 0; !outcome && plies < encoder_.shape().longest_rollout(); ++plies) {
      MoveList<G::kMaxMoves> choice;
      rollout_moves<G>(position, choice);
      const Move move = choice[rng.below(choice.size())];
      played.push_back(position.move_text(move));
      position.play(move);
      outcome = position.outcome();
    }
    return {outcome ? static_cast<float>(outcome->value) : 0.0F, played};
  }

  [[nodiscard]] const Position& position() const { return position_; }
  [[nodiscard]] const std::vector<Move>& played() const { return played_; }
  [[nodiscard]] const std::string& start() const { return start_; }

 private:
  [[nodiscard]] MoveList<G::kMaxMoves> moves() const {
    MoveList<G::kMaxMoves> list;
    position_.legal_moves(list);
    return list;
  }
  // since: sequences counted since between() was last called.
  static std::uint64_t count(Position& position, int depth, std::uint64_t& since,
                             const std::function<void()>& between) {
    if (depth <= 0) return 1;
    if constexpr (HasMoveCount<G>) {
      if (depth == 1) return static_cast<std::uint64_t>(position.count_moves());
    }
    MoveList<G::kMaxMoves> list;
    position.legal_moves(list);
    if (depth == 1) return static_cast<std::uint64_t>(list.size());  // bulk counting
    std::uint64_t nodes = 0;
    for (const Move move : list) {
      position.play(move);
      nodes += count(position, depth - 1, since, between);
      position.undo();
    }
    if (depth == 2) since += nodes;
    if (since > kSequencesAtATime) {
      since = 0;
      between();
    }
    return nodes;
  }

  static constexpr std::uint64_t kSequencesAtATime = 1 << 20;
  mutable Encoder<G> encoder_;  // has a scratch buffer
  Position position_;
  std::string start_;
  std::vector<Move> played_;  // since start_
};

}  // namespace az
