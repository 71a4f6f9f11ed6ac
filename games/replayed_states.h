// Positions of rules that can copy a state and move it on, and cannot take a move back: rules of other people.
//
// A search plays the moves of its path and takes them back, and asks the rules at its end alone. So moves are only
// noted; where the rules are asked, the nearest state that is known is copied and the moves from there are played on
// the copy. Known are the last settled state and some of those that were asked for since: a small search comes back to
// them with one move more, a large one with a few; rules whose moves are dear keep more. Random games leave nothing to
// begin from.
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

  // dear_moves: playing a move takes far longer than copying a state.
  explicit ReplayedStates(std::shared_ptr<const State> start, bool dear_moves = false)
      : settled_(std::move(start)), most_known_(dear_moves ? kMostKnownOfDear : kMostKnown) {}
  ReplayedStates(const ReplayedStates& other)
      : settled_(other.settled_),
        most_known_(other.most_known_),
        plies_(other.plies_),
        moves_(other.moves_),
        names_(other.names_) {}
  ReplayedStates& operator=(const ReplayedStates& other) {
    if (this == &other) return *this;
    settled_ = other.settled_;
    most_known_ = other.most_known_;
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
    std::unique_ptr<State> state = std::move(now_);  // it is gone if the rules throw
    if (!state) {
      played_ = moves_.size();
      state = Rules::copy(nearest(played_));
    }
    for (; played_ < moves_.size(); ++played_) Rules::play(*state, moves_[played_]);
    now_ = std::move(state);
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
  // Those nearest to the root, which most paths go through. They are few, since each game of a pool has its own and a
  // state may take 10 KB: as many as were put away, to the next power of two. More than kMostKnown only where moves are
  // dear and the tree is larger than those of self-play: to look up and to free a state costs a miss of the cache.
  static constexpr std::size_t kFewestKnown = 64;
  static constexpr std::size_t kMostKnown = 512;
  static constexpr std::size_t kMostKnownOfDear = 16384;
  struct Known {
    std::uint64_t name = 0;  // of the moves that lead to it
    std::size_t plies = 0;
    std::unique_ptr<State> state;
  };

  [[nodiscard]] std::size_t place_of(std::uint64_t name) const { return (name >> 32) % known_.size(); }

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
    if (known_.empty()) {
      known_.resize(kFewestKnown);
      put_away_ = 0;
    } else if (++put_away_ > (known_.size() < kMostKnown ? 1 : 2) * known_.size() && known_.size() < most_known_) {
      std::vector<Known> all = std::exchange(known_, std::vector<Known>(2 * known_.size()));
      for (Known& each : all)
        if (each.state) keep(std::move(each));
    }
    keep({names_.back(), played_, std::move(now_)});
    now_.reset();
  }
  void keep(Known&& fresh) {
    Known& known = known_[place_of(fresh.name)];
    if (!known.state || known.plies >= fresh.plies) known = std::move(fresh);
  }

  std::shared_ptr<const State> settled_;
  std::size_t most_known_ = kMostKnown;
  int plies_ = 0;                     // before settled_
  std::vector<Move> moves_;           // since then
  std::vector<std::uint64_t> names_;  // of the moves up to each of them
  mutable std::unique_ptr<State> now_;
  mutable std::size_t played_ = 0;  // of moves_, in now_
  std::vector<Known> known_;        // by place_of(), where there are any
  std::size_t put_away_ = 0;        // states, since there are
};

}  // namespace az
