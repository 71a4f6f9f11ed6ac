// Everything that a search can be told: its default, its bounds, what it does, and where the default comes from.
#pragma once

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <type_traits>

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
// The names of what a setting may be one of, by its number.
constexpr std::array<const char*, 2> names_of(SearchKind) { return {"puct", "gumbel"}; }
constexpr std::array<const char*, 2> names_of(Fpu) { return {"reduction", "value"}; }

// One row of the table of settings. Reading, checking, the configuration, the options of engines and the commands'
// --set follow from the table: nothing else lists settings.
struct SettingRow {
  const char* name;
  Bounds bounds;       // of a number
  const char* option;  // an engine's that sets it, in UCI and USI; "": none
  bool noise;          // it acts on searches with noise alone, which self-play asks for
  const char* reason;  // what it does, and why its default is what it is
};

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
  // Root noise: (1 - epsilon) P + epsilon Dirichlet(alpha); alpha 0 means 10 / legal moves.
  float noise_epsilon = 0.25F;
  float noise_alpha = 0.0F;

  // Gumbel (Danihelka et al. 2022): sigma(q) = (c_visit + max N) c_scale q, with q mapped to [0, 1] or, with rescale_q,
  // stretched so that the node's least q is 0 and its greatest 1 (mctx's default, with c_scale 0.1).
  int considered = 16;
  float c_visit = 50.0F;
  float c_scale = 1.0F;
  bool rescale_q = false;
  float gumbel_scale = 1.0F;

  float lcb = 0.0F;  // standard deviations below its mean that a move is judged at when the best one is chosen; PUCT
  bool find_wins = true;
  float policy_temperature = 1.0F;  // priors are softmax(logits / policy_temperature)
  float virtual_loss = 0.1F;
  bool reuse_tree = true;  // Gumbel never does: its schedule counts root visits

  // The table: visit(row, setting) for each of them. Within the bounds, which floats hold exactly, no sum of a search
  // overflows.
  template <class Settings, class Visit>
  static void each(Settings& s, Visit&& visit) {
    const auto row = [&visit](auto& setting, const char* name, Bounds bounds, const char* option, const char* reason,
                              bool noise = false) { visit(SettingRow{name, bounds, option, noise, reason}, setting); };
    const Bounds none{0, 0};
    row(s.kind, "kind", none, "Search",
        "The search algorithm. PUCT is AlphaZero's own; Gumbel AlphaZero (Danihelka et al. 2022) learns from few "
        "simulations.");
    row(s.simulations, "simulations", {1, kMostSimulations}, "",
        "Simulations a move. 800 is the number that AlphaZero's self-play used.");
    row(s.c_base, "c_base", {1, 1e9}, "CPuctBase",
        "How slowly PUCT's exploration grows with visits. The value is that of AlphaZero's pseudo-code.");
    row(s.c_init, "c_init", {0, 1000}, "CPuct",
        "PUCT's exploration constant at few visits. The value is that of AlphaZero's pseudo-code.");
    row(s.fpu, "fpu", none, "FpuStrategy",
        "The value of a move without visits (first play urgency). reduction: the parent's value less `fpu_value` times "
        "the root of the prior mass tried so far, as in KataGo; value: `fpu_value` itself.");
    row(s.fpu_value, "fpu_value", {-10, 10}, "FpuReduction",
        "How much lower than its parent a move without visits is valued; with `fpu: value`, that value itself. 0.2 is "
        "KataGo's reduction.");
    row(s.noise_epsilon, "noise_epsilon", {0, 1}, "",
        "Share of Dirichlet noise in the root's priors during self-play, PUCT only. The value is AlphaZero's.", true);
    row(s.noise_alpha, "noise_alpha", {0, 1000}, "",
        "Concentration of the root's Dirichlet noise, PUCT only. 0 means 10 divided by the number of legal moves, which "
        "is AlphaZero's rule over its games.",
        true);
    row(s.considered, "considered", {1, 65536}, "GumbelConsidered",
        "Root moves that Gumbel search samples and compares (the paper's m). 16 is the paper's value.");
    row(s.c_visit, "c_visit", {0, 1e6}, "GumbelCVisit",
        "Gumbel search: added to the largest visit count before values are scaled against priors. 50 is the paper's "
        "value.");
    row(s.c_scale, "c_scale", {0, 1e4}, "GumbelCScale",
        "Gumbel search: how much values count against priors. 1 is the paper's value for board games, with values "
        "mapped to [0, 1]; a greater one makes sharper policy targets.");
    row(s.rescale_q, "rescale_q", none, "",
        "Gumbel search: stretch the values of a node's moves to [0, 1]. This is off because tiny differences, as in "
        "drawn positions, would become noise in the policy target.");
    row(s.gumbel_scale, "gumbel_scale", {0, 1000}, "",
        "Gumbel search: scales the root's random Gumbel numbers in self-play. 1 is the paper's value; 0 makes self-play "
        "choose without chance.",
        true);
    row(s.lcb, "lcb", {0, 100}, "LcbDeviations",
        "PUCT plays the move with the greatest lower confidence bound, so many standard deviations below its mean, among "
        "those with a tenth of the most visits. 0 plays the most visited move, as AlphaZero does.");
    row(s.find_wins, "find_wins", none, "",
        "A leaf where the side to move wins at once (chess: mate in one) gets the exact value. It then needs no "
        "evaluation.");
    row(s.policy_temperature, "policy_temperature", {0.0625, 100}, "PolicyTemperature",
        "PUCT players divide the network's logits by this before they become priors (lc0's PolicyTemperature). "
        "Self-play does not use it; above 1 the priors are flatter.");
    row(s.virtual_loss, "virtual_loss", {0, 1000}, "VirtualLoss",
        "Visits that count as lost for each simulation under way, so that simultaneous ones take different paths. One "
        "each is usual, and costs a search of 400 nodes with two threads 60 to 190 Elo; with 0.1 it chooses as one leaf "
        "at a time does (docs/performance.md).");
    row(s.reuse_tree, "reuse_tree", none, "",
        "PUCT keeps the played move's part of the tree for the next search. Gumbel search never does, because its "
        "schedule counts root visits.");
  }
  void check() const {
    each(*this, []<class T>(const SettingRow& row, const T& setting) {
      if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
        check_within(std::string("search: ") + row.name, static_cast<double>(setting), row.bounds);
    });
  }
};

}  // namespace az
