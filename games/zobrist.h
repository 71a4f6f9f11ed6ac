// The random numbers that name a piece on a cell: a position's key is the XOR of the numbers of what stands where.
#pragma once

#include "games/game.h"

namespace az {

// splitmix64 (Steele, Lea, Flood 2014), at compile time: the same keys in every build.
class ZobristNumbers {
 public:
  constexpr explicit ZobristNumbers(Key seed) : state_(seed) {}
  constexpr Key next() {
    Key x = (state_ += 0x9e3779b97f4a7c15ULL);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

 private:
  Key state_;
};

}  // namespace az
