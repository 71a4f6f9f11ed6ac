// Every number a search can be told, with the value it has by default and where that value comes from.
#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>

namespace az {

// What a number may be, both ends included.
struct Bounds {
  double low;
  double high;
};

inline std::string plain(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", x);
  return text;
}
// std::invalid_argument where `x` is none of the numbers within the bounds.
inline void check_within(const std::string& name, double x, const Bounds& bounds) {
  if (x >= bounds.low && x <= bounds.high) return;  // false of nan, too
  throw std::invalid_argument(name + " must be from " + plain(bounds.low) + " to " + plain(bounds.high) + ", got " +
                              plain(x));
}

// No search is asked for more simulations: a tree of so many nodes fits into no memory.
inline constexpr int kMostSimulations = 1'000'000'000;

enum class SearchKind { kPuct, kGumbel };
enum class Fpu { kReduction, kValue };

struct SearchSettings {
  SearchKind kind = SearchKind::kPuct;
  int simulations = 800;  // new simulations a search; a kept subtree comes on top

  // PUCT (Silver et al. 2018, pseudo-code): Q + P (ln((1 + N + c_base) / c_base) + c_init) sqrt(N) / (1 + n).
  float c_base = 19652.0F;
  float c_init = 1.25F;
  // The Q of a move never tried. kReduction: the node's own Q less fpu_value * sqrt(prior mass tried), and no reduction
  // at a root with noise (Wu 2019, section 3.1 of the KataGo paper's appendix). kValue: fpu_value itself.
  Fpu fpu = Fpu::kReduction;
  float fpu_value = 0.2F;
  // Priors are softmax(logits / policy_temperature): above 1 flatter, as lc0's PolicyTemperature.
  float policy_temperature = 1.0F;
  // Root noise: (1 - epsilon) P + epsilon Dirichlet(alpha); alpha 0 means 10 / legal moves.
  float noise_epsilon = 0.25F;
  float noise_alpha = 0.0F;
  // A leaf that waits for its evaluation counts as this many lost visits a visit.
  float virtual_loss = 1.0F;
  bool reuse_tree = true;  // PUCT keeps the played move's subtree; Gumbel never does: its schedule counts root visits

  // Games that know their winning moves (chess: a mate in one): a leaf where the side to move has one is exact and
  // needs no evaluation, and one at the root is played.
  bool find_wins = true;

  // Gumbel (Danihelka et al. 2022): sigma(q) = (c_visit + max N) c_scale q, with q mapped to [0, 1] or, with rescale_q,
  // stretched so that the node's least q is 0 and its greatest 1 (mctx's default, with c_scale 0.1).
  int considered = 16;
  float c_visit = 50.0F;
  float c_scale = 1.0F;
  bool rescale_q = false;
  float gumbel_scale = 1.0F;  // scales the root's Gumbel noise; 0 for play at full strength

  // visit(name, number, bounds) for every number among them. Within the bounds, which floats hold exactly, no sum of a
  // search overflows.
  template <class Settings, class Visit>
  static void each_number(Settings& s, Visit&& visit) {
    visit("simulations", s.simulations, Bounds{1, kMostSimulations});
    visit("c_base", s.c_base, Bounds{1, 1e9});
    visit("c_init", s.c_init, Bounds{0, 1000});
    visit("fpu_value", s.fpu_value, Bounds{-10, 10});
    visit("noise_epsilon", s.noise_epsilon, Bounds{0, 1});
    visit("noise_alpha", s.noise_alpha, Bounds{0, 1000});
    visit("virtual_loss", s.virtual_loss, Bounds{0, 1000});
    visit("policy_temperature", s.policy_temperature, Bounds{0.0625, 100});
    visit("considered", s.considered, Bounds{1, 65536});
    visit("c_visit", s.c_visit, Bounds{0, 1e6});
    visit("c_scale", s.c_scale, Bounds{0, 1e4});
    visit("gumbel_scale", s.gumbel_scale, Bounds{0, 1000});
  }
  void check() const {
    each_number(*this, [](const char* name, auto number, const Bounds& bounds) {
      check_within(std::string("search: ") + name, static_cast<double>(number), bounds);
    });
  }
};

}  // namespace az
