// Positions of rules that can copy a state and move it on, and cannot take a move back: rules of other people.
//
// A search plays the moves of its path and takes them back, and asks the rules at its end alone. So moves are only
// noted; where the rules are asked, the nearest state that is known is copied and the moves from there are played on
// the copy. Known are the last settled state and some of those that were asked for since: a search comes back to them
// with one move more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "games/game.h"

namespace az {

// Rules: a type State; copy(const State&) -> std::unique_ptr<State>; play(State&, Move).
template <class Rules>
class ReplayedStates {
 public:
  using State = typename Rules::State;

  explicit ReplayedStates(std::shared_ptr<const State> start) : settled_(std::move(start)) {}
  ReplayedStates(const ReplayedStates& other)
      : settled_(other.settled_), plies_(other.plies_), moves_(other.moves_), names_(other.names_) {}
  ReplayedStates& operator=(const ReplayedStates& other) {
    if (this == &other) return *this;
    settled_ = other.settled_;
    plies_ = other.plies_;
    moves_ = other.moves_;
    names_ = other.names_;
    now_.reset();
    known_.clear();
    return *this;
  }
  ReplayedStates(ReplayedStates&&) = default;
  ReplayedStates& operator=(ReplayedStates&&) = default;
  ~ReplayedStates() = default;

  // The newest state. Its own: what rules keep in it, even while they are only asked, no other position sees.
  [[nodiscard]] State& now() const {
    if (!now_) {
      played_ = moves_.size();
      now_ = Rules::copy(nearest(played_));
    }
    while (played_ < moves_.size()) Rules::play(*now_, moves_[played_++]);
    return *now_;
  }
  [[nodiscard]] int plies() const { return plies_ + static_cast<int>(moves_.size()); }

  void play(Move move) {
    names_.push_back(((names_.empty() ? 0 : names_.back()) + move + 1U) * 0x9e3779b97f4a7c15ULL);
    moves_.push_back(move);
  }
  void undo() {
    if (now_ && played_ == moves_.size()) put_away();
    moves_.pop_back();
    names_.pop_back();
  }
  // The plies so far can no longer be undone.
  void settle() {
    if (moves_.empty()) return;
    (void)now();
    settled_ = std::move(now_);
    plies_ = plies();
    moves_.clear();
    names_.clear();
    known_.clear();
  }

 private:
  // Those nearest to the root, which most paths go through: they are few, since each game of a pool has its own.
  static constexpr std::size_t kMostKnown = 512;
  struct Known {
    std::uint64_t name = 0;  // of the moves that lead to it
    std::size_t plies = 0;
    std::unique_ptr<State> state;
  };

  [[nodiscard]] static std::size_t place_of(std::uint64_t name) { return (name >> 32) % kMostKnown; }

  // Of the moves so far; `plies` becomes how many of them lead to it.
  [[nodiscard]] const State& nearest(std::size_t& plies) const {
    for (; plies > 0 && !known_.empty(); --plies) {
      const std::uint64_t name = names_[plies - 1];
      const Known& known = known_[place_of(name)];
      if (known.state && known.name == name && known.plies == plies) return *known.state;
    }
    plies = 0;
    return *settled_;
  }
  // The newest state will be asked for no more as it is.
  void put_away() {
    if (known_.empty()) known_.resize(kMostKnown);
    Known& known = known_[place_of(names_.back())];
    if (!known.state || known.plies >= played_) known = {names_.back(), played_, std::move(now_)};
    now_.reset();
  }

  std::shared_ptr<const State> settled_;
  int plies_ = 0;                     // before settled_
  std::vector<Move> moves_;           // since then
  std::vector<std::uint64_t> names_;  // of the moves up to each of them
  mutable std::unique_ptr<State> now_;
  mutable std::size_t played_ = 0;  // of moves_, in now_
  std::vector<Known> known_;        // by place_of(), where there are any
};

}  // namespace az
