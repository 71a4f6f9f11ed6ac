// The chess board: placement, rights, checks and pins of one ply in a plain struct, and the moves from it.
//
// Moves are generated fully legal: a move of a pinned piece stays on the pin's line, an answer to a check takes the
// checker or steps between. Only king steps and en passant, which bares two squares at once, ask whether the king is
// hit.
#pragma once

#include "games/chess/bitboard.h"
#include "games/game.h"
#include "games/zobrist.h"

namespace az::chess {

// from | to << 6 | what << 12. Castling is written as the king taking its own rook, for every placement of the two.
enum What : std::uint8_t {
  kPlain = 0,
  kToKnight = kKnight,
  kToBishop = kBishop,
  kToRook = kRook,
  kToQueen = kQueen,
  kCastle = 5
};
constexpr Move make_move(int from, int to, int what = kPlain) { return static_cast<Move>(from | to << 6 | what << 12); }
constexpr int from_of(Move m) { return m & 63; }
constexpr int to_of(Move m) { return m >> 6 & 63; }
constexpr int what_of(Move m) { return m >> 12; }

struct Zobrist {
  std::array<std::array<std::array<Key, 64>, 6>, 2> piece{};  // [colour][type][square]
  std::array<Key, 64> castling{};                             // by the rook's square
  std::array<Key, 8> en_passant{};                            // by file
  Key black_to_move = 0;
};
constexpr Zobrist make_zobrist() {
  ZobristNumbers numbers(0xc4e55c4e55ULL);
  Zobrist z;
  for (auto& colour : z.piece)
    for (auto& type : colour)
      for (Key& key : type) key = numbers.next();
  for (Key& key : z.castling) key = numbers.next();
  for (Key& key : z.en_passant) key = numbers.next();
  z.black_to_move = numbers.next();
  return z;
}
inline constexpr Zobrist kZobrist = make_zobrist();

inline constexpr std::uint8_t kNoSquare = 64;

template <int Size>
struct Board {
  using G = Geometry<Size>;
  static constexpr bool kFullSize = Size == 8;  // double steps and castling are rules of the full board

  std::array<Bitboard, 6> type{};
  std::array<Bitboard, 2> colour{};
  Bitboard castling = 0;  // the rooks that may still castle
  Bitboard checkers = 0;  // pieces that give check to the side to move
  Bitboard pinned = 0;    // pieces of the side to move that shield their king
  Key key = 0;            // equal iff the same for the repetition rule
  std::array<std::uint8_t, 64> piece{};
  std::uint16_t halfmoves = 0;    // since the last capture or pawn move
  std::uint16_t move_number = 1;  // as FEN counts
  std::uint8_t turn = kWhite;
  std::uint8_t en_passant = kNoSquare;  // set only where a capture there is legal
  std::uint8_t repetitions = 0;         // earlier occurrences of this position, at most 2

  [[nodiscard]] Bitboard occupied() const { return colour[0] | colour[1]; }
  [[nodiscard]] Bitboard of(int side, Piece t) const { return colour[at(side)] & type[t]; }
  [[nodiscard]] int king(int side) const { return first(of(side, kKing)); }

  void put(int side, Piece t, int square) {
    type[t] |= bit(square);
    colour[at(side)] |= bit(square);
    piece[at(square)] = t;
    key ^= kZobrist.piece[at(side)][t][at(square)];
  }
  void remove(int side, Piece t, int square) {
    type[t] ^= bit(square);
    colour[at(side)] ^= bit(square);
    piece[at(square)] = kNoPiece;
    key ^= kZobrist.piece[at(side)][t][at(square)];
  }

  // The pieces of `side` that attack a square, with `occupied` standing in the way.
  [[nodiscard]] Bitboard attackers(int square, int side, Bitboard occupied) const {
    const Bitboard theirs = colour[at(side)];
    return theirs & ((G::pawn_attacks(1 - side, square) & type[kPawn]) | (G::knight_attacks(square) & type[kKnight]) |
                     (G::king_attacks(square) & type[kKing]) |
                     (G::bishop_attacks(square, occupied) & (type[kBishop] | type[kQueen])) |
                     (G::rook_attacks(square, occupied) & (type[kRook] | type[kQueen])));
  }
  // Whether `side` attacks a square. Sliders are looked up only where one stands on a line with it.
  [[nodiscard]] bool attacked(int square, int side, Bitboard occupied) const {
    const Bitboard theirs = colour[at(side)];
    if (theirs & ((G::pawn_attacks(1 - side, square) & type[kPawn]) | (G::knight_attacks(square) & type[kKnight]) |
                  (G::king_attacks(square) & type[kKing])))
      return true;
    const Bitboard diagonal = theirs & (type[kBishop] | type[kQueen]);
    if ((G::bishop_lines(square) & diagonal) && (G::bishop_attacks(square, occupied) & diagonal)) return true;
    const Bitboard straight = theirs & (type[kRook] | type[kQueen]);
    return (G::rook_lines(square) & straight) && (G::rook_attacks(square, occupied) & straight);
  }

  // Works out checkers and pinned for the side to move.
  void find_checks() {
    const int k = king(turn);
    const Bitboard all = occupied();
    const Bitboard theirs = colour[at(1 - turn)];
    checkers = theirs & ((G::pawn_attacks(turn, k) & type[kPawn]) | (G::knight_attacks(k) & type[kKnight]));
    pinned = 0;
    const Bitboard snipers = theirs & ((G::bishop_lines(k) & (type[kBishop] | type[kQueen])) |
                                       (G::rook_lines(k) & (type[kRook] | type[kQueen])));
    for_each(snipers, [&](int s) {
      const Bitboard shield = G::between(k, s) & all;
      if (shield == 0) {
        checkers |= bit(s);
      } else if (!many(shield)) {
        pinned |= shield & colour[at(turn)];
      }
    });
  }

  // Whether the pawn on `from` may take en passant on `target`: the king must not be hit once both pawns are gone.
  [[nodiscard]] bool en_passant_legal(int from, int target) const {
    const int taken = turn == kWhite ? target - 8 : target + 8;
    const Bitboard after = (occupied() ^ bit(from) ^ bit(taken)) | bit(target);
    return (attackers(king(turn), 1 - turn, after) & ~bit(taken)) == 0;
  }
  // The square behind a pawn that just made a double step to `to`, where somebody may take there; else kNoSquare.
  [[nodiscard]] std::uint8_t en_passant_after(int to) const {
    const int target = turn == kWhite ? to + 8 : to - 8;
    std::uint8_t found = kNoSquare;
    for_each(G::pawn_attacks(1 - turn, target) & of(turn, kPawn), [&](int from) {
      if (en_passant_legal(from, target)) found = static_cast<std::uint8_t>(target);
    });
    return found;
  }

  void play(Move move) {
    const int us = turn;
    const int them = 1 - us;
    const int from = from_of(move);
    const int to = to_of(move);
    const auto moved = static_cast<Piece>(piece[at(from)]);
    if (en_passant != kNoSquare) key ^= kZobrist.en_passant[at(file_of(en_passant))];
    const std::uint8_t target = en_passant;
    en_passant = kNoSquare;
    ++halfmoves;
    bool double_step = false;
    if (what_of(move) == kCastle) {
      const int home = from & 56;
      const bool short_side = to > from;
      remove(us, kKing, from);
      remove(us, kRook, to);
      put(us, kKing, home + (short_side ? 6 : 2));
      put(us, kRook, home + (short_side ? 5 : 3));
    } else {
      if (piece[at(to)] != kNoPiece) {
        remove(them, static_cast<Piece>(piece[at(to)]), to);
        halfmoves = 0;
        if (castling & bit(to)) drop_right(to);
      }
      remove(us, moved, from);
      put(us, what_of(move) == kPlain ? moved : static_cast<Piece>(what_of(move)), to);
      if (moved == kPawn) {
        halfmoves = 0;
        if (kFullSize && to == target) remove(them, kPawn, us == kWhite ? to - 8 : to + 8);
        double_step = kFullSize && (to - from == 16 || from - to == 16);
      }
    }
    if (kFullSize && castling != 0) {
      if (moved == kKing) for_each(castling & colour_ranks(us), [&](int rook) { drop_right(rook); });
      if (castling & bit(from)) drop_right(from);
    }
    if (us == kBlack) ++move_number;
    turn = static_cast<std::uint8_t>(them);
    key ^= kZobrist.black_to_move;
    find_checks();
    if (double_step) {
      en_passant = en_passant_after(to);
      if (en_passant != kNoSquare) key ^= kZobrist.en_passant[at(file_of(en_passant))];
    }
  }

  // Every legal move, by pieces: king, knights, bishops, rooks, queens, pawns, castling.
  template <class Moves>
  void legal_moves(Moves& moves) const {
    turn == kWhite ? generate<kWhite>(moves) : generate<kBlack>(moves);
  }
  // A quick yes where a pawn or a knight can surely move; else the moves are made and counted.
  [[nodiscard]] bool has_legal_move() const {
    if (checkers == 0) {
      const Bitboard pawns = of(turn, kPawn) & ~pinned;
      const Bitboard ahead = turn == kWhite ? pawns << 8 : pawns >> 8;
      if (ahead & G::kBoard & ~occupied()) return true;
    }
    MoveList<512> moves;
    legal_moves(moves);
    return !moves.empty();
  }

  // One of the legal moves that mates, or kNoMove. Only moves that may give check are tried.
  template <class Moves>
  [[nodiscard]] Move mating_move(const Moves& moves) const {
    const int us = turn;
    const int k = king(1 - us);
    const Bitboard all = occupied();
    const Bitboard diagonal = G::bishop_attacks(k, all);
    const Bitboard straight = G::rook_attacks(k, all);
    const std::array<Bitboard, 6> check_from{
        G::pawn_attacks(1 - us, k), G::knight_attacks(k), diagonal, straight, diagonal | straight, 0};
    Bitboard screens = 0;  // own pieces that stand between an own slider and the king
    const Bitboard snipers = colour[at(us)] & ((G::bishop_lines(k) & (type[kBishop] | type[kQueen])) |
                                               (G::rook_lines(k) & (type[kRook] | type[kQueen])));
    for_each(snipers, [&](int s) {
      const Bitboard between = G::between(k, s) & all;
      if (!many(between)) screens |= between & colour[at(us)];
    });
    for (const Move move : moves) {
      const int from = from_of(move);
      const int to = to_of(move);
      const bool may_check = (check_from[piece[at(from)]] & bit(to)) || (screens & bit(from)) ||
                             what_of(move) != kPlain || to == en_passant;
      if (!may_check) continue;
      Board next = *this;
      next.play(move);
      if (next.checkers != 0 && !next.has_legal_move()) return move;
    }
    return kNoMove;
  }

  // Neither side could mate by any sequence of moves, by material alone (python-chess's is_insufficient_material).
  [[nodiscard]] bool insufficient_material() const {
    if (type[kPawn] | type[kRook] | type[kQueen]) return false;
    if (type[kKnight]) return std::popcount(occupied()) <= 3;
    constexpr Bitboard kDark = 0xaa55aa55aa55aa55ULL;
    return !(type[kBishop] & kDark) || !(type[kBishop] & ~kDark);
  }

 private:
  static constexpr Bitboard colour_ranks(int side) { return side == kWhite ? G::rank(0) : G::rank(Size - 1); }
  void drop_right(int rook) {
    castling ^= bit(rook);
    key ^= kZobrist.castling[at(rook)];
  }

  template <class Moves>
  static void add(Moves& moves, int from, Bitboard targets) {
    for_each(targets, [&](int to) { moves.push(make_move(from, to)); });
  }

  template <int Us, class Moves>
  void generate(Moves& moves) const {
    const Bitboard ours = colour[Us];
    const Bitboard all = occupied();
    const int k = first(ours & type[kKing]);
    for_each(G::king_attacks(k) & ~ours, [&](int to) {
      if (!attacked(to, 1 - Us, all ^ bit(k))) moves.push(make_move(k, to));
    });
    if (many(checkers)) return;
    const Bitboard open = G::kBoard & ~ours;  // where anything but the king may go
    const Bitboard targets = checkers ? checkers | G::between(k, first(checkers)) : open;
    const Bitboard free = ours & ~pinned;
    for_each(free & type[kKnight], [&](int from) { add(moves, from, G::knight_attacks(from) & targets & open); });
    for_each(free & (type[kBishop] | type[kQueen]),
             [&](int from) { add(moves, from, G::bishop_attacks(from, all) & targets & open); });
    for_each(free & (type[kRook] | type[kQueen]),
             [&](int from) { add(moves, from, G::rook_attacks(from, all) & targets & open); });
    pawn_moves<Us>(moves, free & type[kPawn], targets);
    if (checkers == 0) {
      for_each(pinned, [&](int from) {  // a pinned piece moves along its pin; a pinned knight never
        const Bitboard along = G::line(k, from);
        if (type[kPawn] & bit(from)) {
          pawn_moves<Us>(moves, bit(from), along);
          return;
        }
        Bitboard reach = 0;
        if ((type[kBishop] | type[kQueen]) & bit(from)) reach |= G::bishop_attacks(from, all);
        if ((type[kRook] | type[kQueen]) & bit(from)) reach |= G::rook_attacks(from, all);
        add(moves, from, reach & along & open);
      });
    }
    if constexpr (kFullSize) {
      if (en_passant != kNoSquare) {
        for_each(G::pawn_attacks(1 - Us, en_passant) & ours & type[kPawn], [&](int from) {
          if (en_passant_legal(from, en_passant)) moves.push(make_move(from, en_passant));
        });
      }
      if (checkers == 0) castling_moves<Us>(moves, k);
    }
  }

  template <int Us, class Moves>
  void pawn_moves(Moves& moves, Bitboard pawns, Bitboard targets) const {
    constexpr int kAhead = Us == kWhite ? 8 : -8;
    constexpr Bitboard kLast = Us == kWhite ? G::rank(Size - 1) : G::rank(0);
    const auto ahead = [](Bitboard b) { return Us == kWhite ? b << 8 : b >> 8; };
    const Bitboard empty = G::kBoard & ~occupied();
    const Bitboard theirs = colour[1 - Us];
    const Bitboard single = ahead(pawns) & empty;
    const auto emit = [&](Bitboard to_squares, int step) {
      for_each(to_squares & ~kLast, [&](int to) { moves.push(make_move(to - step, to)); });
      for_each(to_squares & kLast, [&](int to) {
        for (const int what : {kToQueen, kToRook, kToBishop, kToKnight}) moves.push(make_move(to - step, to, what));
      });
    };
    emit(single & targets, kAhead);
    if constexpr (kFullSize) {
      constexpr Bitboard kThird = Us == kWhite ? G::rank(2) : G::rank(5);
      emit(ahead(single & kThird) & empty & targets, 2 * kAhead);
    }
    emit((ahead(pawns & ~G::kFirstFile) >> 1) & theirs & targets, kAhead - 1);
    emit((ahead(pawns & ~G::kLastFile) << 1) & theirs & targets, kAhead + 1);
  }

  // Castling for any start placement: all squares that king and rook cross or reach are empty but for the two, and
  // the king is hit nowhere on its way. Called only out of check.
  template <int Us, class Moves>
  void castling_moves(Moves& moves, int k) const {
    const Bitboard all = occupied();
    for_each(castling & colour[Us], [&](int rook) {
      const int home = k & 56;
      const int king_to = home + (rook > k ? 6 : 2);
      const int rook_to = home + (rook > k ? 5 : 3);
      const auto span = [](int a, int b) {
        return (a < b ? (bit(b) << 1) - bit(a) : (bit(a) << 1) - bit(b));  // both ends included
      };
      const Bitboard others = all ^ bit(k) ^ bit(rook);
      if ((span(k, king_to) | span(rook, rook_to)) & others) return;
      bool safe = true;
      for_each(span(k, king_to) & ~bit(king_to), [&](int s) { safe = safe && !attacked(s, 1 - Us, all ^ bit(k)); });
      if (safe && !attacked(king_to, 1 - Us, others | bit(rook_to))) moves.push(make_move(k, rook, kCastle));
    });
  }
};

}  // namespace az::chess
