// A game of OpenSpiel made from its text, and what its tensors are to a network. refusals.h says which cannot be
// played.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "games/game.h"
#include "games/open_spiel/refusals.h"
#include "open_spiel/spiel.h"

namespace az::open_spiel {

inline constexpr int kMostPliesOfARecord = 65535;

// A game that can be played.
struct Loaded {
  std::string name;  // as OpenSpiel writes it, with its parameters
  std::shared_ptr<const ::open_spiel::Game> game;
  std::shared_ptr<const ::open_spiel::State> start;
  Shape shape;
  int kinds_a_cell = 1;  // actions count cells first, then so many kinds of moves of each: policy indices the other way
  int max_plies = 0;     // a draw there
  bool scored = false;   // returns are more than won, drawn and lost
  bool dear_moves = false;  // to play one takes far longer than to copy a state
};

namespace detail {

// Observations as planes: [C, H, W] as they are, [C, cells] as squares where they are, a flat one as C planes of one
// cell.
inline Shape shape_of(const std::string& text, const std::vector<int>& observation, int actions) {
  std::int64_t numbers = 1;
  for (const int size : observation) {
    if (size < 1) refuse(text, "its observation is empty with these parameters");
    numbers = std::min<std::int64_t>(numbers * size, std::int64_t{1} << 31);
  }
  if (numbers > kMostNumbers)
    refuse(text, "its observation has more than " + std::to_string(kMostNumbers) + " numbers");
  Shape shape;
  shape.numbers_a_cell = true;
  shape.policy_size = actions;
  std::vector<int> sizes = observation;
  while (sizes.size() > 3) {  // the first dimensions are kinds of planes
    sizes[1] *= sizes[0];
    sizes.erase(sizes.begin());
  }
  sizes.insert(sizes.end(), 3 - sizes.size(), 1);
  if (observation.size() == 2) {
    int side = 1;
    while ((side + 1) * (side + 1) <= sizes[1]) ++side;
    const bool square = side * side == sizes[1];
    sizes = {sizes[0], square ? side : 1, square ? side : sizes[1]};
  }
  shape.scalar_planes = sizes[0] + 1;  // and one that says whose turn it is
  shape.height = sizes[1];
  shape.width = sizes[2];
  if (shape.cells() > kMostCells)
    refuse(text, "its observation has more than " + std::to_string(kMostCells) + " cells");
  return shape;
}

// How a game's actions lie on its board, where that is known (tests/test_open_spiel.py checks it): the number of kinds
// of moves of each cell. 0: they do not, and the policy's head is dense.
inline int kinds_a_cell(const std::string& name, const Shape& shape) {
  const auto among = [&name](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const int cells = shape.cells();
  if (name == "connect_four") return shape.policy_size == shape.width ? 1 : 0;  // columns
  // A move puts something on a cell; Go and Othello have a pass, which comes last.
  if (among({"amazons", "go", "gomoku", "havannah", "hex", "mnk", "othello", "tic_tac_toe", "y"}))
    return shape.policy_size == cells || shape.policy_size == cells + 1 ? 1 : 0;
  // A move starts from a cell.
  if (among({"breakthrough", "checkers", "clobber"}))
    return shape.policy_size % cells == 0 ? shape.policy_size / cells : 0;
  return 0;
}

inline Loaded load(const std::string& text, int max_plies) {
  const ::open_spiel::GameParameters parameters = parameters_of(text);
  examine(text, parameters);
  Loaded loaded;
  loaded.game = ::open_spiel::LoadGame(parameters);
  const std::string obstacle = detail::obstacle(*loaded.game);
  if (!obstacle.empty()) refuse(text, obstacle);
  loaded.name = loaded.game->ToString();
  if (loaded.name.ends_with("()")) loaded.name.resize(loaded.name.size() - 2);
  loaded.shape = shape_of(text, loaded.game->ObservationTensorShape(), loaded.game->NumDistinctActions());
  loaded.kinds_a_cell = kinds_a_cell(loaded.game->GetType().short_name, loaded.shape);
  loaded.shape.dense_policy = loaded.kinds_a_cell == 0;
  loaded.kinds_a_cell = std::max(1, loaded.kinds_a_cell);
  const int longest = std::min(loaded.game->MaxGameLength(), kMostPliesOfARecord);
  loaded.max_plies = max_plies > 0 ? std::min(max_plies, longest) : longest;
  loaded.shape.rollout_plies = std::min(loaded.max_plies, kLongestRollout);
  loaded.scored = loaded.game->MaxUtility() != 1.0;
  loaded.start = loaded.game->NewInitialState();
  const int observed = (loaded.shape.scalar_planes - 1) * loaded.shape.cells();
  loaded.dear_moves = moves_are_dear(text, *loaded.start, static_cast<std::size_t>(observed));
  return loaded;
}

}  // namespace detail

// The game of this text, such as "hex(board_size=5)". Throws std::invalid_argument naming what is wrong with it.
inline Loaded load(const std::string& text, int max_plies) {
  const detail::Silence silence;
  try {
    return detail::load(text, max_plies);
  } catch (const detail::Refusal&) {
    throw;
  } catch (const std::bad_alloc&) {
    detail::refuse(text, "it takes more memory than there is");
  } catch (const std::logic_error& error) {  // of a container: its size is negative, or nothing stands at a place
    detail::refuse(text, std::string("its parameters make no game (") + error.what() + ")");
  } catch (const std::exception& error) {
    detail::refuse(text, detail::in_words(error.what()));
  }
}

}  // namespace az::open_spiel
