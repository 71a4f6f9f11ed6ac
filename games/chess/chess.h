// Chess, Chess960 and, from the same code on a smaller board, Gardner minichess. See README.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "games/chess/board.h"
#include "games/chess/fen.h"
#include "games/chess/policy.h"
#include "games/options.h"
#include "games/state_stack.h"

namespace az::chess {

struct Options {
  bool chess960 = false;
  int max_plies = 0;  // plies from the position the game began with after which it is a draw; 0: no limit
};

inline constexpr int kHistory = 8;           // positions the network sees, as in AlphaZero
inline constexpr int kPlanesAPosition = 14;  // own and the opponent's six kinds of piece, two for repetitions
// Scalar planes after the history, in AlphaZero's order.
enum Scalar { kColour, kMoveCount, kOwnShort, kOwnLong, kOtherShort, kOtherLong, kNoProgress, kScalars };

template <int Size>
struct Chess {
  static constexpr bool kFullSize = Size == 8;
  static constexpr std::string_view kName = kFullSize ? "chess" : "gardner";
  static constexpr std::string_view kStart =
      kFullSize ? "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1" : "rnbqk/ppppp/5/PPPPP/RNBQK w - - 0 1";
  static constexpr int kMaxMoves = 512;  // 15 queens and a king have 415 (tests/test_most_moves.py)
  using Options = chess::Options;
  using State = Board<Size>;
  using G = Geometry<Size>;
  using Policy = chess::Policy<Size>;
  using Moves = MoveList<kMaxMoves>;

  static std::optional<Options> parse_options(const OptionMap& map) {
    OptionReader read(kName, map);
    Options o;
    if constexpr (kFullSize) o.chess960 = read.boolean("chess960", false);
    o.max_plies = read.integer("max_plies", 0, 0, 30000);
    read.finish();
    return o;
  }
  static OptionMap describe(const Options& o) {
    OptionMap map{{"max_plies", std::int64_t{o.max_plies}}};
    if constexpr (kFullSize) map["chess960"] = o.chess960;
    return map;
  }
  // Only without castling is the board's mirror image the same game.
  static Shape shape(const Options&) {
    return {kHistory * kPlanesAPosition, kScalars, Size, Size, Policy::kSize, kFullSize ? 1 : 2};
  }
  static int map_cell(const Options&, int symmetry, int cell) {
    return symmetry == 0 ? cell : cell - cell % Size + Size - 1 - cell % Size;
  }
  static int map_policy(const Options&, int symmetry, int index) {
    return symmetry == 0 ? index : Policy::mirrored(index);
  }

  class Position {
   public:
    explicit Position(const Options& options) : Position(options, start_board()) {}

    // FEN with 1 to 6 fields, or "startpos".
    static Position parse(const Options& options, std::string_view text) {
      if (text == "startpos") return Position(options);
      return Position(options, FenReader<Size>(kName, text, options.chess960).board());
    }
    [[nodiscard]] std::string text() const { return to_fen(state()); }

    [[nodiscard]] int turn() const { return state().turn; }
    [[nodiscard]] int ply() const { return 2 * (state().move_number - 1) + state().turn; }
    [[nodiscard]] Key key() const { return state().key; }
    // Names the position for a network, earlier boards left out: how often it was there, and about how near a draw is.
    [[nodiscard]] Key answer_key() const {
      const State& s = state();
      return s.key ^ (0x9e3779b97f4a7c15ULL * (1U + s.repetitions + 4U * (s.halfmoves / 16U)));
    }
    [[nodiscard]] bool in_check() const { return state().checkers != 0; }

    [[nodiscard]] std::optional<Outcome> outcome() const {
      const State& s = state();
      if (!s.has_legal_move()) {
        if (s.checkers == 0) return Outcome{0, "stalemate", std::nullopt};
        return Outcome{s.turn == kWhite ? -1 : 1, "checkmate", std::nullopt};
      }
      if (s.insufficient_material()) return Outcome{0, "insufficient", std::nullopt};
      if (s.repetitions >= 2) return Outcome{0, "threefold", std::nullopt};
      if (s.halfmoves >= 100) return Outcome{0, "fifty", std::nullopt};
      if (options_.max_plies > 0 && static_cast<int>(keys_.size()) > options_.max_plies)
        return Outcome{0, "max_plies", std::nullopt};
      return std::nullopt;
    }

    void legal_moves(Moves& moves) const { state().legal_moves(moves); }
    [[nodiscard]] Move winning_move(const Moves& moves) const { return state().mating_move(moves); }
    void play(Move move) {
      State& s = states_.push();
      s.play(move);
      count_repetitions(s);
      keys_.push_back(s.key);
    }
    void undo() {
      states_.pop();
      keys_.pop_back();
    }
    void settle() { states_.settle(kHistory); }

    [[nodiscard]] int policy_index(Move move) const {
      return Policy::index(turn(), from_of(move), shown_target(move), what_of(move));
    }

    // AlphaZero's planes (Silver et al. 2018, table S1), turned so that the side to move plays up the board: the last
    // eight positions, newest first, each own pawns .. king, the opponent's, and whether the position had occurred
    // once and twice before; then the scalars.
    void encode(Features out) const {
      const State& s = state();
      const int us = s.turn;
      for (int t = 0; t < kHistory; ++t) {
        const State* const then = states_.back(t);
        if (then == nullptr) break;
        const int base = t * kPlanesAPosition;
        for (const int side : {us, 1 - us})
          for (int type = kPawn; type <= kKing; ++type)
            out.bits[base + (side == us ? 0 : 6) + type] = cells(then->of(side, static_cast<Piece>(type)), us);
        for (int n = 0; n < then->repetitions; ++n) out.bits[base + 12 + n] = cells(G::kBoard, us);
      }
      out.scalars[kColour] = static_cast<float>(us);
      out.scalars[kMoveCount] = static_cast<float>(s.move_number - 1) / 100.0F;
      for (const int side : {us, 1 - us}) {
        const Bitboard rights = s.castling & G::rank(side == kWhite ? 0 : Size - 1);
        const Bitboard above = ~Bitboard{0} << s.king(side);
        out.scalars[side == us ? kOwnShort : kOtherShort] = (rights & above) != 0 ? 1.0F : 0.0F;
        out.scalars[side == us ? kOwnLong : kOtherLong] = (rights & ~above) != 0 ? 1.0F : 0.0F;
      }
      out.scalars[kNoProgress] = static_cast<float>(s.halfmoves) / 100.0F;
    }

    // Pawn 1, knight 2, bishop 3, rook 4, queen 5, king 6; White's positive. Row 0 is the last rank, column 0 the a
    // file.
    void cells(std::span<std::int8_t> out) const {
      const State& s = state();
      for (int cell = 0; cell < Size * Size; ++cell) {
        const int square = 8 * (Size - 1 - cell / Size) + cell % Size;
        const std::uint8_t type = s.piece[at(square)];
        const int kind = type == kNoPiece ? 0 : type + 1;
        out[at(cell)] = static_cast<std::int8_t>(s.colour[kWhite] & bit(square) ? kind : -kind);
      }
    }

    // UCI: "e2e4", "e7e8q"; castling "e1g1", under Chess960 the king takes its rook: "e1h1".
    [[nodiscard]] std::string move_text(Move move) const {
      std::string out = square_text(from_of(move)) + square_text(shown_target(move));
      if (what_of(move) >= kToKnight && what_of(move) <= kToQueen) out += kLetters[at(what_of(move))];
      return out;
    }
    [[nodiscard]] Move parse_move(std::string_view given) const {
      const std::string shown = "'" + std::string(given) + "'";
      std::string text(given);  // some programs write e7e8Q
      for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const auto square = [&](std::size_t i) {
        const int file = text[i] - 'a';
        const int rank = text[i + 1] - '1';
        return G::inside(file, rank) ? 8 * rank + file : -1;
      };
      const bool promotes = text.size() == 5;
      if ((text.size() != 4 && !promotes) || square(0) < 0 || square(2) < 0 ||
          (promotes && std::string_view("nbrq").find(text[4]) == std::string_view::npos))
        throw IllegalMove(shown + " is no move: two squares, such as " +
                          (kFullSize ? "e2e4 or e7e8q" : "b2b3 or b4b5q"));
      const int from = square(0);
      const int to = square(2);
      Moves moves;
      legal_moves(moves);
      for (const Move move : moves) {
        const bool to_rook = what_of(move) == kCastle && to_of(move) == to;  // e1h1 is understood in plain chess, too
        if (from_of(move) == from && (to_rook || (shown_target(move) == to && move_text(move) == text))) return move;
      }
      throw IllegalMove(shown + why_not(from, to, promotes));
    }

    [[nodiscard]] std::string diagram() const {
      const State& s = state();
      std::string files = "  ";
      for (int f = 0; f < Size; ++f) files += std::string(" ") + static_cast<char>('a' + f);
      std::string out;
      for (int rank = Size - 1; rank >= 0; --rank) {
        out += std::string(" ") + static_cast<char>('1' + rank);
        for (int file = 0; file < Size; ++file) {
          const int square = 8 * rank + file;
          const std::uint8_t type = s.piece[at(square)];
          const char letter = type == kNoPiece ? '.' : kLetters[type];
          out += ' ';
          out += s.colour[kWhite] & bit(square) ? static_cast<char>(std::toupper(letter)) : letter;
        }
        out += '\n';
      }
      out += files + '\n';
      out += s.turn == kWhite ? "White" : "Black";
      return out + " to move, move " + std::to_string(s.move_number) + (s.checkers != 0 ? ", in check" : "");
    }

   private:
    Position(const Options& options, const State& board) : options_(options) {
      states_.top() = board;
      keys_.push_back(board.key);
    }
    static const State& start_board() {
      static const State board = FenReader<Size>(kName, kStart, false).board();
      return board;
    }
    [[nodiscard]] const State& state() const { return states_.top(); }

    // Looks back along the plies that nothing irreversible separates from this one.
    void count_repetitions(State& s) const {
      s.repetitions = 0;
      const auto played = static_cast<int>(keys_.size());  // plies before this one
      for (int back = 4; back <= s.halfmoves && back <= played; back += 2)
        if (keys_[at(played - back)] == s.key && ++s.repetitions == 2) break;
    }

    // Where a move ends as its text has it: castling is the king's two steps, under Chess960 the rook's square.
    [[nodiscard]] int shown_target(Move move) const {
      if (what_of(move) != kCastle || options_.chess960) return to_of(move);
      return (from_of(move) & 56) + (to_of(move) > from_of(move) ? 6 : 2);
    }

    // Squares as cells of the network's view: row 0 is the far rank of the side to move.
    static std::uint64_t cells(Bitboard squares, int us) {
      if constexpr (kFullSize) return us == kWhite ? swap_ranks(squares) : squares;
      std::uint64_t out = 0;
      for (int row = 0; row < Size; ++row) {
        const int rank = us == kWhite ? Size - 1 - row : row;
        out |= (squares >> 8 * rank & ((1U << Size) - 1)) << Size * row;
      }
      return out;
    }

    [[nodiscard]] std::string why_not(int from, int to, bool promotes) const {
      const State& s = state();
      if (outcome()) return ": the game is over";
      if (!(s.occupied() & bit(from))) return ": no piece on " + square_text(from);
      if (!(s.colour[s.turn] & bit(from))) return ": the piece on " + square_text(from) + " is the opponent's";
      const bool last_rank = rank_of(to) == (s.turn == kWhite ? Size - 1 : 0);
      if (s.piece[at(from)] == kPawn && last_rank != promotes)
        return last_rank ? ": a promotion names its piece, as in e7e8q" : ": only a pawn on the last rank promotes";
      if (s.checkers != 0) return ": illegal, and the king is in check";
      if (s.pinned & bit(from)) return ": illegal, and the piece on " + square_text(from) + " is pinned";
      return " is not legal here";
    }

    Options options_;
    StateStack<State> states_;
    std::vector<Key> keys_;  // of every position since the first, for the repetition rule
  };
};

static_assert(Game<Chess<8>> && HasCheck<Chess<8>> && HasWinningMove<Chess<8>>);
static_assert(Game<Chess<5>>);
using Types = std::tuple<Chess<8>, Chess<5>>;

}  // namespace az::chess
