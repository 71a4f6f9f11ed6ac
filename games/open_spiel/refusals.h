// Why a game of OpenSpiel cannot be played here, in one line that names the game.
//
// OpenSpiel checks few of its parameters: what it loads may have no actions, start with chance whatever its type says,
// or end in a segmentation fault once it is played. So its numbers are looked at before a state is made, and a game is
// tried before it is given out.
#pragma once

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <vector>

#include "open_spiel/spiel.h"

namespace open_spiel {
extern ErrorHandler error_handler __attribute__((weak));  // spiel_utils.cc has it, and a way to set it, not to read it
}

namespace az::open_spiel {

inline constexpr int kMostActions = 16384;    // of a game's distinct actions: OpenSpiel's shogi has 13,689
inline constexpr int kMostCells = 65535;      // of an observation
inline constexpr int kMostNumbers = 1 << 24;  // of an observation
inline constexpr int kLongestRollout = 1000;  // plies: random games of Chinese checkers do not end

namespace detail {

struct Refusal : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// One line of at most so many bytes, which end with a whole character of UTF-8.
inline std::string shortened(std::string_view text, std::size_t most) {
  std::size_t end = std::min(text.size(), most);
  while (end > 0 && end < text.size() && (text[end] & 0xc0) == 0x80) --end;
  std::string line(text.substr(0, end));
  std::replace_if(line.begin(), line.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  return end < text.size() ? line + " ..." : line;
}

[[noreturn]] inline void refuse(const std::string& game, const std::string& reason) {
  throw Refusal("open_spiel: '" + shortened(game, 150) + "' cannot be played here: " + reason);
}

// While it lives, OpenSpiel's errors are exceptions and no more: pyspiel's handler writes each to the terminal, too.
class Silence {
 public:
  Silence() {
    if (&::open_spiel::error_handler == nullptr) return;
    before_ = ::open_spiel::error_handler;
    ::open_spiel::SetErrorHandler([](const std::string& what) { throw std::runtime_error(what); });
  }
  ~Silence() {
    if (before_ != nullptr) ::open_spiel::SetErrorHandler(before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  ::open_spiel::ErrorHandler before_ = nullptr;
};

// An error of OpenSpiel as a reason. A check of its own says "/project/.../clobber.cc:156 rows_ >= 1\nrows_ = 0, 1 =
// 1".
inline std::string in_words(std::string_view what) {
  const std::size_t place = what.starts_with('/') ? what.find(' ') : std::string_view::npos;
  if (place == std::string_view::npos) return "OpenSpiel refuses it: " + shortened(what, 300);
  what.remove_prefix(place + 1);
  const std::size_t end = what.find('\n');
  std::string_view condition = what.substr(0, end);
  if (condition.starts_with("CHECK_TRUE(") && condition.ends_with(')'))
    condition = condition.substr(11, condition.size() - 12);
  std::string reason = "OpenSpiel asks that " + shortened(condition, 200);
  if (end != std::string_view::npos) reason += " (here " + shortened(what.substr(end + 1), 100) + ")";
  return reason;
}

// A game's name, as "name", and its parameters.
inline ::open_spiel::GameParameters parameters_of(const std::string& text) {
  try {
    return ::open_spiel::GameParametersFromString(text);
  } catch (const std::exception& error) {
    const std::string_view what = error.what();  // of a check: that of a number too large for an int says "success"
    refuse(text, "its parameters cannot be read" + (what.starts_with('/') ? "" : ": " + shortened(what, 300)));
  }
}

inline const std::string& name_of(const ::open_spiel::GameParameters& game) {
  static const std::string none;
  const auto name = game.find("name");
  return name != game.end() && name->second.has_string_value() ? name->second.string_value() : none;
}

// Refuses parameters, and games among them, that OpenSpiel would say little or too much of.
inline void examine(const std::string& text, const ::open_spiel::GameParameters& game) {
  const std::string& name = name_of(game);
  if (name.starts_with("python_")) refuse(text, "it is written in Python, which a search in C++ cannot wait for");
  if (!::open_spiel::GameRegisterer::IsValidName(name))
    refuse(text, "OpenSpiel has no game '" + shortened(name, 150) + "'; pyspiel.registered_names() lists its games");
  const std::string subject = text.substr(0, text.find('(')) == name ? "it" : name;
  for (const ::open_spiel::GameType& type : ::open_spiel::GameRegisterer::RegisteredGames()) {
    if (type.short_name != name) continue;
    for (const auto& [key, usual] : type.parameter_specification) {
      const auto given = game.find(key);
      if (usual.is_mandatory() && given == game.end()) refuse(text, subject + " needs the parameter '" + key + "'");
      if (key != "filename") continue;
      if (given == game.end()) refuse(text, subject + " needs the parameter 'filename'");
      std::error_code none;
      if (given->second.has_string_value() && !std::filesystem::is_regular_file(given->second.string_value(), none))
        refuse(text, "there is no file '" + shortened(given->second.string_value(), 150) + "'");
    }
  }
  for (const auto& [key, value] : game)
    if (value.has_game_value()) examine(text, value.game_value());
}

// What keeps a game, or one that it is made of, from being played by several threads; empty: nothing.
inline std::string obstacle_within(const ::open_spiel::Game& game) {
  // pybind11 makes one of these of every class that Python derives from pyspiel.Game. Its header wants Python's.
  if (std::string_view(typeid(game).name()).ends_with("10open_spiel6PyGameE"))
    return "it is written in Python, which a search in C++ cannot wait for";
  if (game.GetType().short_name == "add_noise")
    return "its results are drawn at random, in the order they are asked for";
  for (const auto& [key, value] : game.GetParameters()) {
    if (!value.has_game_value()) continue;
    const std::string obstacle = obstacle_within(*::open_spiel::LoadGame(value.game_value()));
    if (!obstacle.empty()) return obstacle;
  }
  return {};
}

// Why a game cannot be played, by what it says of itself; empty: it can.
inline std::string obstacle(const ::open_spiel::Game& game) {
  using ::open_spiel::GameType;
  const GameType& type = game.GetType();
  if (type.dynamics == GameType::Dynamics::kSimultaneous) return "its players move at the same time";
  if (type.dynamics != GameType::Dynamics::kSequential) return "it is a mean field game";
  if (type.chance_mode != GameType::ChanceMode::kDeterministic)
    return "it has chance, which this search does not model";
  if (type.information != GameType::Information::kPerfectInformation)
    return "its players do not see all (imperfect information)";
  if (game.NumPlayers() != 2) return "it has " + std::to_string(game.NumPlayers()) + " players, not two";
  if (type.utility != GameType::Utility::kZeroSum) return "it is not zero-sum";
  if (std::string within = obstacle_within(game); !within.empty()) return within;
  if (!type.provides_observation_tensor) return "it has no observation tensor";
  const int actions = game.NumDistinctActions();
  if (actions < 1) return "it has no actions with these parameters";
  if (actions > kMostActions)
    return "it has " + std::to_string(actions) + " distinct actions, more than " + std::to_string(kMostActions);
  if (game.MaxGameLength() < 1) return "its games end before the first move with these parameters";
  return {};
}

// Why there is no move from a state that is not an end; empty: each of its actions is one.
inline std::string obstacle_at(const ::open_spiel::State& state, const std::vector<::open_spiel::Action>& actions) {
  if (state.IsChanceNode()) return "it has chance, which this search does not model";
  if (state.CurrentPlayer() != 0 && state.CurrentPlayer() != 1) return "no player is to move";
  if (actions.empty()) return "there is no legal move";
  const auto [least, most] = std::minmax_element(actions.begin(), actions.end());
  if (*least < 0 || *most >= state.NumDistinctActions()) return "its actions are more than it says";
  return {};
}

// Plays one game and refuses what shows there. Whether to play a move takes more than ten times as long as to copy the
// state, over the first plies: Othello's takes 45 times as long and Checkers' 20; most others' once or twice.
inline bool moves_are_dear(const std::string& text, const ::open_spiel::State& start, std::size_t observed) {
  using Clock = std::chrono::steady_clock;
  constexpr int kTimed = 40;
  constexpr auto kLongest = std::chrono::milliseconds(100);  // Hive's plies take a millisecond each
  if (start.IsTerminal()) refuse(text, "it is over at its start");
  Clock::duration copying{};
  Clock::duration playing{};
  const Clock::time_point end = Clock::now() + kLongest;
  std::unique_ptr<::open_spiel::State> state = start.Clone();
  for (int ply = 0; ply < kLongestRollout && !state->IsTerminal(); ++ply) {
    const std::vector<::open_spiel::Action> actions = state->LegalActions();
    if (const std::string obstacle = obstacle_at(*state, actions); !obstacle.empty())
      refuse(text, obstacle + (ply == 0 ? " (at its start)" : " (at ply " + std::to_string(ply) + ")"));
    if (ply == 0) {
      std::vector<float> observation(observed);
      state->ObservationTensor(state->CurrentPlayer(), absl::MakeSpan(observation));
    }
    const Clock::time_point begin = Clock::now();
    if (ply >= kTimed && begin > end) break;
    std::unique_ptr<::open_spiel::State> next = state->Clone();
    const Clock::time_point copied = Clock::now();
    next->ApplyAction(actions[actions.size() / 2]);
    if (ply < kTimed) playing += Clock::now() - copied;
    if (ply < kTimed) copying += copied - begin;
    state = std::move(next);
  }
  return playing > 10 * copying;
}

}  // namespace detail
}  // namespace az::open_spiel
