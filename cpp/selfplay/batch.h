// A batch of leaves on its way to one evaluator and back.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "games/game.h"

namespace az {

struct Batch {
  Batch(int evaluator_index, int rows, const Shape& shape, int most_moves)
      : evaluator(evaluator_index), capacity(rows), max_moves(most_moves), policy_size(shape.policy_size) {
    const auto n = static_cast<std::size_t>(rows);
    planes.resize(n * static_cast<std::size_t>(shape.planes() * shape.cells()));
    legal.resize(n * static_cast<std::size_t>(most_moves));
    legal_count.resize(n);
    tickets.resize(n);
    slots.resize(n);
  }

  int evaluator;  // which of the pool's evaluators it is for
  int capacity;
  int max_moves;
  int policy_size;
  int reserved = 0;             // rows given to leaves
  int written = 0;              // rows whose leaf is complete
  std::atomic<int> unread = 0;  // answered rows that workers have not read yet

  std::vector<float> planes;              // [capacity][planes][height][width]
  std::vector<std::int32_t> legal;        // [capacity][max_moves] policy indices, as the planes are turned
  std::vector<std::int32_t> legal_count;  // [capacity]
  std::vector<std::int32_t> tickets;      // [capacity] of the search that asks
  std::vector<std::int32_t> slots;        // [capacity] of the game that asks

  // The answer, owned by the caller until the batch comes back: logits [size][policy_size], wdl [size][3].
  const float* logits = nullptr;
  const float* wdl = nullptr;
};

}  // namespace az
