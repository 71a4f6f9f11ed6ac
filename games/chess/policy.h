// AlphaZero's move encoding: a plane for every way a piece can go, a cell for where it starts (Silver et al. 2018,
// table S2). On 8x8: 56 queen-like planes (8 directions x 7 distances), 8 knight's, 9 underpromotions: 73 x 64 = 4672.
#pragma once

#include <array>
#include <cstdlib>

#include "games/chess/bitboard.h"

namespace az::chess {

template <int Size>
struct Policy {
  static constexpr int kCells = Size * Size;
  static constexpr int kKnightPlanes = 8 * (Size - 1);  // the first of them
  static constexpr int kUnderpromotions = kKnightPlanes + 8;
  static constexpr int kPlanes = kUnderpromotions + 9;
  static constexpr int kSize = kPlanes * kCells;

  // Steps in files and ranks, seen by the side to move (up the board is forward); clockwise from straight ahead.
  static constexpr std::array<std::array<int, 2>, 8> kDirections{
      {{0, 1}, {1, 1}, {1, 0}, {1, -1}, {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}}};
  static constexpr std::array<std::array<int, 2>, 8> kLeaps{
      {{1, 2}, {2, 1}, {2, -1}, {1, -2}, {-1, -2}, {-2, -1}, {-2, 1}, {-1, 2}}};

  // `what`: a promotion to knight 1, bishop 2, rook 3; anything else (queen included) is an ordinary step.
  static int index(int turn, int from, int to, int what) {
    const int df = file_of(to) - file_of(from);
    const int dr = (rank_of(to) - rank_of(from)) * (turn == kWhite ? 1 : -1);
    const int row = turn == kWhite ? Size - 1 - rank_of(from) : rank_of(from);
    const int plane =
        what >= 1 && what <= 3 ? kUnderpromotions + 3 * (what - 1) + df + 1 : kPlaneOf[at((dr + 7) * 15 + df + 7)];
    return plane * kCells + row * Size + file_of(from);
  }

  // The index after the board's mirror image.
  static int mirrored(int index) {
    const int plane = index / kCells;
    const int cell = index % kCells;
    const int column = Size - 1 - cell % Size;
    int image = 0;
    if (plane < kKnightPlanes) {
      image = (8 - plane / (Size - 1)) % 8 * (Size - 1) + plane % (Size - 1);
    } else if (plane < kUnderpromotions) {
      image = kKnightPlanes + 7 - (plane - kKnightPlanes);
    } else {
      const int kind = plane - kUnderpromotions;
      image = kUnderpromotions + kind / 3 * 3 + 2 - kind % 3;
    }
    return image * kCells + cell - cell % Size + column;
  }

 private:
  static constexpr std::array<std::uint8_t, 225> make_planes() {
    std::array<std::uint8_t, 225> planes{};
    const auto set = [&](int df, int dr, int plane) {
      planes[at((dr + 7) * 15 + df + 7)] = static_cast<std::uint8_t>(plane);
    };
    for (int d = 0; d < 8; ++d) {
      for (int n = 1; n < Size; ++n) set(n * kDirections[at(d)][0], n * kDirections[at(d)][1], d * (Size - 1) + n - 1);
      set(kLeaps[at(d)][0], kLeaps[at(d)][1], kKnightPlanes + d);
    }
    return planes;
  }
  static constexpr std::array<std::uint8_t, 225> kPlaneOf = make_planes();
};

}  // namespace az::chess
