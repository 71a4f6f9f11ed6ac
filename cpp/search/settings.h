// Every number a search can be told, with the value it has by default and where that value comes from.
#pragma once

#include <stdexcept>
#include <string>

namespace az {

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

  void check() const {
    const auto need = [](bool ok, const char* what) {
      if (!ok) throw std::invalid_argument(std::string("search: ") + what);
    };
    need(simulations >= 1, "simulations must be >= 1");
    need(c_base > 0 && c_init >= 0, "c_base must be > 0 and c_init >= 0");
    need(policy_temperature > 0, "policy_temperature must be > 0");
    need(noise_epsilon >= 0 && noise_epsilon <= 1, "noise_epsilon must be in 0..1");
    need(noise_alpha >= 0, "noise_alpha must be >= 0");
    need(virtual_loss >= 0, "virtual_loss must be >= 0");
    need(considered >= 1, "considered must be >= 1");
    need(c_visit >= 0 && c_scale >= 0, "c_visit and c_scale must be >= 0");
    need(gumbel_scale >= 0, "gumbel_scale must be >= 0");
  }
};

}  // namespace az
