// Shogi and, from the same code on a smaller board, minishogi. See README.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "games/options.h"
#include "games/shogi/board.h"
#include "games/shogi/policy.h"
#include "games/shogi/sfen.h"
#include "games/state_stack.h"

namespace az::shogi {

struct Options {
  int max_plies = 0;  // plies from the position the game began with after which it is a draw; 0: no limit
};

inline constexpr int kHistory = 8;  // positions the network sees, as in AlphaZero

template <int Size>
struct Shogi {
  static constexpr bool kFullSize = Size == 9;
  static constexpr std::string_view kName = kFullSize ? "shogi" : "minishogi";
  static constexpr std::string_view kStart =
      kFullSize ? "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1" : "rbsgk/4p/5/P4/KGSBR b - 1";
  using Options = shogi::Options;
  using State = Board<Size>;
  using G = Geometry<Size>;
  using Policy = shogi::Policy<Size>;
  static constexpr int kMaxMoves = State::kMostMoves;
  using Moves = MoveList<kMaxMoves>;

  // The pieces that have planes, in order; minishogi has no lance and no knight.
  static constexpr auto kPlanePieces = [] {
    if constexpr (kFullSize) {
      return std::array<int, 14>{kPawn,    kLance,    kKnight,    kSilver,    kGold,  kBishop, kRook,
                                 kProPawn, kProLance, kProKnight, kProSilver, kHorse, kDragon, kKing};
    } else {
      return std::array<int, 10>{kPawn, kSilver, kGold, kBishop, kRook, kProPawn, kProSilver, kHorse, kDragon, kKing};
    }
  }();
  static constexpr int kKinds = static_cast<int>(kPlanePieces.size());
  static constexpr int kHands = static_cast<int>(Policy::kDropped.size());
  static constexpr int kBitsAPosition = 2 * kKinds + 3;  // own, the opponent's, three for repetitions
  static constexpr int kScalarsAPosition = 2 * kHands;
  static constexpr int kScalarPlanes = kHistory * kScalarsAPosition + 2;

  static std::optional<Options> parse_options(const OptionMap& map) {
    OptionReader read(kName, map);
    Options o;
    o.max_plies = read.integer("max_plies", 0, 0, 30000);
    read.finish();
    return o;
  }
  static OptionMap describe(const Options& o) { return {{"max_plies", std::int64_t{o.max_plies}}}; }
  // The mirror image is the same game: no rule tells left from right.
  static Shape shape(const Options&) {
    return {kHistory * kBitsAPosition, kScalarPlanes, Size, Size, Policy::kSize, 2};
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

    // SFEN with 3 or 4 fields, or "startpos".
    static Position parse(const Options& options, std::string_view text) {
      if (text == "startpos") return Position(options);
      return Position(options, SfenReader<Size>(kName, text).board());
    }
    [[nodiscard]] std::string text() const { return to_sfen(state()); }

    [[nodiscard]] int turn() const { return state().turn; }
    [[nodiscard]] int ply() const { return state().move_number - 1; }
    [[nodiscard]] Key key() const { return state().key; }
    // Names the position for a network, earlier boards left out: how often it was there counts.
    [[nodiscard]] Key answer_key() const { return state().key ^ (0x9e3779b97f4a7c15ULL * (1U + state().repetitions)); }
    [[nodiscard]] bool in_check() const { return state().checkers.any(); }
    [[nodiscard]] bool can_declare() const { return state().can_declare(); }

    [[nodiscard]] std::optional<Outcome> outcome() const {
      const State& s = state();
      if (s.repetitions >= 3)
        return Outcome{s.repetition_value, s.perpetual_check ? "perpetual_check" : "repetition", std::nullopt};
      if (s.can_declare()) return Outcome{s.turn == kSente ? 1 : -1, "declaration", std::nullopt};
      if (!s.has_legal_move()) return Outcome{s.turn == kSente ? -1 : 1, "checkmate", std::nullopt};
      if (options_.max_plies > 0 && static_cast<int>(past_.size()) > options_.max_plies)
        return Outcome{0, "max_plies", std::nullopt};
      return std::nullopt;
    }

    void legal_moves(Moves& moves) const { state().legal_moves(moves); }
    [[nodiscard]] int count_moves() const { return state().count_moves(); }
    [[nodiscard]] Move winning_move(const Moves& moves) const { return state().mating_move(moves); }
    void play(Move move) {
      State& s = states_.push();
      s.play(move);
      count_repetitions(s);
      past_.push_back(Past(s));
    }
    void undo() {
      states_.pop();
      past_.pop_back();
    }
    void settle() { states_.settle(kHistory); }

    [[nodiscard]] int policy_index(Move move) const { return Policy::index(turn(), move); }

    // AlphaZero's planes (Silver et al. 2018, table S1), turned so that the side to move plays up the board: the last
    // eight positions, newest first. What fills cells comes first, what is a number for the whole board after it.
    void encode(Features out) const {
      const int us = turn();
      float* scalar = out.scalars;
      for (int t = 0; t < kHistory; ++t, scalar += kScalarsAPosition) {
        const State* const then = states_.back(t);
        if (then == nullptr) break;
        int plane = t * kBitsAPosition;
        for (const int who : {us, 1 - us})
          for (const int kind : kPlanePieces) {
            for_each(then->of(who, kind), [&](int square) { out.set(plane, Policy::cell(us, square)); });
            ++plane;
          }
        for (int n = 0; n < then->repetitions; ++n)
          for (int c = 0; c < Policy::kCells; ++c) out.set(plane + n, c);
        int i = 0;
        for (const int who : {us, 1 - us})
          for (const int kind : Policy::kDropped)
            scalar[i++] =
                static_cast<float>(then->hand[at(who)][at(kind)]) / static_cast<float>(piece_counts<Size>()[at(kind)]);
      }
      out.scalars[kScalarPlanes - 2] = static_cast<float>(us);
      out.scalars[kScalarPlanes - 1] = static_cast<float>(ply()) / 100.0F;
    }

    // Pawn 1, lance 2, knight 3, silver 4, bishop 5, rook 6, gold 7, king 8; promoted 8 more; Sente's positive. Row 0
    // is rank a, column 0 the highest file, as on paper.
    void cells(std::span<std::int8_t> out) const {
      const State& s = state();
      for (int square = 0; square < G::kSquares; ++square) {
        const std::uint8_t piece = s.piece[at(square)];
        const int kind = piece == kNoPiece ? 0 : piece + 1;
        out[at(Policy::cell(kSente, square))] = static_cast<std::int8_t>(s.side[kSente].has(square) ? kind : -kind);
      }
    }

    // USI: "7g7f", "8h2b+", "P*5e".
    [[nodiscard]] std::string move_text(Move move) const {
      const std::string to = square_text<Size>(to_of(move));
      if (is_drop(move)) return std::string(1, kLetters[at(dropped(move))]) + '*' + to;
      return square_text<Size>(from_of(move)) + to + (is_promotion(move) ? "+" : "");
    }
    [[nodiscard]] Move parse_move(std::string_view given) const {
      const std::string shown = "'" + std::string(given) + "'";
      std::string text(given);  // some programs write 7G7F or p*5e
      const bool drop = text.size() == 4 && text[1] == '*';
      for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        text[i] = static_cast<char>(drop && i == 0 ? std::toupper(c) : std::tolower(c));
      }
      const auto square = [&](std::size_t i) {
        const int file = text[i] - '1';
        const int rank = text[i + 1] - 'a';
        return G::inside(file, rank) ? G::square(file, rank) : -1;
      };
      const bool plus = text.size() == 5 && text[4] == '+';
      const auto letter = drop ? kLetters.find(text[0]) : 0;
      if ((!drop && !plus && text.size() != 4) || square(2) < 0 || (!drop && square(0) < 0) || letter >= kHandPieces)
        throw IllegalMove(
            shown + " is no move: " + (kFullSize ? "such as 7g7f, 8h2b+ or P*5e" : "such as 5d5c, 5b5a+ or P*3c"));
      const Move wanted = drop ? make_drop(static_cast<int>(letter), square(2)) : make_move(square(0), square(2), plus);
      Moves moves;
      legal_moves(moves);
      for (const Move move : moves)
        if (move == wanted) return move;
      throw IllegalMove(shown + why_not(wanted));
    }

    [[nodiscard]] std::string diagram() const {
      const State& s = state();
      std::string out;
      for (int file = Size - 1; file >= 0; --file) out += std::string("  ") + static_cast<char>('1' + file);
      out += '\n';
      for (int rank = 0; rank < Size; ++rank) {
        for (int file = Size - 1; file >= 0; --file) {
          const int square = G::square(file, rank);
          const int piece = s.piece[at(square)];
          std::string cell = piece == kNoPiece ? "." : piece_text(piece, s.side[kSente].has(square) ? kSente : kGote);
          out += std::string(3 - cell.size(), ' ') + cell;
        }
        out += std::string("  ") + static_cast<char>('a' + rank) + '\n';
      }
      out += "in hand: " + hands_text(s) + '\n';
      out += s.turn == kSente ? "Sente (capitals)" : "Gote (small letters)";
      return out + " to move, ply " + std::to_string(ply()) + (s.checkers.any() ? ", in check" : "");
    }

   private:
    // A position of the past: its key, whose lowest bit says instead whether its side to move is in check.
    struct Past {
      explicit Past(const State& s) : bits((s.key & ~Key{1}) | static_cast<Key>(s.checkers.any())) {}
      [[nodiscard]] bool is(Key key) const { return (bits ^ key) >> 1 == 0; }
      [[nodiscard]] bool check() const { return (bits & 1) != 0; }
      Key bits;
    };

    Position(const Options& options, const State& board) : options_(options) {
      states_.top() = board;
      past_.push_back(Past(board));
    }
    static const State& start_board() {
      static const State board = SfenReader<Size>(kName, kStart).board();
      return board;
    }
    [[nodiscard]] const State& state() const { return states_.top(); }

    // Counts earlier occurrences; at the third of them the game ends: a side that gave check with every move since the
    // first loses, else it is a draw, in minishogi a loss of the first player.
    void count_repetitions(State& s) const {
      const auto now = static_cast<int>(past_.size());  // the index this position will have
      // Nearly every position is new. So all keys are compared first, in a loop without an exit, which is vectorised.
      // There are hundreds: captured pieces come back as drops, so no move makes the positions before it unreachable.
      std::uint64_t same = 0;
      for (int i = 0; i <= now - 4; ++i) same += static_cast<std::uint64_t>(past_[at(i)].is(s.key));
      s.repetitions = 0;
      if (same == 0) return;
      int found = 0;
      int first = now;
      for (int i = now - 4; i >= 0; i -= 2) {
        if (!past_[at(i)].is(s.key)) continue;
        first = i;
        if (++found == 3) break;
      }
      s.repetitions = static_cast<std::uint8_t>(found);
      if (found < 3) return;
      // Since the first occurrence, did the side to move here, and did the other, give check with every move?
      bool mine = true;
      bool theirs = s.checkers.any();
      for (int i = first + 1; i < now; ++i) ((now - i) % 2 == 0 ? theirs : mine) &= past_[at(i)].check();
      const int us = s.turn == kSente ? 1 : -1;
      s.perpetual_check = mine != theirs;
      s.repetition_value = static_cast<std::int8_t>(s.perpetual_check ? (mine ? -us : us) : (kFullSize ? 0 : -1));
    }

    [[nodiscard]] std::string why_not(Move move) const {
      const State& s = state();
      if (outcome()) return ": the game is over";
      const int to = to_of(move);
      const Bits ours = s.side[s.turn];
      if (is_drop(move)) {
        const int t = dropped(move);
        if (s.hand[s.turn][at(t)] == 0) return std::string(": no ") + kLetters[at(t)] + " in hand";
        if (s.piece[at(to)] != kNoPiece) return ": " + square_text<Size>(to) + " is occupied";
        if (t == kPawn && (s.of(s.turn, kPawn) & G::kTables.file[at(G::file_of(to))]).any())
          return ": two pawns on one file (nifu)";
        if (s.checkers.any()) return ": illegal, and the king is in check";
        if (t == kPawn && G::far_rank(s.turn, to) > 0) return ": mate by a pawn drop";
        return ": the piece could never move from there";
      }
      const int from = from_of(move);
      if (!ours.has(from)) return ": no piece of the side to move on " + square_text<Size>(from);
      if (s.checkers.any()) return ": illegal, and the king is in check";
      if (s.pinned.has(from)) return ": illegal, and the piece on " + square_text<Size>(from) + " is pinned";
      const bool reaches = (State::attacks(s.piece[at(from)], s.turn, from, s.occupied()) - ours).has(to);
      if (reaches && s.piece[at(from)] != kKing)
        return is_promotion(move) ? ": this piece cannot promote there" : ": it has to promote there";
      return " is not legal here";
    }
    using Bits = typename G::Bits;

    Options options_;
    StateStack<State> states_;
    std::vector<Past> past_;  // every position since the first, for the repetition rule
  };
};

static_assert(Game<Shogi<9>> && HasCheck<Shogi<9>> && HasDeclaration<Shogi<9>> && HasWinningMove<Shogi<9>> &&
              HasMoveCount<Shogi<9>>);
static_assert(Game<Shogi<5>>);
using Types = std::tuple<Shogi<9>, Shogi<5>>;

}  // namespace az::shogi
