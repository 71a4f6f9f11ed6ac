// Positions of rules that can copy a state and move it on, and cannot take a move back: rules of other people.
//
// A search plays the moves of its path and takes them back, and asks the rules at its end alone. So moves are only
// noted; where the rules are asked, the last settled state is copied and the moves are played on the copy.
#pragma once

#include <cstddef>
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
  ReplayedStates(const ReplayedStates& other) : settled_(other.settled_), plies_(other.plies_), moves_(other.moves_) {}
  ReplayedStates& operator=(const ReplayedStates& other) {
    if (this == &other) return *this;
    settled_ = other.settled_;
    plies_ = other.plies_;
    moves_ = other.moves_;
    now_.reset();
    return *this;
  }
  ReplayedStates(ReplayedStates&&) = default;
  ReplayedStates& operator=(ReplayedStates&&) = default;
  ~ReplayedStates() = default;

  // The newest state. Its own: what rules keep in it, even while they are only asked, no other position sees.
  [[nodiscard]] State& now() const {
    std::unique_ptr<State> state = std::move(now_);  // it is gone if the rules throw
    if (!state) {
      state = Rules::copy(*settled_);
      played_ = 0;
    }
    for (; played_ < moves_.size(); ++played_) Rules::play(*state, moves_[played_]);
    now_ = std::move(state);
    return *now_;
  }
  [[nodiscard]] int plies() const { return plies_ + static_cast<int>(moves_.size()); }

  void play(Move move) { moves_.push_back(move); }
  void undo() {
    moves_.pop_back();
    if (played_ > moves_.size()) now_.reset();
  }
  // The plies so far can no longer be undone.
  void settle() {
    if (moves_.empty()) return;
    (void)now();
    settled_ = std::move(now_);
    plies_ = plies();
    moves_.clear();
  }

 private:
  std::shared_ptr<const State> settled_;
  int plies_ = 0;            // before settled_
  std::vector<Move> moves_;  // since then
  mutable std::unique_ptr<State> now_;
  mutable std::size_t played_ = 0;  // of moves_, in now_
};

}  // namespace az
