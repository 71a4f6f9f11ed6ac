// Shared by the programs that drive the core: the columns of a training batch, and what must hold of what is drawn.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cpp/sampler/sampler.h"
#include "games/game.h"

namespace az::testing {

template <Game G>
class Drawn {
 public:
  Drawn(const Shape& shape, std::size_t rows)
      : shape_(shape),
        planes_(rows * static_cast<std::size_t>(shape.planes() * shape.cells())),
        scalars_(rows * static_cast<std::size_t>(shape.scalar_planes)),
        bits_(rows * static_cast<std::size_t>(shape.bit_planes * shape.words())),
        moves_(rows * static_cast<std::size_t>(Sampler<G>::listed(shape))),
        replies_(moves_.size()),
        policy_(moves_.size()),
        reply_(moves_.size()),
        owner_(rows * static_cast<std::size_t>(shape.cells())),
        wdl_(3 * rows),
        weight_(rows),
        score_(rows),
        left_(rows),
        ended_(rows),
        reply_weight_(rows) {}

  // Where the sampler writes: planes as floats, or packed with the scalars apart.
  TrainingBatch columns(bool packed) {
    return {.planes = packed ? nullptr : planes_.data(),
            .bits = packed ? bits_.data() : nullptr,
            .scalars = packed ? scalars_.data() : nullptr,
            .policy_index = moves_.data(),
            .policy = policy_.data(),
            .policy_weight = weight_.data(),
            .wdl = wdl_.data(),
            .ownership = owner_.data(),
            .score = score_.data(),
            .plies_left = left_.data(),
            .ended = ended_.data(),
            .reply_index = replies_.data(),
            .reply = reply_.data(),
            .reply_weight = reply_weight_.data()};
  }

  // What is wrong with the targets; empty: nothing.
  [[nodiscard]] std::string fault() const {
    for (const std::vector<float>* values : {&policy_, &reply_, &wdl_, &score_, &left_})
      for (const float value : *values)
        if (!std::isfinite(value)) return "a target that is no number";
    for (const std::vector<std::int32_t>* indices : {&moves_, &replies_})
      for (const std::int32_t index : *indices)
        if (index < 0 || index >= shape_.policy_size) return "a target beyond the policy";
    return {};
  }

 private:
  Shape shape_;
  std::vector<float> planes_, scalars_;
  std::vector<std::uint64_t> bits_;
  std::vector<std::int32_t> moves_, replies_;
  std::vector<float> policy_, reply_, owner_, wdl_, weight_, score_, left_, ended_, reply_weight_;
};

}  // namespace az::testing
