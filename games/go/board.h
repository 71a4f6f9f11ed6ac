// The Go board: stones, chains and their liberties, kept up to date move by move.
//
// A board is one plain struct that is copied each ply, so it holds little. Points live on a grid with a wall around it,
// so that a neighbour is always an addition away; a row's wall on the left is the one on the right of the row above.
// Cells (row * size + column, row 0 on top) are what the outside sees.
//
// A chain keeps the number of its pseudo-liberties: a liberty counted once for each stone beside it. That answers the
// one question the rules ask: the empty point p is a chain's last liberty if as many of p's neighbours belong to the
// chain as it has pseudo-liberties.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "games/game.h"
#include "games/zobrist.h"

namespace az::go {

enum Stone : std::uint8_t { kEmpty = 0, kBlack = 1, kWhite = 2, kWall = 3 };
constexpr Stone opponent(Stone s) { return static_cast<Stone>(3 - s); }

// Numbers that name a stone on a cell; a position's key is the XOR of its stones' numbers. A stone's number ends in its
// cell, so that the one stone by which two boards may differ can be read off the XOR of their keys.
struct Zobrist {
  static constexpr Key kCells = 512;
  std::array<std::array<Key, kCells>, 2> stone{};  // by any value a number may end in, 0 beyond the board's cells
  std::array<Key, 361> ko{};
  Key white_to_move = 0;

  // Whether `difference` is one stone's number, the stone of colour index `colour` and on the cell that it ends in.
  [[nodiscard]] bool is_stone(std::size_t colour, Key difference) const {
    return stone[colour][difference % kCells] == difference;
  }
};
constexpr Zobrist make_zobrist() {
  ZobristNumbers numbers(0x60d5eed5eedULL);
  Zobrist z;
  for (auto& colour : z.stone)
    for (Key cell = 0; cell < z.ko.size(); ++cell) colour[cell] = (numbers.next() & ~(Zobrist::kCells - 1)) | cell;
  for (Key& key : z.ko) key = numbers.next();
  z.white_to_move = numbers.next();
  return z;
}
inline constexpr Zobrist kZobrist = make_zobrist();

// What superko compares: which stones there are and, under situational ko, the side to move.
struct Situation {
  Key key = 0;
  std::array<std::uint16_t, 2> count{};  // stones: black, white

  void put(std::size_t colour, std::size_t cell) {
    key ^= kZobrist.stone[colour][cell];
    ++count[colour];
  }
  void take(std::size_t colour, std::size_t cell) {
    key ^= kZobrist.stone[colour][cell];
    --count[colour];
  }
};

// GCC warns that how a vector is passed depends on the processor compiled for. Nothing here depends on that: all that
// takes or returns one is inlined.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"

// Words as one vector, which the compiler keeps in as few registers as the processor allows, and each word's
// neighbours: the word before it and the word after it.
template <int Words>
struct Vector;
template <>
struct Vector<2> {
  typedef std::uint64_t Type __attribute__((vector_size(16)));
  struct Pair {
    Type before, after;
  };
  [[gnu::always_inline]] static Pair neighbours(const Type& v) {
    return {__builtin_shufflevector(v, Type{}, 2, 0), __builtin_shufflevector(v, Type{}, 1, 2)};
  }
};
template <>
struct Vector<8> {
  typedef std::uint64_t Type __attribute__((vector_size(64)));
  struct Pair {
    Type before, after;
  };
  [[gnu::always_inline]] static Pair neighbours(const Type& v) {
    return {__builtin_shufflevector(v, Type{}, 8, 0, 1, 2, 3, 4, 5, 6),
            __builtin_shufflevector(v, Type{}, 1, 2, 3, 4, 5, 6, 7, 8)};
  }
};

template <int MaxSize>
struct Board {
  static constexpr int kStride = MaxSize + 1;
  static constexpr int kPoints = kStride * (MaxSize + 2) + 1;
  static constexpr int kWords = MaxSize * MaxSize <= 128 ? 2 : 8;  // a power of two, as vectors have
  using Point = std::conditional_t<kPoints <= 128, std::uint8_t, std::uint16_t>;
  using Count = Point;                             // a 9x9 board has 144 pairs of neighbours, a 19x19 board 684
  using Bits = std::array<std::uint64_t, kWords>;  // by cell

  static std::size_t at(int p) { return static_cast<std::size_t>(p); }
  [[nodiscard]] static bool has(const Bits& bits, int cell) { return (bits[at(cell >> 6)] >> (cell & 63) & 1) != 0; }
  static void set(Bits& bits, int cell) { bits[at(cell >> 6)] |= std::uint64_t{1} << (cell & 63); }
  static void reset(Bits& bits, int cell) { bits[at(cell >> 6)] &= ~(std::uint64_t{1} << (cell & 63)); }
  template <class Visit>
  static void for_each(const Bits& bits, Visit&& visit) {
    for (std::size_t w = 0; w < bits.size(); ++w)
      for (std::uint64_t rest = bits[w]; rest != 0; rest &= rest - 1)
        visit(static_cast<int>(w * 64) + std::countr_zero(rest));
  }

  // Where cells lie among the points, for one board size.
  struct Geometry {
    int size = 0;
    std::array<Point, MaxSize * MaxSize> point{};
    std::array<std::uint16_t, kPoints> cell{};
    Bits all{};
    Bits first_column{};
    Bits last_column{};
    std::array<bool, Zobrist::kCells> neighbours_xor{};  // whether two cells side by side have this XOR
    explicit Geometry(int n) : size(n) {
      for (int c = 0; c < n * n; ++c) {
        const auto p = static_cast<std::size_t>((c / n + 1) * kStride + c % n + 1);
        point[static_cast<std::size_t>(c)] = static_cast<Point>(p);
        cell[p] = static_cast<std::uint16_t>(c);
        set(all, c);
        if (c % n == 0) set(first_column, c);
        if (c % n == n - 1) set(last_column, c);
        if (c % n != n - 1) neighbours_xor[static_cast<std::size_t>(c ^ (c + 1))] = true;
        if (c / n != n - 1) neighbours_xor[static_cast<std::size_t>(c ^ (c + n))] = true;
      }
    }
  };
  static const Geometry& geometry(int size) {
    static const auto all = []<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<Geometry, sizeof...(I)>{Geometry(static_cast<int>(I))...};
    }(std::make_index_sequence<MaxSize + 1>{});
    return all[static_cast<std::size_t>(size)];
  }

  // By point, what stands there: the point that names the stone's chain, with this bit set if the stone is white. No
  // chain is named 0, which is a point of the wall: 0 means empty, the bit alone a wall. So one comparison of two
  // points says whether they are of one chain.
  static constexpr Point kWhiteBit = static_cast<Point>(1U << (8 * sizeof(Point) - 1));
  static constexpr Point kWallHere = kWhiteBit;
  std::array<Point, kPoints> on;
  std::array<Point, kPoints> next;    // of a stone: the next of its chain, in a circle
  std::array<Count, kPoints> number;  // by chain: its pseudo-liberties; of no chain (0), more than a chain has

  Bits stones[2];                      // black, white
  Key key;                             // of the stones alone
  std::array<std::uint16_t, 2> count;  // stones of this colour on the board
  std::uint16_t captured[2];           // stones of this colour taken off so far
  std::uint16_t ply;
  std::uint16_t ko;     // the cell that simple ko bars, else kNoMove
  std::uint16_t last;   // the last move
  std::uint8_t passes;  // in a row, up to now
  std::uint8_t white;   // whether White is to move

  void clear(int size) {
    *this = Board{};
    on.fill(kWallHere);
    const Geometry& g = geometry(size);
    for (int c = 0; c < size * size; ++c) on[g.point[static_cast<std::size_t>(c)]] = 0;
    number[0] = std::numeric_limits<Count>::max();
    ko = last = kNoMove;
  }

  [[nodiscard]] Stone to_move() const { return white == 0 ? kBlack : kWhite; }
  static constexpr std::array<int, 4> kAround = {-kStride, -1, 1, kStride};

  // The name of the chain at a point, 0 where no stone is.
  [[nodiscard]] std::size_t chain(std::size_t q) const { return on[q] & (kWhiteBit - 1U); }
  [[nodiscard]] Stone stone(std::size_t q) const {
    if (on[q] == 0) return kEmpty;
    return on[q] == kWallHere ? kWall : (on[q] & kWhiteBit) != 0 ? kWhite : kBlack;
  }
  static constexpr Point colour_bit(Stone colour) { return colour == kWhite ? kWhiteBit : 0; }
  // The same as stone(q) == colour, in one comparison.
  [[nodiscard]] bool is(std::size_t q, Stone colour) const {
    return static_cast<Point>((on[q] ^ colour_bit(colour)) - 1) < kWhiteBit - 1;
  }
  // Whether the empty point `p` is the last liberty of the chain of its neighbour `q`; false if no stone is there.
  [[nodiscard]] bool last_liberty(int p, std::size_t q) const {
    if (number[chain(q)] > kAround.size()) return false;  // more than one point can have neighbours: most chains
    unsigned beside = 0;
    for (const int d : kAround) beside += on[at(p + d)] == on[q];
    return number[chain(q)] == beside;
  }
  // The chains around the empty point `p` as a stone of `mine` there meets them, in bits by direction. Found without a
  // branch, which would go either way as if at random.
  struct Contact {
    unsigned takes;  // chains of the opponent's that it takes
    unsigned fills;  // chains of its own whose last liberty it is
    unsigned again;  // chains that an earlier direction has, too
    bool lives;      // a chain of its own has another liberty
    bool open;       // an empty neighbour
  };
  [[nodiscard, gnu::always_inline]] Contact contact(int p, Stone mine) const {
    const unsigned own = colour_bit(mine);
    const std::array<unsigned, 4> near = {on[at(p + kAround[0])], on[at(p + kAround[1])], on[at(p + kAround[2])],
                                          on[at(p + kAround[3])]};
    std::array<unsigned, 4> beside{1, 1, 1, 1};  // stones of the same chain
    Contact result{};
    for (std::size_t i = 0; i < near.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const unsigned same = near[i] == near[j];
        beside[i] += same;
        beside[j] += same;
        result.again |= same << i;
      }
    }
    unsigned lives = 0;
    unsigned open = 0;
    for (std::size_t i = 0; i < near.size(); ++i) {
      const unsigned name = near[i] & (kWhiteBit - 1U);
      const unsigned ends = number[name] == beside[i];
      const unsigned other = ((near[i] ^ own) & kWhiteBit) != 0;
      result.takes |= (ends & other) << i;
      result.fills |= (ends & ~other) << i;
      lives |= static_cast<unsigned>(name != 0) & ~(ends | other);
      open |= static_cast<unsigned>(near[i] == 0);
    }
    result.lives = lives != 0;
    result.open = open != 0;
    return result;
  }
  // What playing there would do, ko aside.
  enum class Effect : std::uint8_t { kPlain, kCapture, kSuicide, kSingleSuicide };
  [[nodiscard]] static Effect effect(const Contact& c) {
    if (c.takes != 0) return Effect::kCapture;
    return c.open || c.lives ? Effect::kPlain : c.fills != 0 ? Effect::kSuicide : Effect::kSingleSuicide;
  }

  // The same bits as one vector.
  using Wide = typename Vector<kWords>::Type;
  [[gnu::always_inline]] static Wide wide(const Bits& bits) {
    Wide result{};
    std::memcpy(&result, bits.data(), sizeof bits);
    return result;
  }
  [[gnu::always_inline]] static Bits narrow(const Wide& v) {
    Bits result;
    std::memcpy(result.data(), &v, sizeof result);
    return result;
  }
  // The cells next to one cell of `bits` at least, and to two. Beyond the last row they go on: mask them.
  struct Beside {
    Wide one, two;
  };
  [[gnu::always_inline]] static Beside beside(const Geometry& g, const Wide& v) {
    const auto [before, after] = Vector<kWords>::neighbours(v);
    const Wide right = (v << 1 | before >> 63) & ~wide(g.first_column);
    const Wide left = (v >> 1 | after << 63) & ~wide(g.last_column);
    const auto row = static_cast<std::uint64_t>(g.size);
    const Wide down = v << row | before >> (64 - row);
    const Wide up = v >> row | after << (64 - row);
    return {right | left | down | up, (right & left) | (down & up) | ((right | left) & (down | up))};
  }
  [[nodiscard]] Bits empty_cells(const Geometry& g) const {
    Bits empty;
    for (std::size_t w = 0; w < empty.size(); ++w) empty[w] = g.all[w] & ~(stones[0][w] | stones[1][w]);
    return empty;
  }
  // Cells that are empty and have an empty neighbour: a move there is never suicide.
  [[nodiscard]] Bits open_cells(const Geometry& g) const {
    const Wide empty = wide(empty_cells(g));
    return narrow(empty & beside(g, empty).one);
  }
  // Where the side to move may play, ko aside, and where that does more than add a stone.
  struct Playable {
    Bits cells;
    Bits captures;
    Bits captures_of_one;  // those that surely take one stone only
    Bits suicides;
  };
  // Most cells are settled by whole rows of bits at a time; chains are asked only where that does not tell.
  [[nodiscard]] Playable playable_cells(const Geometry& g, bool suicide) const {
    const Stone mine = to_move();
    const Wide own = wide(stones[mine - 1]);
    const Wide other = wide(stones[opponent(mine) - 1]);
    const Wide empty = wide(g.all) & ~(own | other);
    const auto [near_empty, near_two_empty] = beside(g, empty);
    const Wide near_own = beside(g, own).one;
    const Wide near_other = beside(g, other).one;
    // Two stones side by side have no neighbour in common. So a chain has two liberties at least if one of its stones
    // has two empty neighbours, or two of its stones side by side have one each. A stone on its own has no liberties
    // but its empty neighbours.
    const Wide breathing_own = own & near_empty;
    const Wide safe = breathing_own & (near_two_empty | beside(g, breathing_own).one);
    const Wide unclear = breathing_own & ~safe & near_own;
    const Wide breathing_other = other & near_empty;
    const Wide weak = breathing_other & ~(near_two_empty | beside(g, breathing_other).one);
    const auto [near_lost, near_two_lost] = beside(g, weak & ~near_other);
    const Wide near_weak = beside(g, weak & near_other).one;
    const Wide captures = empty & near_lost;
    const Wide cells = empty & (near_empty | near_lost | beside(g, safe).one);
    const Wide asked = empty & ((beside(g, unclear).one & ~cells) | (near_weak & ~near_lost));
    Playable result{narrow(cells), narrow(captures), narrow(captures & ~(near_two_lost | near_weak)), {}};
    const Bits unknown = narrow(asked);
    for (std::size_t w = 0; w < unknown.size(); ++w) {
      for (std::uint64_t rest = unknown[w]; rest != 0; rest &= rest - 1) {
        const int bit = std::countr_zero(rest);
        const Contact c = contact(g.point[w * 64 + at(bit)], mine);
        result.captures[w] |= std::uint64_t{c.takes != 0} << bit;
        result.cells[w] |= std::uint64_t{c.takes != 0 || c.lives} << bit;
      }
    }
    if (suicide) {
      result.suicides = narrow(empty & near_own & ~wide(result.cells));
      for (std::size_t w = 0; w < unknown.size(); ++w) result.cells[w] |= result.suicides[w];
    }
    return result;
  }

  // The stones after the side to move plays the playable point `p`.
  [[nodiscard]] Situation after(const Geometry& g, int p) const {
    const Stone mine = to_move();
    const Contact c = contact(p, mine);
    const bool suicide = effect(c) == Effect::kSuicide;
    const std::size_t loser = (suicide ? mine : opponent(mine)) - 1U;
    Situation result{key, count};
    result.put(mine - 1U, g.cell[at(p)]);
    for (unsigned taken = (suicide ? c.fills : c.takes) & ~c.again; taken != 0; taken &= taken - 1) {
      const std::size_t name = chain(at(p + kAround[at(std::countr_zero(taken))]));
      std::size_t s = name;
      do {
        result.take(loser, g.cell[s]);
        s = next[s];
      } while (s != name);
    }
    if (suicide) result.take(loser, g.cell[at(p)]);
    return result;
  }

  // Plays the side to move's stone on `cell`.
  void place(const Geometry& g, int cell) {
    const Stone mine = to_move();
    const int p = g.point[at(cell)];
    const auto here = at(p);
    set(stones[mine - 1], cell);
    key ^= kZobrist.stone[mine - 1U][at(cell)];
    ++count[mine - 1U];
    on[here] = static_cast<Point>(here | colour_bit(mine));
    next[here] = static_cast<Point>(here);
    unsigned empty = 0;
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      empty += on[q] == 0;
      number[chain(q)] = static_cast<Count>(number[chain(q)] - (chain(q) != 0));
    }
    number[here] = static_cast<Count>(empty);
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (is(q, mine) && on[q] != on[here]) join(chain(q), chain(here));
    }
    int taken = 0;
    std::size_t taken_at = 0;
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (number[chain(q)] != 0 || is(q, mine)) continue;
      taken_at = q;
      taken += remove(g, chain(q));
    }
    ko = kNoMove;
    if (taken == 0 && number[chain(here)] == 0) {
      remove(g, chain(here));
    } else if (taken == 1 && next[here] == here && number[here] == 1) {
      ko = g.cell[taken_at];
    }
    last = static_cast<std::uint16_t>(cell);
    passes = 0;
    white ^= 1;
    ++ply;
  }
  void pass(int size) {
    ko = kNoMove;
    last = static_cast<std::uint16_t>(size * size);
    ++passes;
    white ^= 1;
    ++ply;
  }
  // Puts a stone up instead of playing it. False if a chain would be without liberties: then this is no board any more.
  // Stones can come in any order, since a chain that is not whole yet has the empty point of its next stone.
  [[nodiscard]] bool put_up(const Geometry& g, int cell, Stone colour) {
    const unsigned before = 0U + count[0] + count[1];
    white = colour == kWhite;
    place(g, cell);
    ko = last = kNoMove;
    ply = 0;
    return 0U + count[0] + count[1] == before + 1;
  }
  // The other side is to move, without a pass: what barred or passed was before the side that now waits.
  void change_turn() {
    white ^= 1;
    ko = kNoMove;
    passes = 0;
  }

 private:
  // Makes two chains one, under the name of the longer: walks both at once until the shorter ends.
  void join(std::size_t a, std::size_t b) {
    std::size_t s = next[a];
    std::size_t t = next[b];
    for (; s != a && t != b; t = next[t]) s = next[s];
    if (t != b) std::swap(a, b);
    s = b;
    do {
      on[s] = on[a];
      s = next[s];
    } while (s != b);
    std::swap(next[a], next[b]);
    number[a] = static_cast<Count>(number[a] + number[b]);
  }
  // Takes a chain off the board; returns how many stones that were.
  int remove(const Geometry& g, std::size_t name) {
    const std::size_t colour = (on[name] & kWhiteBit) != 0;
    int taken = 0;
    std::size_t s = name;
    do {
      const int cell = g.cell[s];
      on[s] = 0;
      key ^= kZobrist.stone[colour][at(cell)];
      reset(stones[colour], cell);
      ++taken;
      s = next[s];
    } while (s != name);
    do {
      for (const int d : kAround) {
        const std::size_t beside = chain(at(static_cast<int>(s) + d));
        number[beside] = static_cast<Count>(number[beside] + (beside != 0));
      }
      s = next[s];
    } while (s != name);
    count[colour] = static_cast<std::uint16_t>(count[colour] - taken);
    captured[colour] = static_cast<std::uint16_t>(captured[colour] + taken);
    return taken;
  }
};

#pragma GCC diagnostic pop

}  // namespace az::go
