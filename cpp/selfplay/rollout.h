// Random play: the moves a random game chooses from, and the value of a position by playing it to the end.
#pragma once

#include <algorithm>

#include "cpp/search/rng.h"
#include "games/game.h"

namespace az {

template <Game G>
void rollout_moves(const typename G::Position& position, MoveList<G::kMaxMoves>& moves) {
  if constexpr (HasRolloutMoves<G>) {
    position.rollout_moves(moves);
  } else {
    position.legal_moves(moves);
  }
}

// The outcome of one random game from `position`, for its side to move, in {-1, 0, 1}. A game that is too long (they
// get lost in repetitions) counts as a draw. The position is given back as it came.
template <Game G>
float rollout(typename G::Position& position, const Shape& shape, Rng& rng) {
  const int side = position.turn();
  const int limit = shape.longest_rollout();
  int plies = 0;
  auto outcome = position.outcome();
  for (; !outcome && plies < limit; ++plies) {
    MoveList<G::kMaxMoves> moves;
    rollout_moves<G>(position, moves);
    position.play(moves[rng.below(moves.size())]);
    outcome = position.outcome();
  }
  for (int i = 0; i < plies; ++i) position.undo();
  if (!outcome) return 0.0F;
  return static_cast<float>(side == 0 ? outcome->value : -outcome->value);
}

}  // namespace az
