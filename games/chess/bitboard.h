// Sets of squares in a 64-bit word, and where pieces reach on a board of Size x Size.
//
// Square = 8 * rank + file, a1 = 0, for every size: a small board is the lower left corner of the big one and the rest
// is wall. Sliding attacks come from subtraction ("o - 2r", Urban Koistinen; here once forwards and once on the
// byte-swapped board) and, along ranks, from a table of 512 bytes. All tables together take 8 KB: a search keeps them
// in the first-level cache, where the 800 KB of magic bitboards would push its tree out.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace az::chess {

using Bitboard = std::uint64_t;

inline constexpr int kWhite = 0;
inline constexpr int kBlack = 1;
enum Piece : std::uint8_t { kPawn, kKnight, kBishop, kRook, kQueen, kKing, kNoPiece };

constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
constexpr Bitboard bit(int square) { return Bitboard{1} << square; }
constexpr int first(Bitboard b) { return std::countr_zero(b); }
constexpr bool many(Bitboard b) { return (b & (b - 1)) != 0; }
constexpr int file_of(int square) { return square & 7; }
constexpr int rank_of(int square) { return square >> 3; }
constexpr Bitboard swap_ranks(Bitboard b) { return __builtin_bswap64(b); }

template <class Visit>
void for_each(Bitboard squares, Visit&& visit) {
  for (; squares != 0; squares &= squares - 1) visit(first(squares));
}

template <int Size>
struct Geometry {
  static_assert(Size >= 5 && Size <= 8);
  static constexpr int kSize = Size;

  static constexpr Bitboard rank(int r) { return ((Bitboard{1} << Size) - 1) << (8 * r); }
  static constexpr Bitboard file(int f) {
    Bitboard b = 0;
    for (int r = 0; r < Size; ++r) b |= bit(8 * r + f);
    return b;
  }
  static constexpr Bitboard make_board() {
    Bitboard b = 0;
    for (int r = 0; r < Size; ++r) b |= rank(r);
    return b;
  }
  static constexpr Bitboard kBoard = make_board();
  static constexpr Bitboard kFirstFile = file(0);
  static constexpr Bitboard kLastFile = file(Size - 1);
  static constexpr bool inside(int f, int r) { return f >= 0 && f < Size && r >= 0 && r < Size; }

  // The squares of the lines through a square, without it.
  struct Lines {
    Bitboard file, rank, diagonal, antidiagonal;
  };
  struct Tables {
    std::array<Lines, 64> lines{};
    std::array<Bitboard, 64> knight{};
    std::array<Bitboard, 64> king{};
    std::array<std::array<Bitboard, 64>, 2> pawn{};              // [colour][square]: what a pawn there attacks
    std::array<std::array<std::uint8_t, 8>, 64> rank_attacks{};  // [inner six squares' occupancy][file]
  };
  static constexpr Tables make_tables() {
    Tables t;
    for (int r = 0; r < Size; ++r) {
      for (int f = 0; f < Size; ++f) {
        const std::size_t s = at(8 * r + f);
        const auto add = [&](Bitboard& set, int df, int dr) {
          if (inside(f + df, r + dr)) set |= bit(8 * (r + dr) + f + df);
        };
        for (int d = -7; d <= 7; ++d) {
          if (d == 0) continue;
          add(t.lines[s].file, 0, d);
          add(t.lines[s].rank, d, 0);
          add(t.lines[s].diagonal, d, d);
          add(t.lines[s].antidiagonal, d, -d);
        }
        for (const int a : {-1, 1}) {
          for (const int b : {-2, 2}) {
            add(t.knight[s], a, b);
            add(t.knight[s], b, a);
          }
          add(t.pawn[kWhite][s], a, 1);
          add(t.pawn[kBlack][s], a, -1);
        }
        for (int df = -1; df <= 1; ++df)
          for (int dr = -1; dr <= 1; ++dr)
            if (df != 0 || dr != 0) add(t.king[s], df, dr);
      }
    }
    for (int inner = 0; inner < 64; ++inner) {
      for (int f = 0; f < 8; ++f) {
        unsigned reach = 0;
        for (const int step : {-1, 1}) {
          for (int to = f + step; to >= 0 && to < 8; to += step) {
            reach |= 1U << to;
            if (inner << 1 >> to & 1) break;
          }
        }
        t.rank_attacks[at(inner)][at(f)] = static_cast<std::uint8_t>(reach);
      }
    }
    return t;
  }
  static constexpr Tables kTables = make_tables();

  static Bitboard knight_attacks(int square) { return kTables.knight[at(square)]; }
  static Bitboard king_attacks(int square) { return kTables.king[at(square)]; }
  static Bitboard pawn_attacks(int colour, int square) { return kTables.pawn[at(colour)][at(square)]; }
  static Bitboard bishop_lines(int square) {
    const Lines& lines = kTables.lines[at(square)];
    return lines.diagonal | lines.antidiagonal;
  }
  static Bitboard rook_lines(int square) {
    const Lines& lines = kTables.lines[at(square)];
    return lines.file | lines.rank;
  }
  static Bitboard bishop_attacks(int square, Bitboard occupied) {
    const Lines& lines = kTables.lines[at(square)];
    const Bitboard walled = occupied | ~kBoard;
    return slide(square, walled, lines.diagonal) | slide(square, walled, lines.antidiagonal);
  }
  static Bitboard rook_attacks(int square, Bitboard occupied) {
    const Bitboard walled = occupied | ~kBoard;
    const int shift = square & 56;
    const Bitboard along = Bitboard{kTables.rank_attacks[(walled >> (shift + 1)) & 63][at(square & 7)]} << shift;
    return slide(square, walled, kTables.lines[at(square)].file) | (along & kBoard);
  }

  // The line through both squares, without the first; empty where they share none.
  static Bitboard line(int a, int b) {
    const Lines& lines = kTables.lines[at(a)];
    for (const Bitboard each : {lines.file, lines.rank, lines.diagonal, lines.antidiagonal})
      if (each & bit(b)) return each;
    return 0;
  }
  // The squares strictly between two squares of one line.
  static Bitboard between(int a, int b) {
    const Bitboard low_to_high = (~Bitboard{0} << (a < b ? a : b)) ^ (~Bitboard{0} << (a < b ? b : a));
    return line(a, b) & low_to_high & ~bit(a < b ? a : b);
  }

 private:
  static Bitboard slide(int square, Bitboard occupied, Bitboard line_mask) {
    const Bitboard blockers = occupied & line_mask;
    const Bitboard up = blockers - bit(square);
    const Bitboard down = swap_ranks(swap_ranks(blockers) - swap_ranks(bit(square)));
    return (up ^ down) & line_mask;
  }
};

}  // namespace az::chess
