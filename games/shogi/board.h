// The shogi board: placement, hands, checks and pins of one ply in a plain struct, and the moves from it.
//
// Moves are generated legal: a pinned piece stays on its line, a check is answered by taking the checker or by stepping
// or dropping between. Only king steps ask whether a square is hit, and only a pawn drop that gives check asks whether
// it mates.
#pragma once

#include <algorithm>

#include "games/game.h"
#include "games/shogi/bitboard.h"
#include "games/zobrist.h"

namespace az::shogi {

// to | from << 7 | promotes << 14; a drop comes from kDrop + piece.
inline constexpr int kDrop = 100;
constexpr Move make_move(int from, int to, bool promote = false) {
  return static_cast<Move>(to | from << 7 | (promote ? 1 << 14 : 0));
}
constexpr Move make_drop(int piece, int to) { return make_move(kDrop + piece, to); }
constexpr int to_of(Move m) { return m & 127; }
constexpr int from_of(Move m) { return m >> 7 & 127; }
constexpr bool is_promotion(Move m) { return (m >> 14 & 1) != 0; }
constexpr bool is_drop(Move m) { return from_of(m) >= kDrop; }
constexpr int dropped(Move m) { return from_of(m) - kDrop; }

struct Zobrist {
  std::array<std::array<std::array<Key, 81>, kPieces>, 2> piece{};     // [side][piece][square]
  std::array<std::array<std::array<Key, 19>, kHandPieces>, 2> hand{};  // [side][piece][how many]
  Key gote_to_move = 0;
};
constexpr Zobrist make_zobrist() {
  ZobristNumbers numbers(0x5406154061ULL);
  Zobrist z;
  for (auto& side : z.piece)
    for (auto& piece : side)
      for (Key& key : piece) key = numbers.next();
  for (auto& side : z.hand)
    for (auto& piece : side)
      for (std::size_t n = 1; n < piece.size(); ++n) piece[n] = numbers.next();
  z.gote_to_move = numbers.next();
  return z;
}
inline constexpr Zobrist kZobrist = make_zobrist();

// Takes the place of a move list where only the number matters.
struct MoveCount {
  int n = 0;
  void push(Move /*move*/) { ++n; }
  void add(int more) { n += more; }
};

template <int Size>
struct Board {
  using G = Geometry<Size>;
  using Bits = typename G::Bits;
  static constexpr bool kFullSize = Size == 9;

  std::array<Bits, kPieces> type{};
  std::array<Bits, 2> side{};
  Bits checkers{};  // pieces that give check to the side to move
  Bits pinned{};    // pieces of the side to move that shield their king
  Key key = 0;      // equal iff the same for the repetition rule: placement, hands, side to move
  std::array<std::uint8_t, G::kSquares> piece{};
  std::array<std::array<std::uint8_t, kHandPieces>, 2> hand{};
  std::array<std::uint8_t, 2> held{};  // which kinds are in hand: bit t is hand[t] > 0
  std::uint16_t move_number = 1;       // as SFEN counts: plies, from 1
  std::uint8_t turn = kSente;
  std::uint8_t repetitions = 0;      // earlier occurrences of this position, at most 3
  std::int8_t repetition_value = 0;  // at the fourth occurrence, for Sente; perpetual_check says why
  bool perpetual_check = false;

  [[nodiscard]] Bits occupied() const { return side[0] | side[1]; }
  [[nodiscard]] Bits of(int who, int t) const { return side[at(who)] & type[at(t)]; }
  // Only in problems a side has no king: it is never in check, and no piece of it is pinned.
  [[nodiscard]] bool has_king(int who) const { return of(who, kKing).any(); }
  [[nodiscard]] int king(int who) const { return of(who, kKing).first(); }

  [[gnu::always_inline]] void put(int who, int t, int square) {
    type[at(t)] |= Bits::of(square);
    side[at(who)] |= Bits::of(square);
    piece[at(square)] = static_cast<std::uint8_t>(t);
    key ^= kZobrist.piece[at(who)][at(t)][at(square)];
  }
  [[gnu::always_inline]] void remove(int who, int t, int square) {
    type[at(t)] ^= Bits::of(square);
    side[at(who)] ^= Bits::of(square);
    piece[at(square)] = kNoPiece;
    key ^= kZobrist.piece[at(who)][at(t)][at(square)];
  }
  void set_hand(int who, int t, int count) {
    std::uint8_t& now = hand[at(who)][at(t)];
    key ^= kZobrist.hand[at(who)][at(t)][now] ^ kZobrist.hand[at(who)][at(t)][at(count)];
    now = static_cast<std::uint8_t>(count);
    const auto bit = static_cast<std::uint8_t>(1U << t);
    held[at(who)] = static_cast<std::uint8_t>(count > 0 ? held[at(who)] | bit : held[at(who)] & ~bit);
  }

  [[nodiscard]] Bits golds() const {
    return type[kGold] | type[kProPawn] | type[kProLance] | type[kProKnight] | type[kProSilver];
  }
  // Where a piece of `who` reaches from a square.
  static Bits attacks(int t, int who, int from, const Bits& all) {
    switch (t) {
      case kPawn:
        return G::pawn_attacks(who, from);
      case kLance:
        return G::lance_attacks(who, from, all);
      case kKnight:
        return G::knight_attacks(who, from);
      case kSilver:
        return G::silver_attacks(who, from);
      case kBishop:
        return G::bishop_attacks(from, all);
      case kRook:
        return G::rook_attacks(from, all);
      case kKing:
        return G::king_attacks(from);
      case kHorse:
        return G::bishop_attacks(from, all) | G::king_attacks(from);
      case kDragon:
        return G::rook_attacks(from, all) | G::king_attacks(from);
      default:
        return G::gold_attacks(who, from);
    }
  }
  // Where the king of the side to move can step. What may hit there: a piece at hand, or a slider with a line that
  // crosses; on most plies that is next to nothing, so what they hit is gathered rather than each square asked about.
  [[nodiscard]] Bits king_steps() const {
    if (!has_king(turn)) return {};
    const int k = king(turn);
    const int them = 1 - turn;
    const Bits& theirs = side[at(them)];
    const Bits steps = G::king_attacks(k) - side[turn];
    const Bits through = occupied() - Bits::of(k);  // the king does not shield the square behind it
    Bits hit{};
    for_each(theirs & G::kTables.around[at(k)], [&](int s) { hit |= attacks(piece[at(s)], them, s, through); });
    for_each(theirs & (type[kBishop] | type[kHorse]), [&](int s) {
      if ((G::kTables.bishop_lines[at(s)] & steps).any()) hit |= G::bishop_attacks(s, through);
    });
    for_each(theirs & (type[kRook] | type[kDragon]), [&](int s) {
      if ((G::kTables.rook_lines[at(s)] & steps).any()) hit |= G::rook_attacks(s, through);
    });
    for_each(theirs & type[kLance], [&](int s) {
      if ((G::kTables.file[at(G::file_of(s))] & steps).any()) hit |= G::lance_attacks(them, s, through);
    });
    return steps - hit;
  }
  // Pieces of `who` that would hit a square if nothing stood between.
  [[nodiscard]] Bits snipers(int square, int who) const {
    const int d = who == kSente ? G::kBack : G::kAhead;  // where a lance that looks at the square stands
    return side[at(who)] & ((G::kTables.bishop_lines[at(square)] & (type[kBishop] | type[kHorse])) |
                            (G::kTables.rook_lines[at(square)] & (type[kRook] | type[kDragon])) |
                            (G::kTables.ray[at(d)][at(square)] & type[kLance]));
  }

  // Works out checkers and pinned for the side to move.
  void find_checks() {
    const int us = turn;
    const int them = 1 - us;
    checkers = pinned = {};
    if (!has_king(us)) return;
    const int k = king(us);
    const Bits all = occupied();
    checkers = side[at(them)] & ((G::pawn_attacks(us, k) & type[kPawn]) | (G::knight_attacks(us, k) & type[kKnight]) |
                                 (G::silver_attacks(us, k) & type[kSilver]) | (G::gold_attacks(us, k) & golds()) |
                                 (G::king_attacks(k) & (type[kHorse] | type[kDragon])));
    for_each(snipers(k, them), [&](int s) {
      const Bits shield = G::between(k, s) & all;
      if (!shield.any()) {
        checkers |= Bits::of(s);
      } else if (!shield.many()) {
        pinned |= shield & side[at(us)];
      }
    });
  }

  void play(Move move) {
    const int us = turn;
    const int them = 1 - us;
    const int to = to_of(move);
    if (is_drop(move)) {
      const int t = dropped(move);
      set_hand(us, t, hand[at(us)][at(t)] - 1);
      put(us, t, to);
    } else {
      const int from = from_of(move);
      const int t = piece[at(from)];
      const int victim = piece[at(to)];
      if (victim != kNoPiece) {
        remove(them, victim, to);
        const int kind = unpromoted(victim);
        // A king is taken only from a start that no game reaches; it goes to nobody's hand.
        if (kind < kHandPieces) set_hand(us, kind, hand[at(us)][at(kind)] + 1);
      }
      remove(us, t, from);
      put(us, is_promotion(move) ? t + kPromoted : t, to);
    }
    ++move_number;
    turn = static_cast<std::uint8_t>(them);
    key ^= kZobrist.gote_to_move;
    find_checks();
  }

  // Every legal move: the king's, the pieces' on the board, drops.
  template <class Moves>
  void legal_moves(Moves& moves) const {
    turn == kSente ? generate<kSente>(moves) : generate<kGote>(moves);
  }
  [[nodiscard]] int count_moves() const {
    MoveCount moves;
    legal_moves(moves);
    return moves.n;
  }
  // A quick yes where the king in check can step away, or out of check a free pawn can step; else the moves are made.
  [[nodiscard]] bool has_legal_move() const {
    if (!checkers.any()) {
      bool found = false;
      for_each(of(turn, kPawn) - pinned,
               [&](int from) { found = found || (G::pawn_attacks(turn, from) - side[turn]).any(); });
      if (found) return true;
    } else {
      const bool steps = king_steps().any();
      if (steps || checkers.many()) return steps;
    }
    return count_moves() > 0;
  }

  // One of the legal moves that mates, or kNoMove. Only moves that may give check are tried; a pawn drop never mates.
  template <class Moves>
  [[nodiscard]] Move mating_move(const Moves& moves) const {
    const int us = turn;
    if (!has_king(1 - us)) return kNoMove;
    const int k = king(1 - us);
    const Bits all = occupied();
    Bits screens{};  // own pieces that stand alone between an own slider and the king
    for_each(snipers(k, us), [&](int s) {
      const Bits between = G::between(k, s) & all;
      if (!between.many()) screens |= between & side[at(us)];
    });
    const Bits near = G::king_attacks(k) | G::knight_attacks(1 - us, k);
    const Bits lines = G::bishop_attacks(k, all) | G::rook_attacks(k, all);
    for (const Move move : moves) {
      const int to = to_of(move);
      const int t = is_drop(move) ? dropped(move) : piece[at(from_of(move))] + (is_promotion(move) ? kPromoted : 0);
      if (is_drop(move) && t == kPawn) continue;
      const bool opens = !is_drop(move) && screens.has(from_of(move));
      if (!opens && !((near | lines).has(to) && attacks(t, us, to, all).has(k))) continue;
      Board next = *this;
      next.play(move);
      if (next.checkers.any() && !next.has_legal_move()) return move;
    }
    return kNoMove;
  }

  // The 27-point rule for the side to move: king and ten pieces more in the promotion zone, not in check, 28 points for
  // Sente and 27 for Gote, a rook or bishop counting 5 and any other piece 1, in the zone or in hand.
  [[nodiscard]] bool can_declare() const {
    if constexpr (!kFullSize) return false;
    const Bits& zone = G::kTables.far[turn][G::kZone];
    if (!(zone & of(turn, kKing)).any() || checkers.any()) return false;
    const Bits inside = (side[turn] & zone) - type[kKing];
    if (inside.count() < 10) return false;
    const Bits big = inside & (type[kRook] | type[kBishop] | type[kDragon] | type[kHorse]);
    int points = inside.count() + 4 * big.count();
    for (int t = 0; t < kHandPieces; ++t) points += hand[turn][at(t)] * (t == kRook || t == kBishop ? 5 : 1);
    return points >= (turn == kSente ? 28 : 27);
  }

  // The record is 593; no position that is read, with one king or two, has more than 599 (tests/test_most_moves.py).
  static constexpr int kMostMoves = 640;

 private:
  template <int Us, class Moves>
  void generate(Moves& moves) const {
    const Bits& ours = side[Us];
    const Bits all = occupied();
    const int k = king(Us);  // used only where there is one: without it no step, no check, no pin
    push_all(moves, king_steps(), [&](int to) { return make_move(k, to); });
    if (checkers.many()) return;
    const bool check = checkers.any();
    const Bits between = check ? G::between(k, checkers.first()) : Bits{};
    const Bits targets = check ? checkers | between : G::kTables.all - ours;
    const Bits free = ours - pinned;
    const auto step = [&](int t, auto&& reach) {
      for_each(free & type[at(t)], [&](int from) { add<Us>(moves, t, from, reach(from) & targets); });
    };
    pawn_steps<Us>(moves, (free & type[kPawn]) - G::kTables.far[Us][1], targets);
    if constexpr (kFullSize) {
      step(kLance, [&](int s) { return G::lance_attacks(Us, s, all); });
      step(kKnight, [&](int s) { return G::knight_attacks(Us, s); });
    }
    step(kSilver, [&](int s) { return G::silver_attacks(Us, s); });
    step(kBishop, [&](int s) { return G::bishop_attacks(s, all); });
    step(kRook, [&](int s) { return G::rook_attacks(s, all); });
    for_each(free & golds(), [&](int from) {
      push_all(moves, G::gold_attacks(Us, from) & targets, [&](int to) { return make_move(from, to); });
    });
    for_each(free & (type[kHorse] | type[kDragon]), [&](int from) {
      push_all(moves, attacks(piece[at(from)], Us, from, all) & targets, [&](int to) { return make_move(from, to); });
    });
    if (!check) {
      for_each(pinned, [&](int from) {
        const int t = piece[at(from)];
        add<Us>(moves, t, from, attacks(t, Us, from, all) & G::ray_through(k, from) & targets);
      });
    }
    drops<Us>(moves, check ? between : G::kTables.all - all);
  }

  // One move for each square; where moves are only counted, a sum of bits.
  template <class Moves, class Make>
  [[gnu::always_inline]] static void push_all(Moves& moves, const Bits& squares, Make&& make) {
    if constexpr (requires { moves.add(1); }) {
      moves.add(squares.count());
    } else {
      for_each(squares, [&](int to) { moves.push(make(to)); });
    }
  }

  // All pawns at once: a file is a run of bits, so a step is a shift by one. None may stand on its last rank.
  template <int Us, class Moves>
  void pawn_steps(Moves& moves, const Bits& pawns, const Bits& targets) const {
    const Bits reached = (Us == kSente ? pawns.shifted_down() : pawns.shifted_up()) & targets;
    constexpr int kStep = Us == kSente ? 1 : -1;  // back to where the pawn came from
    push_all(moves, reached & G::kTables.far[Us][G::kZone], [](int to) { return make_move(to + kStep, to, true); });
    push_all(moves, reached - G::kTables.far[Us][1], [](int to) { return make_move(to + kStep, to); });
  }

  // A piece's steps, with promotion where it may, and without where it still has a move there.
  template <int Us, class Moves>
  [[gnu::always_inline]] void add(Moves& moves, int t, int from, const Bits& targets) const {
    if (!promotes(t)) {
      push_all(moves, targets, [&](int to) { return make_move(from, to); });
      return;
    }
    const Bits& zone = G::kTables.far[Us][G::kZone];
    push_all(moves, zone.has(from) ? targets : targets & zone, [&](int to) { return make_move(from, to, true); });
    push_all(moves, targets - dead_squares(Us, t), [&](int to) { return make_move(from, to); });
  }
  // Where an unpromoted piece would never move again.
  static Bits dead_squares(int us, int t) {
    if (t == kPawn || t == kLance) return G::kTables.far[at(us)][1];
    if (t == kKnight) return G::kTables.far[at(us)][2];
    return {};
  }

  template <int Us, class Moves>
  void drops(Moves& moves, const Bits& empty) const {
    if (held[Us] == 0 || !empty.any()) return;
    if (hand[Us][kPawn] > 0) {
      Bits open = empty - G::kTables.far[Us][1];
      for_each(of(Us, kPawn), [&](int s) { open = open - G::kTables.file[at(G::file_of(s))]; });
      const Bits checking = has_king(1 - Us) ? G::pawn_attacks(1 - Us, king(1 - Us)) & open : Bits{};
      if (checking.any() && drop_mates(checking.first())) open = open - checking;
      push_all(moves, open, [](int to) { return make_drop(kPawn, to); });
    }
    for (unsigned rest = held[Us] & ~1U; rest != 0; rest &= rest - 1) {
      const int t = std::countr_zero(rest);
      push_all(moves, empty - dead_squares(Us, t), [&](int to) { return make_drop(t, to); });
    }
  }
  [[nodiscard]] bool drop_mates(int square) const {
    Board next = *this;
    next.play(make_drop(kPawn, square));
    return !next.has_legal_move();
  }
};

}  // namespace az::shogi
