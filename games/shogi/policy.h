// AlphaZero's move encoding for shogi: a plane for every way a piece can go, with and without promotion, one for every
// piece that can be dropped, and a cell for where the move starts (a drop: where it lands). On 9x9: (64 + 2) x 2 + 7 =
// 139 planes of 81 cells = 11,259 (Silver et al. 2018, table S2).
#pragma once

#include <array>
#include <cstdlib>

#include "games/shogi/board.h"

namespace az::shogi {

template <int Size>
struct Policy {
  using G = Geometry<Size>;
  static constexpr int kCells = Size * Size;
  static constexpr int kKnightPlanes = Size == 9 ? 2 : 0;
  static constexpr int kSteps = 8 * (Size - 1) + kKnightPlanes;  // planes of moves without promotion
  // The pieces that are dropped, in plane order.
  static constexpr std::array<int, Size == 9 ? 7 : 5> kDropped = [] {
    if constexpr (Size == 9) {
      return std::array<int, 7>{kPawn, kLance, kKnight, kSilver, kBishop, kRook, kGold};
    } else {
      return std::array<int, 5>{kPawn, kSilver, kBishop, kRook, kGold};
    }
  }();
  static constexpr int kPlanes = 2 * kSteps + static_cast<int>(kDropped.size());
  static constexpr int kSize = kPlanes * kCells;

  // A square as a cell of the view of `who`: row 0 is its far rank; the board is turned by 180 degrees for Gote.
  static constexpr int cell(int who, int square) {
    const int c = G::rank_of(square) * Size + Size - 1 - G::file_of(square);
    return who == kSente ? c : kCells - 1 - c;
  }

  static int index(int who, Move move) {
    const int to = cell(who, to_of(move));
    if (is_drop(move)) {
      int plane = 2 * kSteps;
      while (kDropped[at(plane - 2 * kSteps)] != dropped(move)) ++plane;
      return plane * kCells + to;
    }
    const int from = cell(who, from_of(move));
    const int right = to % Size - from % Size;
    const int ahead = from / Size - to / Size;
    int plane = 0;
    if (Size == 9 && ahead == 2 && std::abs(right) == 1) {
      plane = 8 * (Size - 1) + (right > 0 ? 1 : 0);
    } else {
      const int distance = std::max(std::abs(right), std::abs(ahead));
      // Clockwise from straight ahead.
      static constexpr std::array<int, 9> kDirection{5, 4, 3, 6, -1, 2, 7, 0, 1};  // 3 * (ahead + 1) + right + 1
      const auto sign = [](int x) { return (x > 0) - (x < 0); };
      plane = kDirection[at(3 * (sign(ahead) + 1) + sign(right) + 1)] * (Size - 1) + distance - 1;
    }
    return (plane + (is_promotion(move) ? kSteps : 0)) * kCells + from;
  }

  // The index after the board's mirror image.
  static int mirrored(int index) {
    const int plane = index / kCells;
    const int c = index % kCells;
    const int column = Size - 1 - c % Size;
    int image = plane;
    if (plane < 2 * kSteps) {
      const int step = plane % kSteps;
      const int turned = step < 8 * (Size - 1) ? (8 - step / (Size - 1)) % 8 * (Size - 1) + step % (Size - 1)
                                               : 8 * (Size - 1) + 1 - (step - 8 * (Size - 1));
      image = plane - step + turned;
    }
    return image * kCells + c - c % Size + column;
  }
};

}  // namespace az::shogi
