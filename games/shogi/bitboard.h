// Sets of squares of a Size x Size board in one or two words, and where shogi's pieces reach.
//
// Square = Size * file + rank: file 0 is USI's file 1 (the right edge, seen from Sente), rank 0 is rank a. A file is a
// run of bits, which makes double pawns and pawn steps cheap. Sliding attacks look up the ray and cut it at its first
// blocker.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace az::shogi {

constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

template <int Words>
struct BitsOf {
  std::array<std::uint64_t, Words> w{};

  static constexpr BitsOf of(int square) {
    BitsOf b;  // word by word: a word picked by index would go through memory
    for (int i = 0; i < Words; ++i) b.w[at(i)] = static_cast<std::uint64_t>(square >> 6 == i) << (square & 63);
    return b;
  }
  [[nodiscard]] constexpr bool has(int square) const { return (w[at(square >> 6)] >> (square & 63) & 1) != 0; }
  [[nodiscard]] constexpr bool any() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : w) sum |= each;
    return sum != 0;
  }
  [[nodiscard]] constexpr bool many() const {
    int n = 0;
    for (const std::uint64_t each : w) n += each != 0 ? ((each & (each - 1)) != 0 ? 2 : 1) : 0;
    return n > 1;
  }
  [[nodiscard]] constexpr int count() const {
    int n = 0;
    for (const std::uint64_t each : w) n += std::popcount(each);
    return n;
  }
  // Every square's number less or plus one.
  [[nodiscard]] constexpr BitsOf shifted_down() const {
    BitsOf b;
    for (std::size_t i = 0; i < w.size(); ++i) b.w[i] = w[i] >> 1 | (i + 1 < w.size() ? w[i + 1] << 63 : 0);
    return b;
  }
  [[nodiscard]] constexpr BitsOf shifted_up() const {
    BitsOf b;
    for (std::size_t i = 0; i < w.size(); ++i) b.w[i] = w[i] << 1 | (i > 0 ? w[i - 1] >> 63 : 0);
    return b;
  }
  // The lowest and the highest square; there must be one.
  [[nodiscard]] constexpr int first() const {
    if constexpr (Words == 2) return w[0] != 0 ? std::countr_zero(w[0]) : 64 + std::countr_zero(w[1]);
    return std::countr_zero(w[0]);
  }
  [[nodiscard]] constexpr int last() const {
    if constexpr (Words == 2) return w[1] != 0 ? 127 - std::countl_zero(w[1]) : 63 - std::countl_zero(w[0]);
    return 63 - std::countl_zero(w[0]);
  }
  constexpr BitsOf& operator|=(const BitsOf& b) {
    for (std::size_t i = 0; i < w.size(); ++i) w[i] |= b.w[i];
    return *this;
  }
  constexpr BitsOf& operator&=(const BitsOf& b) {
    for (std::size_t i = 0; i < w.size(); ++i) w[i] &= b.w[i];
    return *this;
  }
  constexpr BitsOf& operator^=(const BitsOf& b) {
    for (std::size_t i = 0; i < w.size(); ++i) w[i] ^= b.w[i];
    return *this;
  }
  constexpr friend BitsOf operator|(BitsOf a, const BitsOf& b) { return a |= b; }
  constexpr friend BitsOf operator&(BitsOf a, const BitsOf& b) { return a &= b; }
  constexpr friend BitsOf operator^(BitsOf a, const BitsOf& b) { return a ^= b; }
  // The squares of a that are not in b.
  constexpr friend BitsOf operator-(BitsOf a, const BitsOf& b) {
    for (std::size_t i = 0; i < a.w.size(); ++i) a.w[i] &= ~b.w[i];
    return a;
  }
};

template <int Words, class Visit>
[[gnu::always_inline]] inline void for_each(const BitsOf<Words>& squares, Visit&& visit) {
  for (int i = 0; i < Words; ++i)
    for (std::uint64_t rest = squares.w[at(i)]; rest != 0; rest &= rest - 1) visit(64 * i + std::countr_zero(rest));
}

inline constexpr int kSente = 0;
inline constexpr int kGote = 1;

// A promoted piece is its own kind plus kPromoted.
enum Piece : std::uint8_t {
  kPawn,
  kLance,
  kKnight,
  kSilver,
  kBishop,
  kRook,
  kGold,
  kKing,
  kProPawn,
  kProLance,
  kProKnight,
  kProSilver,
  kHorse,
  kDragon,
  kPieces,
  kNoPiece = 15
};
inline constexpr int kPromoted = 8;
inline constexpr int kHandPieces = 7;  // pawn .. gold
constexpr bool promotes(int piece) { return piece <= kRook; }
constexpr int unpromoted(int piece) { return piece >= kPromoted ? piece - kPromoted : piece; }

template <int Size>
struct Geometry {
  static constexpr int kSize = Size;
  static constexpr int kSquares = Size * Size;
  static constexpr int kZone = Size == 9 ? 3 : 1;  // ranks of the promotion zone
  using Bits = BitsOf<(kSquares + 63) / 64>;

  static constexpr int file_of(int square) { return square / Size; }
  static constexpr int rank_of(int square) { return square % Size; }
  static constexpr int square(int file, int rank) { return file * Size + rank; }
  static constexpr bool inside(int file, int rank) { return file >= 0 && file < Size && rank >= 0 && rank < Size; }
  // A rank counted from the far side of `side`: 0 is the last one its pieces can reach.
  static constexpr int far_rank(int side, int square) {
    return side == kSente ? rank_of(square) : Size - 1 - rank_of(square);
  }

  // Directions in files and ranks as Sente sees the board: ahead is towards rank a.
  enum Direction { kAhead, kBack, kLeft, kRight, kAheadLeft, kBackLeft, kAheadRight, kBackRight, kNone };
  static constexpr std::array<std::array<int, 2>, 8> kSteps{
      {{0, -1}, {0, 1}, {1, 0}, {-1, 0}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}}};
  static constexpr bool ascends(int direction) {
    return kSteps[at(direction)][0] * Size + kSteps[at(direction)][1] > 0;
  }

  struct Tables {
    std::array<std::array<Bits, kSquares>, 8> ray{};
    std::array<std::array<std::uint8_t, kSquares>, kSquares> direction{};  // from one square to another, or kNone
    std::array<std::array<Bits, kSquares>, 2> pawn{}, knight{}, silver{}, gold{};  // [side][square]
    std::array<Bits, kSquares> king{}, rook_lines{}, bishop_lines{};
    std::array<Bits, kSquares> around{};  // from where a step or a knight's jump reaches the square or one next to it
    std::array<Bits, Size> file{};
    std::array<std::array<Bits, Size + 1>, 2> far{};  // [side][n]: the last n ranks it can reach
    Bits all{};
  };
  static constexpr Tables make_tables() {
    Tables t;
    for (auto& row : t.direction)
      for (auto& each : row) each = kNone;
    for (int f = 0; f < Size; ++f) {
      for (int r = 0; r < Size; ++r) {
        const int s = square(f, r);
        t.all |= Bits::of(s);
        for (int df = -2; df <= 2; ++df)
          for (int dr = -3; dr <= 3; ++dr)
            if (inside(f + df, r + dr)) t.around[at(s)] |= Bits::of(square(f + df, r + dr));
        t.file[at(f)] |= Bits::of(s);
        for (const int side : {kSente, kGote})
          for (int n = far_rank(side, s) + 1; n <= Size; ++n) t.far[at(side)][at(n)] |= Bits::of(s);
        for (int d = 0; d < 8; ++d) {
          const int df = kSteps[at(d)][0];
          const int dr = kSteps[at(d)][1];
          for (int n = 1; inside(f + n * df, r + n * dr); ++n) {
            const int to = square(f + n * df, r + n * dr);
            t.ray[at(d)][at(s)] |= Bits::of(to);
            t.direction[at(s)][at(to)] = static_cast<std::uint8_t>(d);
            if (n == 1) t.king[at(s)] |= Bits::of(to);
          }
          (d < 4 ? t.rook_lines : t.bishop_lines)[at(s)] |= t.ray[at(d)][at(s)];
        }
        for (const int side : {kSente, kGote}) {
          const int turn = side == kSente ? 1 : -1;
          const auto add = [&](Bits& set, int df, int dr) {
            if (inside(f + turn * df, r + turn * dr)) set |= Bits::of(square(f + turn * df, r + turn * dr));
          };
          add(t.pawn[at(side)][at(s)], 0, -1);
          for (const int df : {-1, 1}) add(t.knight[at(side)][at(s)], df, -2);
          for (const int df : {-1, 0, 1}) {
            add(t.silver[at(side)][at(s)], df, -1);
            add(t.gold[at(side)][at(s)], df, -1);
          }
          for (const int df : {-1, 1}) {
            add(t.silver[at(side)][at(s)], df, 1);
            add(t.gold[at(side)][at(s)], df, 0);
          }
          add(t.gold[at(side)][at(s)], 0, 1);
        }
      }
    }
    return t;
  }
  static constexpr Tables kTables = make_tables();

  [[gnu::always_inline]] static Bits along(int direction, int square_, const Bits& occupied) {
    const Bits& ray = kTables.ray[at(direction)][at(square_)];
    const Bits blockers = ray & occupied;
    if (!blockers.any()) return ray;
    return ray ^ kTables.ray[at(direction)][at(ascends(direction) ? blockers.first() : blockers.last())];
  }
  [[gnu::always_inline]] static Bits rook_attacks(int s, const Bits& occupied) {
    return along(kAhead, s, occupied) | along(kBack, s, occupied) | along(kLeft, s, occupied) |
           along(kRight, s, occupied);
  }
  [[gnu::always_inline]] static Bits bishop_attacks(int s, const Bits& occupied) {
    return along(kAheadLeft, s, occupied) | along(kBackLeft, s, occupied) | along(kAheadRight, s, occupied) |
           along(kBackRight, s, occupied);
  }
  [[gnu::always_inline]] static Bits lance_attacks(int side, int s, const Bits& occupied) {
    return along(side == kSente ? kAhead : kBack, s, occupied);
  }
  static const Bits& pawn_attacks(int side, int s) { return kTables.pawn[at(side)][at(s)]; }
  static const Bits& knight_attacks(int side, int s) { return kTables.knight[at(side)][at(s)]; }
  static const Bits& silver_attacks(int side, int s) { return kTables.silver[at(side)][at(s)]; }
  static const Bits& gold_attacks(int side, int s) { return kTables.gold[at(side)][at(s)]; }
  static const Bits& king_attacks(int s) { return kTables.king[at(s)]; }

  // The squares strictly between two squares of one line; empty where they share none.
  static Bits between(int a, int b) {
    const int d = kTables.direction[at(a)][at(b)];
    if (d == kNone) return {};
    return (kTables.ray[at(d)][at(a)] ^ kTables.ray[at(d)][at(b)]) - Bits::of(b);
  }
  // From a through b to the edge.
  static Bits ray_through(int a, int b) {
    const int d = kTables.direction[at(a)][at(b)];
    return d == kNone ? Bits{} : kTables.ray[at(d)][at(a)];
  }
};

}  // namespace az::shogi
