// A batch of leaves on its way to one evaluator and back.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "games/game.h"

namespace az {

struct Batch {
  // Packed: bit planes and scalars instead of float planes, for a device that expands them.
  Batch(int evaluator_index, int rows, const Shape& shape, int most_moves, bool packed)
      : evaluator(evaluator_index), capacity(rows), max_moves(most_moves), policy_size(shape.policy_size) {
    const auto n = static_cast<std::size_t>(rows);
    if (packed) {
      bits.resize(n * static_cast<std::size_t>(shape.bit_planes * shape.words()));
      scalars.resize(n * static_cast<std::size_t>(shape.scalar_planes));
    } else {
      planes.resize(n * static_cast<std::size_t>(shape.planes() * shape.cells()));
    }
    keys.resize(n);
    legal.resize(n * static_cast<std::size_t>(most_moves));
    legal_count.resize(n);
    tickets.resize(n);
    slots.resize(n);
  }

  int evaluator;  // which of the pool's evaluators it is for
  int capacity;
  int max_moves;
  int policy_size;
  std::atomic<std::uint64_t> serial = 0;  // names its way to the evaluator; 0: it is not on its way
  std::atomic<int> reserved = 0;          // rows given to leaves; those past the capacity were refused
  std::atomic<int> written = 0;           // rows whose leaf is complete
  std::atomic<int> unread = 0;            // answered rows that workers have not read yet

  std::vector<float> planes;              // [capacity][planes][height][width]
  std::vector<std::uint64_t> bits;        // [capacity][bit_planes][words]
  std::vector<float> scalars;             // [capacity][scalar_planes]
  std::vector<Key> keys;                  // [capacity] names of the leaves in the evaluation cache
  std::uint32_t generation = 0;           // of the weights that answer, as the cache counts them
  std::vector<std::int32_t> legal;        // [capacity][max_moves] policy indices, as the planes are turned
  std::vector<std::int32_t> legal_count;  // [capacity]
  std::vector<std::int32_t> tickets;      // [capacity] of the search that asks
  std::vector<std::int32_t> slots;        // [capacity] of the game that asks

  // The answer, owned by the caller until the batch comes back: wdl [size][3], logits [size][logits_width] by policy
  // index or, where `gathered`, of the legal moves alone, in their order.
  const float* logits = nullptr;
  const float* wdl = nullptr;
  int logits_width = 0;
  bool gathered = false;
};

}  // namespace az
