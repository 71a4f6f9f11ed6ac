// OpenSpiel measured from C++, as a library that `alphazero bench --peer open_spiel` compiles and loads: random play,
// and its MCTSBot with equal priors and value 0. It is linked to pyspiel, which has OpenSpiel's own functions.
#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "open_spiel/algorithms/mcts.h"
#include "open_spiel/spiel.h"

namespace {

class Null : public open_spiel::algorithms::Evaluator {
 public:
  std::vector<double> Evaluate(const open_spiel::State& /*state*/) override { return {0.0, 0.0}; }
  open_spiel::ActionsAndProbs Prior(const open_spiel::State& state) override {
    const std::vector<open_spiel::Action> actions = state.LegalActions();
    open_spiel::ActionsAndProbs prior;
    prior.reserve(actions.size());
    for (const open_spiel::Action action : actions)
      prior.emplace_back(action, 1.0 / static_cast<double>(actions.size()));
    return prior;
  }
};

// Asks for the legal moves of whatever it evaluates, as a policy network has to (OpenSpiel's VPNetEvaluator does it,
// and again for the prior). With Null, MCTSBot never asks for those of a node that is visited once.
class Asking : public Null {
 public:
  std::vector<double> Evaluate(const open_spiel::State& state) override {
    asked_ += state.LegalActions().size();
    return {0.0, 0.0};
  }

 private:
  std::size_t asked_ = 0;
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

extern "C" double plies_rate(const char* name, double seconds) {
  const auto game = open_spiel::LoadGame(name);
  std::mt19937 random(0);
  const double begin = now();
  double used = 0.0;
  std::uint64_t plies = 0;
  while (plies == 0 || (used = now() - begin) < seconds) {
    const auto state = game->NewInitialState();
    while (!state->IsTerminal()) {
      const std::vector<open_spiel::Action> actions = state->LegalActions();
      state->ApplyAction(actions[random() % actions.size()]);
      ++plies;
    }
  }
  return static_cast<double>(plies) / used;
}

extern "C" double search_rate(const char* name, int simulations, double seconds, bool asking) {
  const auto game = open_spiel::LoadGame(name);
  const auto state = game->NewInitialState();
  const std::shared_ptr<Null> evaluator = asking ? std::make_shared<Asking>() : std::make_shared<Null>();
  const double begin = now();
  double used = 0.0;
  std::uint64_t done = 0;
  while (done == 0 || (used = now() - begin) < seconds) {
    open_spiel::algorithms::MCTSBot bot(*game, evaluator, 1.25, simulations, 1000, false, 0, false,
                                        open_spiel::algorithms::ChildSelectionPolicy::PUCT);
    bot.MCTSearch(*state);
    done += static_cast<std::uint64_t>(simulations);
  }
  return static_cast<double>(done) / used;
}
