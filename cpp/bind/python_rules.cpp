#include "cpp/bind/python_rules.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpp/bind/convert.h"
#include "cpp/bind/face_of.h"
#include "games/options.h"
#include "games/replayed_states.h"

namespace az::bind {
namespace {

// An object of Python's that may be let go by whoever does not hold Python's lock.
struct Held {
  explicit Held(py::object its_object) : object(std::move(its_object)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    const py::gil_scoped_acquire lock;
    object = py::object();
  }
  py::object object;
};

// The game. What the class has to offer stands in docs/add-game.md; every call of it takes Python's lock.
struct PythonRules {
  static constexpr std::string_view kName = "python";
  static constexpr int kMaxMoves = 4096;
  static constexpr bool kSingleSearch = true;
  using Moves = MoveList<kMaxMoves>;
  struct Options {
    std::string rules;
    std::shared_ptr<const Held> start;
    Shape shape;
  };

  static std::optional<Options> parse_options(const OptionMap& map) {
    OptionReader read(kName, map);
    Options options;
    options.rules = read.text("rules", "", "a class of rules, such as rules='my_module:MyRules'");
    read.finish();
    const py::gil_scoped_acquire lock;
    try {
      options.start = std::make_shared<Held>(find(options.rules)());
      options.shape = shape_of(options);
    } catch (const py::error_already_set& error) {
      throw std::invalid_argument("python: " + options.rules + ": " + error.what());
    } catch (const py::cast_error&) {
      throw std::invalid_argument("python: " + options.rules +
                                  ": planes_shape must be (C, H, W) and policy_size a number");
    }
    const std::string said =
        options.rules + ": rules in Python make a search about a hundred times as slow, and cannot train";
    if (PyErr_WarnEx(PyExc_RuntimeWarning, said.c_str(), 1) != 0) throw py::error_already_set();
    return options;
  }
  static OptionMap describe(const Options& options) { return {{"rules", options.rules}}; }
  static Shape shape(const Options& options) { return options.shape; }
  static int map_cell(const Options& /*options*/, int /*symmetry*/, int cell) { return cell; }
  static int map_policy(const Options& /*options*/, int /*symmetry*/, int index) { return index; }

  class Position {
   public:
    explicit Position(const Options& options) : options_(options), states_(options.start) {}

    static Position parse(const Options& options, std::string_view text) {
      Position position(options);
      while (!text.empty()) {
        const std::string_view move = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), move.size() + 1));
        if (!move.empty()) position.play(position.parse_move(move));
      }
      return position;
    }
    [[nodiscard]] std::string text() const { return text_; }

    [[nodiscard]] int turn() const {
      return ask("turn", [](const py::object& state) { return state.attr("turn")().cast<int>() != 0 ? 1 : 0; });
    }
    [[nodiscard]] int ply() const { return states_.plies(); }
    [[nodiscard]] Key key() const {
      return ask("planes", [this](const py::object& state) {
        Key key = 0xcbf29ce484222325ULL;  // FNV-1a
        const F32 planes = planes_of(state);
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(planes.data());
        for (py::ssize_t i = 0; i < planes.nbytes(); ++i) key = (key ^ bytes[i]) * 0x100000001b3ULL;
        return key ^ static_cast<Key>(state.attr("turn")().cast<int>() != 0);
      });
    }
    [[nodiscard]] std::optional<Outcome> outcome() const {
      return ask("outcome", [](const py::object& state) -> std::optional<Outcome> {
        const py::object value = state.attr("outcome")();
        if (value.is_none()) return std::nullopt;
        const auto number = value.cast<double>();
        return Outcome{(number > 0.0) - (number < 0.0), "game_over", std::nullopt};
      });
    }
    void legal_moves(Moves& moves) const {
      ask("legal_moves", [&](const py::object& state) {
        const auto found = py::list(state.attr("legal_moves")()).cast<std::vector<int>>();
        if (found.empty() && state.attr("outcome")().is_none())
          throw std::invalid_argument("no move, and no outcome: a side that cannot move has to pass");
        for (const int move : found) {
          if (move < 0 || move >= options_.shape.policy_size || moves.size() == kMaxMoves)
            throw std::invalid_argument("moves must be numbers from 0 to policy_size - 1, got " + std::to_string(move));
          moves.push(static_cast<Move>(move));
        }
        return 0;
      });
    }
    void play(Move move) {
      if (!text_.empty()) text_ += ' ';
      text_ += std::to_string(move);
      states_.play(move);
    }
    void undo() {
      text_.resize(text_.find(' ') == std::string::npos ? 0 : text_.rfind(' '));
      states_.undo();
    }
    void settle() { states_.settle(); }

    [[nodiscard]] int policy_index(Move move) const { return move; }
    void encode(Features out) const {
      ask("planes", [&](const py::object& state) {
        const F32 planes = planes_of(state);
        std::copy_n(planes.data(), planes.size(), out.scalars);
        return 0;
      });
    }
    void cells(std::span<std::int8_t> /*out*/) const {
      throw std::invalid_argument("python: what stands on the cells is not known of rules in Python");
    }
    [[nodiscard]] std::string move_text(Move move) const { return std::to_string(move); }
    [[nodiscard]] Move parse_move(std::string_view text) const {
      const std::string shown = "'" + std::string(text) + "'";
      if (outcome()) throw IllegalMove(shown + ": the game is over");
      Moves moves;
      legal_moves(moves);
      for (const Move move : moves)
        if (move_text(move) == text) return move;
      throw IllegalMove(shown + " is no legal move");
    }
    [[nodiscard]] std::string diagram() const {
      return ask("__str__", [](const py::object& state) { return utf8(py::str(state)); });
    }

   private:
    struct Rules {
      using State = Held;
      static std::unique_ptr<State> copy(const State& state) {
        const py::gil_scoped_acquire lock;
        return std::make_unique<Held>(py::module_::import("copy").attr("deepcopy")(state.object));
      }
      static void play(State& state, Move move) {
        const py::gil_scoped_acquire lock;
        state.object.attr("play")(static_cast<int>(move));
      }
    };

    // What a method says, asked with Python's lock; its errors in one line that names the class and the method.
    template <class Ask>
    std::invoke_result_t<Ask, const py::object&> ask(const char* method, Ask&& say) const {
      const py::gil_scoped_acquire lock;
      try {
        return say(states_.now().object);
      } catch (const py::error_already_set& error) {
        if (!error.matches(PyExc_Exception)) throw;  // Ctrl-C
        throw std::invalid_argument("python: " + options_.rules + "." + method + ": " + error.what());
      } catch (const py::cast_error&) {
        throw std::invalid_argument("python: " + options_.rules + "." + method + ": its answer has the wrong type");
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument("python: " + options_.rules + "." + method + ": " + error.what());
      }
    }
    [[nodiscard]] F32 planes_of(const py::object& state) const {
      const F32 planes(state.attr("planes")());
      const Shape& s = options_.shape;
      if (planes.ndim() != 3 || planes.shape(0) != s.planes() || planes.shape(1) != s.height ||
          planes.shape(2) != s.width)
        throw std::invalid_argument("planes() must be an array of planes_shape");
      return planes;
    }

    Options options_;
    ReplayedStates<Rules> states_;
    std::string text_;
  };

 private:
  static py::object find(const std::string& rules) {
    const std::size_t colon = rules.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == rules.size())
      throw std::invalid_argument("python: rules must be 'module:Class', got '" + rules + "'");
    return py::module_::import(rules.substr(0, colon).c_str()).attr(rules.substr(colon + 1).c_str());
  }
  static Shape shape_of(const Options& options) {
    const py::object& state = options.start->object;
    const auto [planes, height, width] = state.attr("planes_shape").cast<std::tuple<int, int, int>>();
    Shape shape{.scalar_planes = planes,
                .height = height,
                .width = width,
                .policy_size = state.attr("policy_size").cast<int>()};
    shape.numbers_a_cell = true;
    shape.dense_policy = true;
    shape.rollout_plies = 1000;
    if (planes < 1 || height < 1 || width < 1 || planes > 4096 || height > 255 || width > 255)
      throw std::invalid_argument("python: " + options.rules +
                                  ": planes_shape must be (C, H, W), of 1 to 4096 and 255");
    if (shape.policy_size < 1 || shape.policy_size > kMaxMoves)
      throw std::invalid_argument("python: " + options.rules + ": policy_size must be 1 to " +
                                  std::to_string(kMaxMoves));
    return shape;
  }
};

static_assert(Game<PythonRules>);

}  // namespace

void register_python_rules(Registry& registry) {
  register_types(registry, std::type_identity<std::tuple<PythonRules>>{});
}

}  // namespace az::bind
