// What a game is to the rest of the house: the concept every folder under games/ satisfies.
//
// A game G is a type with static functions (names, shapes, encodings of its options) and a nested Position (the rules).
// Search, self-play and sampling are templates over G, so the rules are inlined where they are used; only the language
// bindings see games through a virtual face. Nothing here knows of search, networks or Python.
//
// Two players. Whose turn it is says turn(): mostly they alternate, and in some games a player may move again. Search
// and targets go by it: a value changes its sign where the side to move does. In a game where a move may be impossible,
// passing is a move.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "games/move_list.h"

namespace az {

using Move = std::uint16_t;  // a game's own code for a move; 0xffff is never a move
using Key = std::uint64_t;
inline constexpr Move kNoMove = 0xffff;

// How a finished game ended. `value` is for the FIRST player: +1 win, 0 draw, -1 loss.
struct Outcome {
  int value = 0;
  const char* reason = "";     // a string literal: "two_passes", "checkmate", ...
  std::optional<float> score;  // games with a score: the first player's margin in points (Go: after komi)
};

// A move that the rules do not allow; becomes alphazero.IllegalMove in Python.
struct IllegalMove : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// Options as they come from a user: az.Game("go", board_size=9, ko="simple").
using OptionValue = std::variant<bool, std::int64_t, double, std::string>;
using OptionMap = std::map<std::string, OptionValue>;

// Sizes of everything that crosses to the network. All planes are height x width; the first `bit_planes` hold 0/1
// cells, the last `scalar_planes` hold one number for the whole board or, with `numbers_a_cell`, one for each cell.
struct Shape {
  int bit_planes = 0;
  int scalar_planes = 0;
  int height = 0;
  int width = 0;
  int policy_size = 0;
  int symmetries = 1;     // symmetry 0 is the identity
  int rollout_plies = 0;  // a random game as long as that counts as drawn; 0: four moves a cell
  bool numbers_a_cell = false;
  bool dense_policy = false;  // policy indices are in no order that a convolution could learn, whatever their number

  // The order of policy indices. A network chooses its policy head by policy_size, and a head expects an order:
  // - k * cells indices are k planes over the board, plane-major: index = plane * cells + cell, the cells those of
  //   encode(). A plane is a kind of move and always means the same cell of it, such as where the move starts or lands.
  // - k * cells + 1 indices are the same, and one move beside the board that comes last, such as Go's pass.
  // - As many indices as the board is wide are columns, those of encode(): Connect Four.
  // - Any other number is a dense layer's, in any order; so is every number with `dense_policy`.
  // A convolution cannot learn an order that is not its head's. Indices that no move has may be left unused.

  [[nodiscard]] int planes() const { return bit_planes + scalar_planes; }
  [[nodiscard]] int cells() const { return height * width; }
  [[nodiscard]] int words() const { return (cells() + 63) / 64; }  // 64-bit words in a bit plane
  [[nodiscard]] int longest_rollout() const { return rollout_plies > 0 ? rollout_plies : 4 * cells(); }
  // Numbers that encode() writes beside the bits.
  [[nodiscard]] int numbers() const { return numbers_a_cell ? scalar_planes * cells() : scalar_planes; }
};

// Where encode() writes a position: `bits` is [bit_planes][words], cell c of a plane is bit c % 64 of word c / 64, cell
// = row * width + column with row 0 first in the network's view; `scalars` is [scalar_planes] or, with numbers_a_cell,
// [scalar_planes][cells]. Both arrive zeroed.
struct Features {
  std::uint64_t* bits;
  float* scalars;
  int words;

  void set(int plane, int cell) const { bits[plane * words + (cell >> 6)] |= std::uint64_t{1} << (cell & 63); }
};

// clang-format off
template <class G>
concept Game = std::copyable<typename G::Position> && requires(
    const OptionMap& map, const typename G::Options& options, typename G::Position& position, const typename G::Position& view,
    Move move, MoveList<G::kMaxMoves>& moves, std::string_view text, Features features, std::span<std::int8_t> cells, int i) {
  // --- the game ---
  { G::kName } -> std::convertible_to<std::string_view>;           // as in az.Game(name)
  { G::parse_options(map) } -> std::same_as<std::optional<typename G::Options>>;
                                       // throws std::invalid_argument; nullopt: valid, but another type of this name serves it
  { G::describe(options) } -> std::same_as<OptionMap>;             // complete; parse_options(describe(o)) == o
  { G::shape(options) } -> std::same_as<Shape>;
  { G::map_cell(options, i, i) } -> std::same_as<int>;             // (symmetry, cell) -> cell it moves to
  { G::map_policy(options, i, i) } -> std::same_as<int>;           // (symmetry, policy index) -> policy index it moves to
  // --- a position; the one constructed is the start ---
  requires std::constructible_from<typename G::Position, const typename G::Options&>;
  { G::Position::parse(options, text) } -> std::same_as<typename G::Position>;  // throws std::invalid_argument naming the field
  { view.text() } -> std::same_as<std::string>;                    // parse(text()) gives the position back
  { view.diagram() } -> std::same_as<std::string>;                 // the board drawn in text, for people
  { view.turn() } -> std::same_as<int>;                            // 0: first player, 1: the other
  { view.ply() } -> std::same_as<int>;
  { view.key() } -> std::same_as<Key>;                             // equal iff the same for the repetition rule
  { view.outcome() } -> std::same_as<std::optional<Outcome>>;      // cheap when the game goes on
  { view.legal_moves(moves) } -> std::same_as<void>;               // appends all; the order is fixed by the position
  { position.play(move) } -> std::same_as<void>;                   // `move` is legal: not checked here
  { position.undo() } -> std::same_as<void>;                       // takes back the last play()
  { position.settle() } -> std::same_as<void>;                     // plies so far can no longer be undone; may free memory
  { view.policy_index(move) } -> std::same_as<int>;                // unique among the legal moves, < shape().policy_size
  { view.encode(features) } -> std::same_as<void>;                 // side to move's view
  { view.cells(cells) } -> std::same_as<void>;                     // the pieces on the board: see below
  { view.move_text(move) } -> std::same_as<std::string>;
  { view.parse_move(text) } -> std::same_as<Move>;                 // a legal move, or throws IllegalMove saying why
};
// clang-format on

// cells() writes what stands where: [height][width], row 0 at the top and column 0 at the left of diagram(), whoever is
// to move; all of it is overwritten. 0 is an empty cell, k > 0 a piece of the first player's of kind k, -k one of the
// other's. The kinds are the game's own and stand in its README; where there is one kind, it is 1. What is not on the
// board (hands, captures, rights) is not in it. There is no default: planes show the side to move's view and need not
// hold the pieces at all.

// What only some games have. The core asks with `if constexpr (HasOwnership<G>)` and so on.
template <class G>
concept HasOwnership = requires(const typename G::Position& view, std::span<std::int8_t> cells) {
  { view.ownership(cells) } -> std::same_as<void>;  // per cell: +1 the first player's area, -1 the other's, 0 neither's
};
template <class G>
concept HasRolloutMoves = requires(const typename G::Position& view, MoveList<G::kMaxMoves>& moves) {
  { view.rollout_moves(moves) } -> std::same_as<void>;  // legal moves a random game should choose from; never empty
};
template <class G>
concept HasWinningMove = requires(const typename G::Position& view, const MoveList<G::kMaxMoves>& moves) {
  { view.winning_move(moves) } -> std::same_as<Move>;  // one of the legal moves that wins at once; kNoMove: none does
};
template <class G>
concept HasMoveCount = requires(const typename G::Position& view) {
  { view.count_moves() } -> std::same_as<int>;  // of legal moves, where that is cheaper than listing them (perft)
};
template <class G>
concept HasCheck = requires(const typename G::Position& view) {
  { view.in_check() } -> std::same_as<bool>;
};
template <class G>
concept HasDeclaration = requires(const typename G::Position& view) {
  { view.can_declare() } -> std::same_as<bool>;
};

// Rules for which there is one search on one thread, and no pool: those that call Python.
template <class G>
concept SingleSearch = requires { requires G::kSingleSearch; };

}  // namespace az
