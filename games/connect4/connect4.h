// Connect Four: the smallest game here, and the one to copy when you add your own. README.md walks through it.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>

#include "games/options.h"
#include "games/state_stack.h"

namespace az::connect4 {

inline constexpr int kColumns = 7;
inline constexpr int kRows = 6;

struct Connect4 {
  static constexpr std::string_view kName = "connect4";
  static constexpr int kMaxMoves = kColumns;
  struct Options {};

  static std::optional<Options> parse_options(const OptionMap& map) {
    OptionReader(kName, map).finish();
    return Options{};
  }
  static OptionMap describe(const Options&) { return {}; }
  static Shape shape(const Options&) {
    return {.bit_planes = 2,
            .scalar_planes = 1,
            .height = kRows,
            .width = kColumns,
            .policy_size = kColumns,
            .symmetries = 2};
  }
  // Symmetry 1 mirrors the columns.
  static int map_policy(const Options&, int symmetry, int column) {
    return symmetry == 0 ? column : kColumns - 1 - column;
  }
  static int map_cell(const Options& options, int symmetry, int cell) {
    return cell - cell % kColumns + map_policy(options, symmetry, cell % kColumns);
  }

  class Position {
   public:
    explicit Position(const Options&) { states_.top() = State{}; }

    // The columns played so far: "ddcf".
    static Position parse(const Options& options, std::string_view text) {
      Position position(options);
      for (const char c : text) {
        if (c == ' ') continue;
        try {
          position.play(position.parse_move(std::string_view(&c, 1)));
        } catch (const IllegalMove& error) {
          throw std::invalid_argument("connect4: move " + std::to_string(position.ply() + 1) + ": " + error.what());
        }
      }
      return position;
    }
    [[nodiscard]] std::string text() const { return text_; }

    [[nodiscard]] int turn() const { return ply() & 1; }
    [[nodiscard]] int ply() const { return std::popcount(state().stones[0] | state().stones[1]); }
    [[nodiscard]] Key key() const {  // stones never move: positions differ in them alone, and this keeps them apart
      return state().stones[0] * 0x9e3779b97f4a7c15ULL ^ (state().stones[1] + 1) * 0xd1b54a32d192ed03ULL;
    }
    [[nodiscard]] std::optional<Outcome> outcome() const {
      const int mover = 1 - turn();
      if (four(state().stones[mover])) return Outcome{mover == 0 ? 1 : -1, "four_in_a_row", std::nullopt};
      if (ply() == kRows * kColumns) return Outcome{0, "full_board", std::nullopt};
      return std::nullopt;
    }

    void legal_moves(MoveList<kMaxMoves>& moves) const {
      if (four(state().stones[1 - turn()])) return;
      for (int c = 0; c < kColumns; ++c)
        if (height(c) < kRows) moves.push(static_cast<Move>(c));
    }
    void play(Move column) {
      const int mover = turn();
      const std::uint64_t stone = bit(column, height(column));
      states_.push().stones[mover] |= stone;
      text_ += static_cast<char>('a' + column);
    }
    void undo() {
      states_.pop();
      text_.pop_back();
    }
    void settle() { states_.settle(1); }

    [[nodiscard]] int policy_index(Move column) const { return column; }
    // Own stones, the opponent's, and who is to move. The stones say all there is to know: no history is needed.
    void encode(Features out) const {
      for (int plane = 0; plane < 2; ++plane)
        for (int c = 0; c < kColumns; ++c)
          for (int r = 0; r < kRows; ++r)
            if (state().stones[turn() ^ plane] & bit(c, r)) out.set(plane, (kRows - 1 - r) * kColumns + c);
      out.scalars[0] = static_cast<float>(turn());
    }
    void cells(std::span<std::int8_t> out) const {  // 1: a stone of the first player's, -1: the other's
      for (int c = 0; c < kColumns; ++c)
        for (int r = 0; r < kRows; ++r)
          out[static_cast<std::size_t>((kRows - 1 - r) * kColumns + c)] =
              static_cast<std::int8_t>(((state().stones[0] & bit(c, r)) != 0) - ((state().stones[1] & bit(c, r)) != 0));
    }

    [[nodiscard]] std::string move_text(Move column) const { return std::string(1, static_cast<char>('a' + column)); }
    [[nodiscard]] Move parse_move(std::string_view text) const {
      const std::string shown = "'" + std::string(text) + "'";
      if (text.size() != 1 || text[0] < 'a' || text[0] >= 'a' + kColumns)
        throw IllegalMove(shown + " is no column: a to g");
      if (outcome()) throw IllegalMove(shown + ": the game is over");
      const int column = text[0] - 'a';
      if (height(column) == kRows) throw IllegalMove("column " + shown + " is full");
      return static_cast<Move>(column);
    }
    [[nodiscard]] std::string diagram() const {
      std::string out;
      for (int r = kRows - 1; r >= 0; --r) {
        for (int c = 0; c < kColumns; ++c) {
          const std::uint64_t cell = bit(c, r);
          out += state().stones[0] & cell ? " X" : state().stones[1] & cell ? " O" : " .";
        }
        out += '\n';
      }
      out += " a b c d e f g\n";
      out += turn() == 0 ? "first player (X) to move, ply " : "second player (O) to move, ply ";
      return out + std::to_string(ply());
    }

   private:
    // Column c is bits 7c .. 7c + 5, the lowest row first; bit 7c + 6 stays 0 and keeps columns apart in shifts.
    struct State {
      std::uint64_t stones[2] = {0, 0};
    };
    static std::uint64_t bit(int column, int row) { return std::uint64_t{1} << (column * 7 + row); }
    static bool four(std::uint64_t stones) {
      for (const int step : {1, 6, 7, 8}) {  // up, the two diagonals, across
        const std::uint64_t pairs = stones & (stones >> step);
        if (pairs & (pairs >> 2 * step)) return true;
      }
      return false;
    }
    [[nodiscard]] const State& state() const { return states_.top(); }
    [[nodiscard]] int height(int column) const {
      return std::popcount((state().stones[0] | state().stones[1]) >> (column * 7) & 0x3f);
    }

    StateStack<State> states_;
    std::string text_;
  };
};

static_assert(Game<Connect4>);
using Types = std::tuple<Connect4>;

}  // namespace az::connect4
