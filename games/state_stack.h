// The states of a game, one a ply, newest last: play() is copy-and-change, undo() drops the newest.
//
// Copying a few hundred bytes costs less than undoing move by move, and the earlier boards that encodings and
// repetition rules ask for are simply there.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

namespace az {

template <class State>
class StateStack {
  static_assert(std::is_trivially_copyable_v<State>);

 public:
  StateStack() : states_(1) {}

  [[nodiscard]] State& top() { return states_[size_ - 1]; }
  [[nodiscard]] const State& top() const { return states_[size_ - 1]; }

  // Copies the newest state on top of itself and returns the copy.
  State& push() {
    if (size_ == states_.size()) states_.resize(size_ + size_ / 2 + 8);
    states_[size_] = states_[size_ - 1];
    return states_[size_++];
  }
  void pop() { --size_; }

  // The state `plies` ago, or nullptr where the game (or what settle() kept of it) does not reach back so far.
  [[nodiscard]] const State* back(int plies) const {
    const auto n = static_cast<std::size_t>(plies);
    return n < size_ ? &states_[size_ - 1 - n] : nullptr;
  }
  [[nodiscard]] int size() const { return static_cast<int>(size_); }

  // Forgets old states, keeping the newest `keep` at least. Waits until there are many to forget: the move is then
  // cheap, and a long game stays within a few dozen states, which the processor's cache holds.
  void settle(int keep) {
    const auto n = static_cast<std::size_t>(keep);
    if (size_ <= 4 * n) return;
    std::move(states_.begin() + static_cast<std::ptrdiff_t>(size_ - n),
              states_.begin() + static_cast<std::ptrdiff_t>(size_), states_.begin());
    size_ = n;
  }

 private:
  std::vector<State> states_;
  std::size_t size_ = 1;
};

}  // namespace az
