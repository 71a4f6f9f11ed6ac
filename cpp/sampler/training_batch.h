// A training batch: where its arrays are, and how it is drawn.
#pragma once

#include <cstdint>

namespace az {

// Where a training batch of n positions is written; all for the side to move, boards turned by the row's symmetry.
struct TrainingBatch {
  float* planes;        // [n][planes][height][width]; nullptr: bits and scalars instead
  std::uint64_t* bits;  // [n][bit_planes][words], as Encoder::pack() writes them; nullptr: planes instead
  float* scalars;       // [n][scalar_planes], with bits
  // A policy is a list: the moves' indices, and their shares, which sum to 1. What a row does not use is 0, all of it
  // where policy_weight is 0.
  std::int32_t* policy_index;  // [n][Sampler::listed()]
  float* policy;               // [n][Sampler::listed()]
  float* policy_weight;        // [n] 1: the policy is a target; 0: it is not
  float* wdl;                  // [n][3] win, draw, loss
  float* ownership;   // [n][height][width] +1 own area at the end, -1 the opponent's, 0 nobody's; nullptr: not wanted
  float* score;       // [n] final margin in points, 0 where the game has none; nullptr: not wanted
  float* plies_left;  // [n] to the end of the game; nullptr: not wanted
  float* ended;  // [n] 1: the game came to its end; 0: it was resigned or cut off, and ownership, score and plies_left
                 // say nothing; nullptr: not wanted
  std::int32_t* reply_index;  // [n][Sampler::listed()] the opponent's policy after the move played, by the indices that
                              // the moves would have for the side to move; nullptr: not wanted
  float* reply;               // [n][Sampler::listed()]
  float* reply_weight;        // [n] as policy_weight
};

struct SampleSettings {
  bool symmetry = true;      // turn each position by a random symmetry
  float value_blend = 0.0F;  // share of the search's values in the wdl target; the rest is the game's result
  float surprise = 0.0F;     // share of the draws that go by how much the search's policy differed from the network's
  int threads = 1;           // that fill the rows; the batch is the same for any number
};

}  // namespace az
