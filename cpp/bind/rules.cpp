#include "cpp/bind/rules.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cpp/bind/convert.h"
#include "cpp/bind/libraries.h"

namespace az::bind {
namespace {

OptionMap to_options(const py::kwargs& kwargs) {
  OptionMap map;
  for (const auto& [key, value] : kwargs) {
    const std::string name = utf8(key);
    if (value.is_none()) continue;
    if (py::isinstance<py::bool_>(value)) {
      map[name] = py::cast<bool>(value);
    } else if (py::isinstance<py::int_>(value)) {
      map[name] = whole_number(value, "option '" + name + "'", {-0x1p62, 0x1p62});
    } else if (py::isinstance<py::float_>(value)) {
      const auto number = py::cast<double>(value);
      if (!std::isfinite(number)) throw std::invalid_argument("option '" + name + "' must be a finite number");
      map[name] = number;
    } else if (py::isinstance<py::str>(value)) {
      map[name] = utf8(value);
    } else {
      throw std::invalid_argument("option '" + name + "' must be true/false, a number or text");
    }
  }
  return map;
}

std::shared_ptr<GameFace> make_game(const std::string& name, const OptionMap& options) {
  std::string known;
  bool found = false;
  if (!is_known(name)) find_outside(name);
  for (const GameEntry& entry : known_games()) {
    if (known.find("'" + entry.name + "'") == std::string::npos)
      known += (known.empty() ? "'" : ", '") + entry.name + "'";
    if (entry.name != name) continue;
    found = true;
    if (auto game = entry.make(options)) return game;
  }
  throw std::invalid_argument(found ? name + ": no rules here serve these options"
                                    : "unknown game '" + name + "'; games are: " + known);
}

py::tuple planes_shape(const Shape& s) { return py::make_tuple(s.planes(), s.height, s.width); }

// --- how a game ended ---

void bind_errors(py::module_& m) {
  py::register_exception<IllegalMove>(m, "IllegalMove", PyExc_ValueError).attr("__doc__") =
      "A move that the rules do not allow here.";
  static PyObject* const illegal_move = py::object(m.attr("IllegalMove")).release().ptr();  // never freed
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const IllegalMove& error) {
      set_error(illegal_move, error.what());
    } catch (const std::invalid_argument& error) {
      set_error(PyExc_ValueError, error.what());
    }
  });
}

void bind_outcome(py::module_& m) {
  py::class_<Outcome>(m, "Outcome", "How a game ended.")
      .def_property_readonly(
          "value", [](const Outcome& o) { return o.value; }, "+1, 0 or -1 for the FIRST player.")
      .def_property_readonly(
          "reason", [](const Outcome& o) { return std::string(o.reason); }, "A word such as \"checkmate\".")
      .def_property_readonly(
          "score", [](const Outcome& o) { return o.score; }, "The first player's margin in points, or None.")
      .def("__repr__", [](const Outcome& o) {
        return "Outcome(value=" + std::to_string(o.value) + ", reason='" + o.reason + "'" +
               (o.score ? ", score=" + py::repr(py::float_(*o.score)).cast<std::string>() : std::string()) + ")";
      });
}

// --- the game ---

constexpr const char* kGame = R"(A game with its options, such as Game("go", board_size=9, komi=7.0).

ValueError names an unknown game or option and what there is instead.)";
constexpr const char* kGamePosition = R"(The start position, or the one that `text` describes.

ValueError names the field of the text that is wrong.)";

constexpr const char* kLoadGames = R"(Loads a library of games (cpp/bind/library.h); the names that it brought.

ImportError says why not: it is no such library, it was built with other headers, or a name is
taken. check() is called once the games are there; where it raises, they are there no longer.)";

void bind_games(py::module_& m) {
  m.def(
      "games",
      [] {
        std::vector<std::string> names;
        for (const GameEntry& entry : known_games())
          if (std::find(names.begin(), names.end(), entry.name) == names.end()) names.push_back(entry.name);
        return names;
      },
      "The names of the core's own games and of those that were loaded.");
  m.def("load_games", &load_games, py::arg("path"), py::arg("check") = py::none(), kLoadGames);
}

// `index` of `end` after a symmetry.
template <class Map>
int mapped(const PyGame& g, const char* name, int symmetry, int index, int end, Map&& map) {
  if (symmetry < 0 || symmetry >= g.face->shape().symmetries || index < 0 || index >= end)
    throw py::index_error(std::string(name) + ": out of range");
  return map(symmetry, index);
}

void bind_game(py::class_<PyGame>& game) {
  game.def(py::init([](const py::str& name, const py::kwargs& options) {
             return PyGame{make_game(utf8(name), to_options(options))};
           }),
           py::arg("name"))
      .def_property_readonly(
          "name", [](const PyGame& g) { return g.face->name(); }, "The name that makes it, such as \"go\".")
      .def_property_readonly(
          "options", [](const PyGame& g) { return g.face->options(); }, "Every option with its value.")
      .def_property_readonly(
          "planes_shape", [](const PyGame& g) { return planes_shape(g.face->shape()); },
          "(C, H, W) of Position.planes().")
      .def_property_readonly(
          "policy_size", [](const PyGame& g) { return g.face->shape().policy_size; },
          "How many policy indices there are.")
      .def_property_readonly(
          "dense_policy", [](const PyGame& g) { return g.face->shape().dense_policy; },
          "Whether policy indices are in no order that a convolution could learn.")
      .def_property_readonly(
          "symmetries", [](const PyGame& g) { return g.face->shape().symmetries; },
          "How many symmetries the board has; number 0 is the identity.")
      .def_property_readonly(
          "has_ownership", [](const PyGame& g) { return g.face->has_ownership(); },
          "Whether areas are owned at the end (Go).")
      .def(
          "map_cell",
          [](const PyGame& g, int symmetry, int cell) {
            return mapped(g, "map_cell", symmetry, cell, g.face->shape().cells(),
                          [&g](int s, int c) { return g.face->map_cell(s, c); });
          },
          py::arg("symmetry"), py::arg("cell"), "The cell (row * W + column) that `cell` moves to.")
      .def(
          "map_policy",
          [](const PyGame& g, int symmetry, int index) {
            return mapped(g, "map_policy", symmetry, index, g.face->shape().policy_size,
                          [&g](int s, int i) { return g.face->map_policy(s, i); });
          },
          py::arg("symmetry"), py::arg("index"), "The policy index that `index` moves to.")
      .def(
          "position",
          [](const PyGame& g, const std::optional<py::str>& text) {
            return PyPosition{g.face, text ? g.face->position(utf8(*text)) : g.face->position()};
          },
          py::arg("text") = py::none(), kGamePosition)
      .def(
          "__eq__",
          [](const PyGame& a, const PyGame& b) {
            return a.face->name() == b.face->name() && a.face->options() == b.face->options();
          },
          py::is_operator())  // of anything else Python says that it is not equal
      .def("__hash__", [](const PyGame& g) { return py::hash(py::str(g.face->name())); })
      .def("__reduce__",
           [](const PyGame& g) {
             return py::make_tuple(py::module_::import("alphazero.game").attr("make"),
                                   py::make_tuple(g.face->name(), g.face->options()));
           })
      .def("__repr__", [](const PyGame& g) {
        std::string text = "Game('" + g.face->name() + "'";
        for (const auto& [name, value] : g.face->options())
          text += ", " + name + "=" + py::repr(py::cast(value)).cast<std::string>();
        return text + ")";
      });
}

// --- a position ---

void bind_position(py::class_<PyPosition>& position) {
  position.def_property_readonly(
              "game", [](const PyPosition& p) { return PyGame{p.game}; }, "The game it belongs to.")
      .def(
          "legal_moves", [](const PyPosition& p) { return p.face->legal_moves(); }, "The legal moves as text.")
      .def(
          "play", [](PyPosition& p, const py::str& move) { p.face->play(utf8(move)); }, py::arg("move"),
          "Plays a move; IllegalMove says why not.")
      .def(
          "undo", [](PyPosition& p) { p.face->undo(); }, "Takes the last move back.")
      .def(
          "copy", [](const PyPosition& p) { return PyPosition{p.game, p.face->copy()}; },
          "A position of its own, with the same moves behind it.")
      .def("__copy__", [](const PyPosition& p) { return PyPosition{p.game, p.face->copy()}; })
      .def_property_readonly(
          "turn", [](const PyPosition& p) { return p.face->turn(); }, "0: the first player is to move; 1: the other.")
      .def_property_readonly(
          "ply", [](const PyPosition& p) { return p.face->ply(); }, "Plies since the start, as the text counts them.")
      .def_property_readonly(
          "key", [](const PyPosition& p) { return p.face->key(); },
          "64 bits, equal if and only if the repetition rule calls the positions the same.")
      .def_property_readonly(
          "text", [](const PyPosition& p) { return p.face->text(); }, "Game.position(text) gives this position back.")
      .def_property_readonly(
          "diagram", [](const PyPosition& p) { return p.face->diagram(); }, "The board drawn in text.")
      .def_property_readonly(
          "outcome", [](const PyPosition& p) { return p.face->outcome(); }, "None while playing, else an Outcome.")
      .def_property_readonly(
          "in_check", [](const PyPosition& p) { return p.face->in_check(); },
          "Whether the side to move is in check; False in games that know none.")
      .def_property_readonly(
          "can_declare", [](const PyPosition& p) { return p.face->can_declare(); },
          "Whether the side to move may declare a win (shogi's entering king).")
      .def(
          "perft",
          [](const PyPosition& p, int depth) {
            check_within("perft: depth", depth, {0, 100});
            const auto copy = p.face->copy();
            const py::gil_scoped_release release;
            return copy->perft(depth, [] {
              const py::gil_scoped_acquire acquire;
              if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            });
          },
          py::arg("depth"), "The number of move sequences of this length. Ctrl-C ends the count.")
      .def(
          "random_playout", [](const PyPosition& p, std::uint64_t seed) { return p.face->random_playout(seed); },
          py::arg("seed"), "(value for the first player, moves) of one random game from here.")
      .def("__repr__",
           [](const PyPosition& p) { return "<Position of " + p.game->name() + ": '" + p.face->text() + "'>"; })
      .def("__str__", [](const PyPosition& p) { return p.face->diagram(); });
}

constexpr const char* kCells = R"(int8 [H, W]: what stands where, row 0 and column 0 as in `diagram`.

0: nothing. k: a piece of the first player's of kind k; -k: one of the other's. Chess: pawn 1,
knight 2, bishop 3, rook 4, queen 5, king 6. Shogi: pawn 1, lance 2, knight 3, silver 4, bishop 5,
rook 6, gold 7, king 8, and 8 more where promoted. Go, Connect Four: 1.)";

void bind_position_arrays(py::class_<PyPosition>& position) {
  position
      .def(
          "policy_indices",
          [](const PyPosition& p) {
            const auto v = p.face->policy_indices();
            return py::array_t<std::int32_t>(static_cast<py::ssize_t>(v.size()), v.data());
          },
          "int32 [L]: the policy index of each legal move, in the order of legal_moves().")
      .def(
          "cells",
          [](const PyPosition& p) {
            const Shape s = p.game->shape();
            return py::array_t<std::int8_t>({size(s.height), size(s.width)}, p.face->cells().data());
          },
          kCells)
      .def(
          "ownership",
          [](const PyPosition& p) {
            const auto v = p.face->ownership();
            const Shape s = p.game->shape();
            if (v.empty()) throw std::invalid_argument(p.game->name() + ": this game has no ownership");
            return py::array_t<std::int8_t>({size(s.height), size(s.width)}, v.data());
          },
          "int8 [H, W]: +1 the first player's area, -1 the other's, 0 neither's.")
      .def(
          "planes",
          [](const PyPosition& p) {
            const Shape s = p.game->shape();
            py::array_t<float> out({size(s.planes()), size(s.height), size(s.width)});
            p.face->planes(out.mutable_data());
            return out;
          },
          "float32 [C, H, W]: the network's input, from the side to move's view.");
}

// --- how fast the rules are ---

void bind_bench(py::module_& m) {
  m.def(
      "bench_random_plies",
      [](const PyGame& g, double seconds, std::uint64_t seed) {
        const py::gil_scoped_release release;
        return g.face->random_plies(seconds, seed);
      },
      py::arg("game"), py::arg("seconds"), py::arg("seed") = 0, "(plies, seconds) of random games on one thread.");
  m.def(
      "bench_replay_plies",
      [](const PyGame& g, double seconds, std::uint64_t seed) {
        const py::gil_scoped_release release;
        return g.face->replay_plies(seconds, seed);
      },
      py::arg("game"), py::arg("seconds"), py::arg("seed") = 0,
      "(plies, seconds) of replaying one random game on one thread.");
}

}  // namespace

void bind_rules(py::module_& m) {
  bind_errors(m);
  bind_outcome(m);
  py::class_<PyGame> game(m, "Game", kGame);
  py::class_<PyPosition> position(m, "Position", "A position of a game, with the moves that led to it.");
  bind_games(m);
  bind_game(game);
  bind_position(position);
  bind_position_arrays(position);
  bind_bench(m);
}

}  // namespace az::bind
