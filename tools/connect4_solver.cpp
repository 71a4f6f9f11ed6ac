// Connect Four solved by alpha-beta: win, draw or loss for the side to move. A test oracle; tools/connect4_solver.py
// loads it.
//
// A board is two words of 7 bits a column (6 rows and an empty one on top): the stones of the side to move, and all
// stones. Known ideas, in order of what they save: never leave a winning reply, answer a threat at once, look at moves
// that make most threats first, the middle first among equals, and remember bounds in a table (mirrored boards share an
// entry).
#include <bit>
#include <cstdint>
#include <vector>

namespace {

using Bits = std::uint64_t;
constexpr Bits kBottom = 0x0040810204081ULL;  // row 0 of every column
constexpr Bits kBoard = kBottom * 63;

// Empty cells that would complete four of `own`.
Bits winning_cells(Bits own, Bits all) {
  Bits cells = (own << 1) & (own << 2) & (own << 3);
  for (const int d : {6, 7, 8}) {
    Bits pair = (own << d) & (own << 2 * d);
    cells |= pair & ((own << 3 * d) | (own >> d));
    pair = (own >> d) & (own >> 2 * d);
    cells |= pair & ((own << d) | (own >> 3 * d));
  }
  return cells & (kBoard ^ all);
}

Bits mirrored(Bits b) {
  Bits out = 0;
  for (int c = 0; c < 7; ++c) out |= (b >> (7 * c) & 0x7f) << (7 * (6 - c));
  return out;
}

class Solver {
 public:
  Solver() : table_(std::size_t{1} << 25, 0) {}

  int solve(Bits own, Bits all) {
    if (winning_cells(own, all) & (all + kBottom)) return 1;
    if (std::popcount(all) == 42) return 0;
    return search(own, all, -1, 1);
  }
  std::uint64_t nodes = 0;

 private:
  // The side to move cannot win at once. Returns the value where alpha < value < beta, else a bound beyond the window.
  int search(Bits own, Bits all, int alpha, int beta) {
    ++nodes;
    const Bits other = own ^ all;
    const Bits threats = winning_cells(other, all);
    Bits moves = (all + kBottom) & kBoard;
    if (moves == 0) return 0;
    if (const Bits forced = moves & threats) {
      if (forced & (forced - 1)) return -1;  // two threats at once
      moves = forced;
    }
    moves &= ~(threats >> 1);  // not under a cell that wins for the other
    if (moves == 0) return -1;
    const int ply = std::popcount(all);
    if (ply >= 40) return 0;

    Bits key = own + all + kBottom;
    if (ply < 24) {
      const Bits turned = mirrored(own) + mirrored(all) + kBottom;
      key = key < turned ? key : turned;
    }
    Bits& entry = table_[(key * 0x9e3779b97f4a7c15ULL) >> 39];
    if ((entry >> 4) == key) {
      const int low = static_cast<int>(entry >> 2 & 3) - 1;
      const int high = static_cast<int>(entry & 3) - 1;
      if (low >= beta || low == high) return low;
      if (high <= alpha) return high;
      alpha = alpha > low ? alpha : low;
      beta = beta < high ? beta : high;
    }

    int count = 0;
    Bits order[7];
    int rank[7];
    for (const int c : {3, 2, 4, 1, 5, 0, 6}) {
      const Bits move = moves & (Bits{63} << (7 * c));
      if (move == 0) continue;
      const int made = std::popcount(winning_cells(own | move, all | move));
      int i = count++;
      for (; i > 0 && rank[i - 1] < made; --i) {
        order[i] = order[i - 1];
        rank[i] = rank[i - 1];
      }
      order[i] = move;
      rank[i] = made;
    }
    const int floor = alpha;
    int best = -1;
    for (int i = 0; i < count; ++i) {
      const int value = -search(other, all | order[i], -beta, -(alpha > best ? alpha : best));
      if (value > best) best = value;
      if (best >= beta) break;
    }
    const int low = best > floor ? best : -1;
    const int high = best < beta ? best : 1;
    entry = key << 4 | static_cast<Bits>(low + 1) << 2 | static_cast<Bits>(high + 1);
    return best;
  }

  std::vector<Bits> table_;  // key << 4 | (lower bound + 1) << 2 | (upper bound + 1)
};

}  // namespace

// `moves`: columns "a".."g". Returns the value for the side to move: -1, 0, 1; 2 for an illegal move, 3 after the end.
extern "C" int connect4_solve(const char* moves, std::uint64_t* nodes) {
  static Solver solver;
  Bits own = 0;
  Bits all = 0;
  for (; *moves != '\0'; ++moves) {
    const int c = *moves - 'a';
    if (c < 0 || c > 6) return 2;
    const Bits move = (all + kBottom) & (Bits{63} << (7 * c));
    if (move == 0) return 2;
    if (winning_cells(own, all) & move) return moves[1] == '\0' ? 3 : 2;
    own ^= all;  // the other side's stones
    all |= move;
  }
  const std::uint64_t before = solver.nodes;
  const int value = solver.solve(own, all);
  if (nodes != nullptr) *nodes = solver.nodes - before;
  return value;
}
