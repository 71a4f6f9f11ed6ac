// What is told of a leaf beside its answer.
#pragma once

#include <vector>

namespace az {

// Where a leaf lies: behind which root move, in legal order (-1: it is the root itself), how many plies below it, and
// whether the side that is to move at the root is to move there.
struct LeafOrigin {
  int move = -1;
  int plies = 0;
  bool own = true;
};

// Leaves whose answers were kept from before, and what was kept beside logits and value: as many numbers of each.
struct KnownLeaves {
  std::vector<LeafOrigin> origins;
  std::vector<float> beside;
};

}  // namespace az
