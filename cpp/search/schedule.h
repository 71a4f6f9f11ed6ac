// Sequential halving as a schedule of visit counts (Danihelka et al. 2022, algorithm 2).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

namespace az {

// Entry t is the visit count a root move must have to be chosen at simulation t, when the `considered` best moves share
// `simulations`. With L = ceil(log2 considered): k moves get max(1, floor(n / (L k))) visits each, then the better half
// goes on, down to two. A dropped move never has the asked count again, so nothing else is needed to drop it.
// At most `longest` entries are made: a search that a clock will stop is given simulations without end.
inline constexpr int kLongestSchedule = 1 << 22;
inline std::vector<int> considered_visits(int considered, int simulations, int longest = kLongestSchedule) {
  std::vector<int> sequence;
  const auto wanted = static_cast<std::size_t>(std::max(0, std::min(simulations, longest)));
  if (considered <= 1) {
    for (int t = 0; t < static_cast<int>(wanted); ++t) sequence.push_back(t);
    return sequence;
  }
  const int rounds = std::bit_width(static_cast<unsigned>(considered - 1));
  std::vector<int> visits(static_cast<std::size_t>(considered), 0);
  int k = considered;
  while (sequence.size() < wanted) {
    const int extra = std::max(1, simulations / (rounds * k));
    for (int e = 0; e < extra && sequence.size() < wanted; ++e) {
      sequence.insert(sequence.end(), visits.begin(), visits.begin() + k);
      for (int i = 0; i < k; ++i) ++visits[static_cast<std::size_t>(i)];
    }
    k = std::max(2, k / 2);
  }
  sequence.resize(wanted);
  return sequence;
}

}  // namespace az
