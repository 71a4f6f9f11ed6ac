// A batch of leaves on its way to one evaluator and back.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "cpp/selfplay/settings.h"
#include "games/game.h"

namespace az {

// What an evaluator says of a batch's n rows. The memory is the caller's, and stays valid until the batch comes back.
struct Answer {
  const float* logits = nullptr;  // [n][width] by policy index or, where `gathered`, of the legal moves, in their order
  int width = 0;
  bool gathered = false;
  const float* wdl = nullptr;  // [n][3] win, draw and loss for the side to move
};

struct Batch {
  Batch(int evaluator_index, int rows, const Shape& shape, int most_moves, Layout layout)
      : evaluator(evaluator_index), capacity(rows), max_moves(most_moves), policy_size(shape.policy_size) {
    const auto n = static_cast<std::size_t>(rows);
    const std::size_t numbers = n * static_cast<std::size_t>(shape.planes() * shape.cells());
    switch (layout) {
      case Layout::kFloat32:
        planes.resize(numbers);
        break;
      case Layout::kBfloat16:
        halves.resize(numbers);
        break;
      case Layout::kPacked:
        bits.resize(n * static_cast<std::size_t>(shape.bit_planes * shape.words()));
        scalars.resize(n * static_cast<std::size_t>(shape.numbers()));
        break;
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

  // By its layout, the memory of one of these three.
  std::vector<float> planes;              // [capacity][planes][height][width]
  std::vector<std::uint16_t> halves;      // likewise, as bfloat16
  std::vector<std::uint64_t> bits;        // [capacity][bit_planes][words]
  std::vector<float> scalars;             // [capacity][numbers]
  std::vector<Key> keys;                  // [capacity] names of the leaves in the evaluation cache
  std::uint32_t generation = 0;           // of the weights that answer, as the cache counts them
  std::vector<std::int32_t> legal;        // [capacity][max_moves] policy indices, as the planes are turned
  std::vector<std::int32_t> legal_count;  // [capacity]
  std::vector<std::int32_t> tickets;      // [capacity] of the search that asks
  std::vector<std::int32_t> slots;        // [capacity] of the game that asks

  Answer answer;
};

// std::invalid_argument where that is no answer. Nothing that is not a number gets into a tree: there it would beat, or
// lose to, every other for good.
inline void check_answer(const Batch& batch, const Answer& answer) {
  const auto refuse = [&batch](const char* what) {
    throw std::invalid_argument("evaluator " + std::to_string(batch.evaluator) + " answered with " + what +
                                ": its network is damaged, or its numbers overflow");
  };
  const auto rows = static_cast<std::size_t>(batch.written.load());
  for (std::size_t row = 0; row < rows; ++row) {
    const float* const shares = answer.wdl + row * 3;
    const float sum = shares[0] + shares[1] + shares[2];
    const float least = std::min({shares[0], shares[1], shares[2]});
    if (!std::isfinite(sum)) refuse("a value that is not a number");
    if (least < -0.01F || std::abs(sum - 1.0F) > 0.05F) refuse("win, draw and loss that are no probabilities");
    const float* const own = answer.logits + row * static_cast<std::size_t>(answer.width);
    const std::int32_t* const legal = batch.legal.data() + row * static_cast<std::size_t>(batch.max_moves);
    const auto count = static_cast<std::size_t>(batch.legal_count[row]);
    float zeros = 0.0F;  // nan as soon as one is nan or infinite
    for (std::size_t i = 0; i < count; ++i) zeros += 0.0F * (answer.gathered ? own[i] : own[legal[i]]);
    if (zeros != 0.0F) refuse("logits that are not numbers");
  }
}

}  // namespace az
