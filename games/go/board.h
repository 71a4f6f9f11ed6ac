// The Go board: stones, chains and their liberties, kept up to date move by move.
//
// A board is one plain struct that is copied each ply, so it holds little. Points live on a grid with a wall around it,
// so that a neighbour is always an addition away; cells (row * size + column, row 0 on top) are what the outside sees.
// A chain keeps the number of its pseudo-liberties: a liberty counted once for each stone beside it. That answers the
// one question the rules ask: the empty point p is a chain's last liberty if as many of p's neighbours belong to the
// chain as it has pseudo-liberties.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "games/game.h"
#include "games/zobrist.h"

namespace az::go {

enum Stone : std::uint8_t { kEmpty = 0, kBlack = 1, kWhite = 2, kWall = 3 };
constexpr Stone opponent(Stone s) { return static_cast<Stone>(3 - s); }

// Numbers that name a stone on a cell; a position's key is the XOR of its stones' numbers.
struct Zobrist {
  std::array<std::array<Key, 361>, 2> stone{};
  std::array<Key, 361> ko{};
  Key white_to_move = 0;
};
constexpr Zobrist make_zobrist() {
  ZobristNumbers numbers(0x60d5eed5eedULL);
  Zobrist z;
  for (auto& colour : z.stone)
    for (Key& key : colour) key = numbers.next();
  for (Key& key : z.ko) key = numbers.next();
  z.white_to_move = numbers.next();
  return z;
}
inline constexpr Zobrist kZobrist = make_zobrist();

template <int MaxSize>
struct Board {
  static constexpr int kStride = MaxSize + 2;
  static constexpr int kPoints = kStride * kStride;
  static constexpr int kWords = (MaxSize * MaxSize + 63) / 64;
  using Point = std::conditional_t<kPoints <= 256, std::uint8_t, std::uint16_t>;
  using Count = Point;                             // a 9x9 board has 144 pairs of neighbours, a 19x19 board 684
  using Bits = std::array<std::uint64_t, kWords>;  // by cell

  static std::size_t at(int p) { return static_cast<std::size_t>(p); }
  [[nodiscard]] static bool has(const Bits& bits, int cell) { return (bits[at(cell >> 6)] >> (cell & 63) & 1) != 0; }
  static void set(Bits& bits, int cell) { bits[at(cell >> 6)] |= std::uint64_t{1} << (cell & 63); }
  static void reset(Bits& bits, int cell) { bits[at(cell >> 6)] &= ~(std::uint64_t{1} << (cell & 63)); }

  // Where cells lie among the points, for one board size.
  struct Geometry {
    int size = 0;
    std::array<Point, MaxSize * MaxSize> point{};
    std::array<std::uint16_t, kPoints> cell{};
    Bits all{};
    Bits first_column{};
    Bits last_column{};
    explicit Geometry(int n) : size(n) {
      for (int c = 0; c < n * n; ++c) {
        const auto p = static_cast<std::size_t>((c / n + 1) * kStride + c % n + 1);
        point[static_cast<std::size_t>(c)] = static_cast<Point>(p);
        cell[p] = static_cast<std::uint16_t>(c);
        set(all, c);
        if (c % n == 0) set(first_column, c);
        if (c % n == n - 1) set(last_column, c);
      }
    }
  };
  static const Geometry& geometry(int size) {
    static const auto all = []<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<Geometry, sizeof...(I)>{Geometry(static_cast<int>(I))...};
    }(std::make_index_sequence<MaxSize + 1>{});
    return all[static_cast<std::size_t>(size)];
  }

  std::array<std::uint8_t, kPoints> stone;  // Stone by point
  std::array<Point, kPoints> head;          // of a stone: the point that names its chain
  std::array<Point, kPoints> next;          // of a stone: the next of its chain, in a circle
  // By chain head:
  std::array<Count, kPoints> length;  // stones
  std::array<Count, kPoints> number;  // of pseudo-liberties

  Bits stones[2];   // black, white
  Bits removed[2];  // cells a stone of this colour was ever taken from: only there can a move bring an old board back
  Key key;          // of the stones alone
  std::uint16_t captured[2];  // stones of this colour taken off so far
  std::uint16_t ply;
  std::uint16_t ko;     // the cell that simple ko bars, else kNoMove
  std::uint16_t last;   // the last move
  std::uint8_t passes;  // in a row, up to now

  void clear(int size) {
    *this = Board{};
    stone.fill(kWall);
    const Geometry& g = geometry(size);
    for (int c = 0; c < size * size; ++c) stone[g.point[static_cast<std::size_t>(c)]] = kEmpty;
    ko = last = kNoMove;
  }

  [[nodiscard]] Stone to_move() const { return ply % 2 == 0 ? kBlack : kWhite; }
  static constexpr std::array<int, 4> kAround = {-kStride, -1, 1, kStride};

  // Whether the empty point `p` is the last liberty of the chain of its neighbour `q`, a stone.
  [[nodiscard]] bool last_liberty(int p, std::size_t q) const {
    if (number[head[q]] > kAround.size()) return false;  // more than one point can have neighbours: most chains
    unsigned beside = 0;
    for (const int d : kAround) {
      const std::size_t r = at(p + d);
      beside += stone[r] == stone[q] && head[r] == head[q];
    }
    return number[head[q]] == beside;
  }
  // Cells that are empty and have an empty neighbour: a move there is never suicide.
  [[nodiscard]] Bits open_cells(const Geometry& g) const {
    Bits empty = empty_cells(g);
    Bits near{};
    for (std::size_t w = 0; w < empty.size(); ++w) {
      const std::uint64_t right = (empty[w] << 1 | (w > 0 ? empty[w - 1] >> 63 : 0)) & ~g.first_column[w];
      const std::uint64_t left = (empty[w] >> 1 | (w + 1 < empty.size() ? empty[w + 1] << 63 : 0)) & ~g.last_column[w];
      const std::uint64_t down = empty[w] << g.size | (w > 0 ? empty[w - 1] >> (64 - g.size) : 0);
      const std::uint64_t up = empty[w] >> g.size | (w + 1 < empty.size() ? empty[w + 1] << (64 - g.size) : 0);
      near[w] = right | left | down | up;
    }
    for (std::size_t w = 0; w < empty.size(); ++w) empty[w] &= near[w];
    return empty;
  }
  [[nodiscard]] Bits empty_cells(const Geometry& g) const {
    Bits empty;
    for (std::size_t w = 0; w < empty.size(); ++w) empty[w] = g.all[w] & ~(stones[0][w] | stones[1][w]);
    return empty;
  }

  // What playing on the empty point `p` would do, ko aside.
  enum class Effect : std::uint8_t { kPlain, kCapture, kSuicide, kSingleSuicide };
  [[nodiscard]] Effect effect(int p, Stone mine) const {
    bool own_lives = false;
    bool own_near = false;
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (stone[q] == kEmpty) return captures(p, mine) ? Effect::kCapture : Effect::kPlain;
      if (stone[q] == kWall) continue;
      const bool atari = last_liberty(p, q);
      if (stone[q] == mine) {
        own_near = true;
        own_lives |= !atari;
      } else if (atari) {
        return Effect::kCapture;
      }
    }
    return own_lives ? Effect::kPlain : own_near ? Effect::kSuicide : Effect::kSingleSuicide;
  }
  // Whether `mine` may play on the empty point `p`, ko aside: the same question, answered as fast as can be.
  [[nodiscard]] bool playable(int p, Stone mine, bool suicide) const {
    for (const int d : kAround)
      if (stone[at(p + d)] == kEmpty) return true;
    return playable_closed(p, mine, suicide);
  }
  // The same for a point without an empty neighbour: a chain of one's own must live on, or one of the opponent's be
  // taken.
  [[nodiscard]] bool playable_closed(int p, Stone mine, bool suicide) const {
    bool own_near = false;
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (stone[q] == kWall) continue;
      if (last_liberty(p, q) != (stone[q] == mine)) return true;
      own_near |= stone[q] == mine;
    }
    return suicide && own_near;
  }
  [[nodiscard]] bool captures(int p, Stone mine) const {
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (stone[q] == opponent(mine) && last_liberty(p, q)) return true;
    }
    return false;
  }

  // The key of the stones after `mine` plays the playable point `p`.
  [[nodiscard]] Key key_after(const Geometry& g, int p, Stone mine) const {
    Key result = key ^ kZobrist.stone[mine - 1U][g.cell[at(p)]];
    const Effect what = effect(p, mine);
    if (what != Effect::kCapture && what != Effect::kSuicide) return result;
    const Stone taken = what == Effect::kCapture ? opponent(mine) : mine;
    std::array<std::size_t, 4> seen{};
    std::size_t count = 0;
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (stone[q] != taken || !last_liberty(p, q)) continue;
      const std::size_t chain = head[q];
      bool again = false;
      for (std::size_t i = 0; i < count; ++i) again |= seen[i] == chain;
      if (again) continue;
      seen[count++] = chain;
      std::size_t s = chain;
      do {
        result ^= kZobrist.stone[taken - 1U][g.cell[s]];
        s = next[s];
      } while (s != chain);
    }
    if (what == Effect::kSuicide) result ^= kZobrist.stone[mine - 1U][g.cell[at(p)]];
    return result;
  }

  // Plays the side to move's stone on `cell`.
  void place(const Geometry& g, int cell) {
    const Stone mine = to_move();
    const int p = g.point[at(cell)];
    const auto here = at(p);
    stone[here] = mine;
    set(stones[mine - 1], cell);
    key ^= kZobrist.stone[mine - 1U][at(cell)];
    head[here] = next[here] = static_cast<Point>(p);
    length[here] = 1;
    number[here] = 0;
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (stone[q] == kEmpty) {
        ++number[here];
      } else if (stone[q] != kWall) {
        --number[head[q]];
      }
    }
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (stone[q] == mine && head[q] != head[here]) join(head[q], head[here]);
    }
    int taken = 0;
    std::size_t taken_at = 0;
    for (const int d : kAround) {
      const std::size_t q = at(p + d);
      if (stone[q] != opponent(mine) || number[head[q]] != 0) continue;
      taken_at = q;
      taken += remove(g, head[q]);
    }
    ko = kNoMove;
    const std::size_t chain = head[here];
    if (taken == 0 && number[chain] == 0) {
      remove(g, chain);
    } else if (taken == 1 && length[chain] == 1 && number[chain] == 1) {
      ko = g.cell[taken_at];
    }
    last = static_cast<std::uint16_t>(cell);
    passes = 0;
    ++ply;
  }
  void pass(int size) {
    ko = kNoMove;
    last = static_cast<std::uint16_t>(size * size);
    ++passes;
    ++ply;
  }

 private:
  // Makes two chains one, under the head of the longer.
  void join(std::size_t a, std::size_t b) {
    if (length[a] < length[b]) std::swap(a, b);
    std::size_t s = b;
    do {
      head[s] = static_cast<Point>(a);
      s = next[s];
    } while (s != b);
    std::swap(next[a], next[b]);
    length[a] = static_cast<Count>(length[a] + length[b]);
    number[a] = static_cast<Count>(number[a] + number[b]);
  }
  // Takes a chain off the board; returns its length.
  int remove(const Geometry& g, std::size_t chain) {
    const Stone colour = static_cast<Stone>(stone[chain]);
    std::size_t s = chain;
    do {
      const int cell = g.cell[s];
      stone[s] = kEmpty;
      key ^= kZobrist.stone[colour - 1U][at(cell)];
      reset(stones[colour - 1], cell);
      set(removed[colour - 1], cell);
      s = next[s];
    } while (s != chain);
    do {
      for (const int d : kAround) {
        const std::size_t q = at(static_cast<int>(s) + d);
        if (stone[q] == kBlack || stone[q] == kWhite) ++number[head[q]];
      }
      s = next[s];
    } while (s != chain);
    captured[colour - 1] = static_cast<std::uint16_t>(captured[colour - 1] + length[chain]);
    return length[chain];
  }
};

}  // namespace az::go
