// Any game of OpenSpiel that this search can play, by the C++ headers and the compiled library of its wheel: no Python.
//
// It is compiled where it is first used (alphazero/open_spiel.py), against the version that is installed.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "games/open_spiel/loading.h"
#include "games/options.h"
#include "games/replayed_states.h"
#include "open_spiel/spiel.h"

namespace az::open_spiel {

struct OpenSpiel {
  static constexpr std::string_view kName = "open_spiel";
  static constexpr int kMaxMoves = kMostActions;
  using Moves = MoveList<kMaxMoves>;
  using Options = Loaded;

  static std::optional<Options> parse_options(const OptionMap& map) {
    OptionReader read(kName, map);
    const std::string game = read.text("game", "", "a game of OpenSpiel, such as game='hex(board_size=5)'");
    const int most_plies = read.integer("max_plies", 0, 0, kMostPliesOfARecord);
    read.finish();
    return load(game, most_plies);
  }
  static OptionMap describe(const Options& options) {
    return {{"game", options.name}, {"max_plies", std::int64_t{options.max_plies}}};
  }
  static Shape shape(const Options& options) { return options.shape; }
  static int map_cell(const Options& /*options*/, int /*symmetry*/, int cell) { return cell; }
  static int map_policy(const Options& /*options*/, int /*symmetry*/, int index) { return index; }

  class Position {
   public:
    explicit Position(const Options& options) : options_(options), states_(options.start, options.dear_moves) {}

    // The moves played so far, with spaces between them.
    static Position parse(const Options& options, std::string_view text) {
      Position position(options);
      while (true) {
        while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
        if (text.empty()) return position;
        const std::string_view move = text.substr(0, text.find(' '));
        text.remove_prefix(move.size());
        try {
          position.play(position.parse_move(move));
        } catch (const IllegalMove& error) {
          throw std::invalid_argument("open_spiel: move " + std::to_string(position.ply() + 1) + ": " + error.what());
        }
      }
    }
    [[nodiscard]] std::string text() const {
      std::string text;
      Position position(options_);
      for (const ::open_spiel::Action action : state().History()) {
        if (!text.empty()) text += ' ';
        text += position.move_text(static_cast<Move>(action));
        position.play(static_cast<Move>(action));
      }
      return text;
    }

    // After the end: the other of who moved last.
    [[nodiscard]] int turn() const {
      const ::open_spiel::Player player = state().CurrentPlayer();
      return player >= 0 ? player : 1 - state().FullHistory().back().player;
    }
    [[nodiscard]] int ply() const { return states_.plies(); }
    [[nodiscard]] Key key() const {
      Key key = 0xcbf29ce484222325ULL;  // FNV-1a
      for (const char c : state().ToString()) key = (key ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
      return key ^ static_cast<Key>(turn());
    }
    [[nodiscard]] std::optional<Outcome> outcome() const {
      if (state().IsTerminal()) {
        const double first = state().Returns()[0];
        Outcome outcome{(first > 0.0) - (first < 0.0), "game_over", std::nullopt};
        if (options_.scored) outcome.score = static_cast<float>(first);
        return outcome;
      }
      if (ply() >= options_.max_plies) return Outcome{0, "max_plies", std::nullopt};
      return std::nullopt;
    }

    void legal_moves(Moves& moves) const {
      const std::vector<::open_spiel::Action> actions = state().LegalActions();
      if (actions.empty() && !state().IsTerminal())  // a fault of the game, which a search would choose a move from
        throw std::invalid_argument("open_spiel: " + options_.name + " is not over at ply " + std::to_string(ply()) +
                                    ", and has no legal move there");
      for (const ::open_spiel::Action action : actions) moves.push(static_cast<Move>(action));
    }
    void play(Move move) { states_.play(move); }
    void undo() { states_.undo(); }
    void settle() { states_.settle(); }

    [[nodiscard]] int policy_index(Move move) const {
      const int kinds = options_.kinds_a_cell;
      return kinds == 1 ? move : move % kinds * options_.shape.cells() + move / kinds;
    }
    // OpenSpiel's observation of the side to move, and a plane that says whose turn it is: not all observations do.
    void encode(Features out) const {
      const auto cells = static_cast<std::size_t>(options_.shape.cells());
      const std::size_t size = static_cast<std::size_t>(options_.shape.numbers()) - cells;
      const int side = turn();
      state().ObservationTensor(side, absl::MakeSpan(out.scalars, size));
      std::fill_n(out.scalars + size, cells, static_cast<float>(side));
    }
    void cells(std::span<std::int8_t> /*out*/) const {
      throw std::invalid_argument("open_spiel: what stands on the cells is not known of these games");
    }

    // OpenSpiel's words, with _ for spaces.
    [[nodiscard]] std::string move_text(Move move) const {
      std::string text = state().ActionToString(turn(), move);
      for (char& c : text)
        if (std::isspace(static_cast<unsigned char>(c)) != 0) c = '_';
      return text;
    }
    [[nodiscard]] Move parse_move(std::string_view text) const {
      const std::string shown = "'" + std::string(text) + "'";
      if (outcome()) throw IllegalMove(shown + ": the game is over");
      std::string some;
      int listed = 0;
      for (const ::open_spiel::Action action : state().LegalActions()) {
        const std::string each = move_text(static_cast<Move>(action));
        if (each == text) return static_cast<Move>(action);
        if (++listed <= 10) some += (some.empty() ? "" : ", ") + each;
      }
      throw IllegalMove(shown + " is no legal move; there are " + std::to_string(listed) + ": " + some +
                        (listed > 10 ? ", ..." : ""));
    }
    [[nodiscard]] std::string diagram() const { return state().ToString(); }

   private:
    struct Rules {
      using State = ::open_spiel::State;
      static std::unique_ptr<State> copy(const State& state) { return state.Clone(); }
      static void play(State& state, Move move) { state.ApplyAction(move); }
    };
    [[nodiscard]] ::open_spiel::State& state() const { return states_.now(); }

    Options options_;
    ReplayedStates<Rules> states_;
  };
};

static_assert(Game<OpenSpiel>);
using Types = std::tuple<OpenSpiel>;

}  // namespace az::open_spiel
