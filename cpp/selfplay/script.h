// What is played: which game comes next, how it begins, who searches its moves, and which games may be resigned.
//
// Self-play is one player against itself, both sides from one tree; a match is a list of pairings between players, each
// with a tree of its own. A game is named by its number: all of its random numbers follow from that and the seed.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cpp/search/search.h"
#include "cpp/selfplay/record.h"
#include "cpp/selfplay/rollout.h"
#include "cpp/selfplay/settings.h"

namespace az {

// One of the games in flight.
template <Game G>
struct GameInFlight {
  explicit GameInFlight(const typename G::Position& start) : position(start) {}

  [[nodiscard]] const typename G::Position& now() const { return by_side[0]->position(); }
  [[nodiscard]] int turn() const { return now().turn(); }
  [[nodiscard]] Search<G>& search() const { return *by_side[turn()]; }             // of the side to move
  [[nodiscard]] const PlayerSettings& player() const { return *players[turn()]; }  // likewise

  typename G::Position position;               // where the game begins; the trees hold the running one
  std::unique_ptr<Search<G>> trees[2];         // kept from game to game; the second: nullptr in self-play
  Search<G>* by_side[2] = {nullptr, nullptr};  // the tree that a side searches in
  const PlayerSettings* players[2] = {nullptr, nullptr};
  GameRecord record;
  Rng rng{0};
  bool playing = false;
  bool searching = false;
  bool full = true;  // the running search is no fast one
  bool may_resign = true;
};

template <Game G>
class Script {
 public:
  // `games`: how many in all; -1: without end.
  Script(const typename G::Options& options, const PoolSettings& settings, std::vector<PlayerSettings> players,
         std::int64_t games)
      : options_(options),
        settings_(settings),
        players_(std::move(players)),
        games_(games),
        version_(settings.version) {}
  virtual ~Script() = default;
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  [[nodiscard]] std::int64_t games() const { return games_; }
  [[nodiscard]] std::uint64_t version() const { return version_.load(); }
  void set_version(std::uint64_t version) { version_.store(version); }

  // Begins the next game of the list; false when there is none left. Its searches end early where `stop` is set.
  bool begin(GameInFlight<G>& game, const std::atomic<bool>& stop) {
    const std::uint64_t next = begun_.fetch_add(1);
    if (games_ >= 0 && next >= static_cast<std::uint64_t>(games_)) return false;
    game.record = GameRecord{};
    game.record.number = name_of(next);
    game.record.version = version();
    game.rng = Rng(settings_.seed, game.record.number);
    game.position = typename G::Position(options_);
    set_up(next, game);
    game.players[0] = &players_[game.record.first];
    game.players[1] = &players_[game.record.second];
    game.may_resign = game.rng.uniform() >= game.players[0]->resign_keep;
    for (std::size_t side = 0; side < trees(); ++side) {
      const std::uint64_t seed = game.rng();
      auto& tree = game.trees[side];
      if (tree) {
        tree->tree().settings() = game.players[side]->search;
        tree->reset(game.position, seed);
      } else {
        tree = std::make_unique<Search<G>>(game.position, game.players[side]->search, seed);
        tree->stop_when(&stop);
      }
    }
    for (std::size_t side = 0; side < 2; ++side) game.by_side[side] = game.trees[side % trees()].get();
    game.playing = true;
    game.searching = false;
    return true;
  }

  // Simulations of a full search.
  [[nodiscard]] virtual int simulations(const PlayerSettings& player) const { return player.search.simulations; }
  // The root value below which the player resigns; none: never.
  [[nodiscard]] virtual std::optional<float> resign_below(const PlayerSettings& player) const {
    return player.resign_below;
  }
  // From now on, in self-play; a match goes by its players' settings.
  virtual void set_simulations(int /*simulations*/) {}
  virtual void set_resign_below(std::optional<float> /*value*/) {}

 protected:
  // The name of the list's n-th game.
  [[nodiscard]] virtual std::uint64_t name_of(std::uint64_t n) const = 0;
  // Fills in who plays, and from where.
  virtual void set_up(std::uint64_t n, GameInFlight<G>& game) const = 0;
  [[nodiscard]] virtual std::size_t trees() const = 0;

  [[nodiscard]] typename G::Position start_at(const std::string& text) const {
    auto position = G::Position::parse(options_, text);
    if (position.outcome()) throw std::invalid_argument("pool: the game is over in the start position '" + text + "'");
    return position;
  }

  const typename G::Options options_;
  const PoolSettings settings_;
  const std::vector<PlayerSettings> players_;

 private:
  const std::int64_t games_;
  std::atomic<std::uint64_t> begun_ = 0;
  std::atomic<std::uint64_t> version_;
};

// Player 0 against itself.
template <Game G>
class SelfPlayScript final : public Script<G> {
 public:
  SelfPlayScript(const typename G::Options& options, const PoolSettings& settings, std::vector<PlayerSettings> players)
      : Script<G>(options, settings, std::move(players), settings.games),
        simulations_(settings.simulations),
        resign_below_(this->players_.front().resign_below) {
    for (const std::string& text : settings.starts) (void)this->start_at(text);
  }

  [[nodiscard]] int simulations(const PlayerSettings& player) const override {
    const int now = simulations_.load();
    return now > 0 ? now : player.search.simulations;
  }
  [[nodiscard]] std::optional<float> resign_below(const PlayerSettings& /*player*/) const override {
    return resign_below_.load();
  }
  void set_simulations(int simulations) override { simulations_.store(simulations); }
  void set_resign_below(std::optional<float> value) override { resign_below_.store(value); }

 protected:
  [[nodiscard]] std::uint64_t name_of(std::uint64_t n) const override { return n + this->settings_.first_game; }
  [[nodiscard]] std::size_t trees() const override { return 1; }
  void set_up(std::uint64_t /*n*/, GameInFlight<G>& game) const override {
    const std::vector<std::string>& starts = this->settings_.starts;
    if (!starts.empty() && game.rng.uniform() < this->settings_.start_share) {
      game.record.start = starts[static_cast<std::size_t>(game.rng.below(static_cast<int>(starts.size())))];
      game.position = G::Position::parse(this->options_, game.record.start);
    }
    open_at_random(game);
  }

 private:
  // 0..opening_plies random moves that do not end the game.
  void open_at_random(GameInFlight<G>& game) const {
    const int most = this->settings_.opening_plies;
    const int plies = most > 0 ? game.rng.below(most + 1) : 0;
    for (int i = 0; i < plies; ++i) {
      MoveList<G::kMaxMoves> moves;
      rollout_moves<G>(game.position, moves);
      const Move move = moves[game.rng.below(moves.size())];
      game.position.play(move);
      if (game.position.outcome()) {
        game.position.undo();
        return;
      }
      PlyRecord ply;
      ply.move = move;
      game.record.plies.push_back(std::move(ply));
    }
  }

  std::atomic<int> simulations_;  // 0: as the player's settings say
  std::atomic<std::optional<float>> resign_below_;
};

// The games of a list of pairings.
template <Game G>
class MatchScript final : public Script<G> {
 public:
  MatchScript(const typename G::Options& options, const PoolSettings& settings, std::vector<PlayerSettings> players,
              std::vector<Pairing> pairings)
      : Script<G>(options, settings, std::move(players), static_cast<std::int64_t>(pairings.size())),
        pairings_(std::move(pairings)) {
    const int n = static_cast<int>(this->players_.size());
    for (const Pairing& p : pairings_) {
      if (p.first < 0 || p.first >= n || p.second < 0 || p.second >= n)
        throw std::invalid_argument("pool: a pairing names no player");
      if (!p.start.empty()) (void)this->start_at(p.start);
    }
  }

 protected:
  [[nodiscard]] std::uint64_t name_of(std::uint64_t n) const override { return pairing(n).number; }
  [[nodiscard]] std::size_t trees() const override { return 2; }
  void set_up(std::uint64_t n, GameInFlight<G>& game) const override {
    game.record.first = static_cast<std::uint32_t>(pairing(n).first);
    game.record.second = static_cast<std::uint32_t>(pairing(n).second);
    game.record.start = pairing(n).start;
    if (!game.record.start.empty()) game.position = G::Position::parse(this->options_, game.record.start);
  }

 private:
  [[nodiscard]] const Pairing& pairing(std::uint64_t n) const { return pairings_[static_cast<std::size_t>(n)]; }

  const std::vector<Pairing> pairings_;
};

}  // namespace az
