// The Python module alphazero._core. This file and nothing else knows pybind11.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpp/bind/face.h"
#include "cpp/search/schedule.h"

namespace py = pybind11;
using namespace az;

namespace {

using F32 = py::array_t<float, py::array::c_style | py::array::forcecast>;

// --- conversions ---

// A text as the rules read it: halves of surrogate pairs, which UTF-8 has no bytes for, become question marks.
std::string utf8(const py::handle& text) {
  const auto bytes = py::reinterpret_steal<py::bytes>(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "replace"));
  if (!bytes) throw py::error_already_set();
  return std::string(bytes);
}
// An error in one line. Its message may quote line ends of the user's, and half a character, which Python's own
// conversion would make another error of.
void set_error(PyObject* type, std::string what) {
  for (char& c : what)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  const auto text = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(what.data(), static_cast<py::ssize_t>(what.size()), "replace"));
  if (text) PyErr_SetObject(type, text.ptr());
}
// A value as a message shows it.
std::string shown(const py::handle& value) {
  std::string text = py::repr(value).cast<std::string>();
  return text.size() > 40 ? text.substr(0, 40) + "..." : text;
}
[[noreturn]] void refuse(const std::string& name, const char* kind, const Bounds& bounds, const std::string& got) {
  throw std::invalid_argument(name + " must be " + kind + " from " + plain(bounds.low) + " to " + plain(bounds.high) +
                              ", got " + got);
}

// A whole number of any size that Python knows, or std::invalid_argument. Bounds are below 2^63 in size.
std::int64_t whole_number(const py::handle& value, const std::string& name, const Bounds& bounds) {
  if (py::isinstance<py::bool_>(value) || PyIndex_Check(value.ptr()) == 0)
    refuse(name, "a whole number", bounds, shown(value));
  const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!index) throw py::error_already_set();
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) refuse(name, "a whole number", bounds, overflow > 0 ? "a greater one" : "a smaller one");
  if (static_cast<double>(number) < bounds.low || static_cast<double>(number) > bounds.high)
    refuse(name, "a whole number", bounds, std::to_string(number));
  return number;
}
double real_number(const py::handle& value, const std::string& name, const Bounds& bounds) {
  double number = 0.0;
  if (py::isinstance<py::bool_>(value) || py::isinstance<py::str>(value))
    refuse(name, "a number", bounds, shown(value));
  number = PyFloat_AsDouble(value.ptr());
  if (PyErr_Occurred() != nullptr) {
    const bool overflow = PyErr_ExceptionMatches(PyExc_OverflowError) != 0;
    PyErr_Clear();
    refuse(name, "a number", bounds, overflow ? "one without end" : shown(value));
  }
  if (!(number >= bounds.low && number <= bounds.high)) refuse(name, "a number", bounds, plain(number));
  return number;
}

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
  for (const GameEntry& entry : all_games()) {
    if (known.find("'" + entry.name + "'") == std::string::npos)
      known += (known.empty() ? "'" : ", '") + entry.name + "'";
    if (entry.name != name) continue;
    found = true;
    if (auto game = entry.make(options)) return game;
  }
  throw std::invalid_argument(found ? name + ": no rules here serve these options"
                                    : "unknown game '" + name + "'; games are: " + known);
}

// The settings of a dict, read by name; those that nobody read are unknown.
class Settings {
 public:
  Settings(const py::dict& from, std::string what) : from_(from), what_(std::move(what)) {}

  void text(const char* name, std::string& into) {
    if (!has(name)) return;
    if (!py::isinstance<py::str>(from_[name]))
      throw std::invalid_argument(full(name) + " must be text, got " + shown(from_[name]));
    into = py::cast<std::string>(from_[name]);
  }
  void flag(const char* name, bool& into) {
    if (!has(name)) return;
    const int truth = PyObject_IsTrue(from_[name].ptr());
    if (truth < 0) throw py::error_already_set();
    into = truth != 0;
  }
  template <class T>
  void number(const char* name, T& into, const Bounds& bounds) {
    if (!has(name)) return;
    if constexpr (std::is_integral_v<T>) {
      into = static_cast<T>(whole_number(from_[name], full(name), bounds));
    } else {
      into = static_cast<T>(real_number(from_[name], full(name), bounds));
    }
  }
  // 64 bits, none of which says more than another: the name of a game, random numbers or weights.
  void name(const char* name, std::uint64_t& into) {
    if (!has(name)) return;
    const py::object value = from_[name];
    const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
    const std::uint64_t number = index ? PyLong_AsUnsignedLongLong(index.ptr()) : 0;
    if (PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      throw std::invalid_argument(full(name) + " must be a whole number from 0 to 2^64 - 1, got " + shown(value));
    }
    into = number;
  }
  void texts(const char* name, std::vector<std::string>& into) {
    if (has(name)) into = py::cast<std::vector<std::string>>(from_[name]);
  }
  void refuse_unknown() const {
    for (const auto& [key, value] : from_) {
      const auto name = py::cast<std::string>(py::str(key));
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      std::string list;
      for (const std::string& each : known_) list += (list.empty() ? "" : ", ") + each;
      throw std::invalid_argument(what_ + ": unknown setting '" + name + "'; settings are: " + list);
    }
  }

 private:
  bool has(const char* name) {
    known_.emplace_back(name);
    return from_.contains(name);
  }
  [[nodiscard]] std::string full(const char* name) const { return what_ + ": " + name; }

  const py::dict& from_;
  std::string what_;
  std::vector<std::string> known_;
};

void read_search(Settings& from, SearchSettings& s) {
  std::string kind = s.kind == SearchKind::kPuct ? "puct" : "gumbel";
  from.text("kind", kind);
  if (kind != "puct" && kind != "gumbel")
    throw std::invalid_argument("search: kind must be \"puct\" or \"gumbel\", got '" + kind + "'");
  s.kind = kind == "puct" ? SearchKind::kPuct : SearchKind::kGumbel;
  std::string fpu = "reduction";
  from.text("fpu", fpu);
  if (fpu != "reduction" && fpu != "value")
    throw std::invalid_argument("search: fpu must be \"reduction\" or \"value\", got '" + fpu + "'");
  s.fpu = fpu == "value" ? Fpu::kValue : Fpu::kReduction;
  from.flag("reuse_tree", s.reuse_tree);
  from.flag("find_wins", s.find_wins);
  from.flag("rescale_q", s.rescale_q);
  SearchSettings::each_number(
      s, [&from](const char* name, auto& number, const Bounds& bounds) { from.number(name, number, bounds); });
}

SearchSettings to_search(const py::dict& d) {
  SearchSettings s;
  Settings from(d, "search");
  read_search(from, s);
  from.refuse_unknown();
  return s;
}

PlayerSettings to_player(const py::dict& d) {
  PlayerSettings p;
  Settings from(d, "player");
  read_search(from, p.search);
  from.number("evaluator", p.evaluator, {kRandom, 4095});
  from.flag("noise", p.noise);
  from.number("temperature_plies", p.temperature_plies, {0, kMostSimulations});
  from.number("temperature", p.temperature, {0, 1e6});
  from.number("full_fraction", p.full_fraction, {0, 1});
  from.number("fast_simulations", p.fast_simulations, {0, kMostSimulations});
  from.number("resign_value", p.resign_value, {-1000, 1000});
  from.number("resign_never", p.resign_never, {0, 1});
  from.refuse_unknown();
  if (p.full_fraction < 1.0 && p.fast_simulations < 1)
    throw std::invalid_argument("player: fast_simulations must be >= 1 where full_fraction is below 1");
  return p;
}

PoolSettings to_pool(const py::dict& d) {
  PoolSettings p;
  Settings from(d, "pool");
  from.number("games_in_flight", p.games_in_flight, {1, 65536});
  from.number("batch_size", p.batch_size, {1, 16384});
  from.number("threads", p.threads, {1, 1024});
  from.name("seed", p.seed);
  from.number("games", p.games, {-1, 0x1p62});
  from.name("first_game", p.first_game);
  from.number("opening_plies", p.opening_plies, {0, 10000});
  from.texts("starts", p.starts);
  from.number("start_share", p.start_share, {0, 1});
  from.flag("symmetry", p.symmetry);
  from.flag("record_policy", p.record_policy);
  from.name("version", p.version);
  from.number("simulations", p.simulations, {0, kMostSimulations});
  from.number("resignation", p.resignation, {-1000, 1000});
  from.flag("packed", p.packed);
  from.number("cache_megabytes", p.cache_megabytes, {0, 1 << 20});
  from.number("most_finished", p.most_finished, {1, 1 << 20});
  from.refuse_unknown();
  return p;
}

// --- what Python holds ---

struct PyGame {
  std::shared_ptr<GameFace> face;
};
struct PyPosition {
  std::shared_ptr<GameFace> game;
  std::unique_ptr<PositionFace> face;
};
// A face that one thread at a time may use: `face->call()` holds it for the length of the expression, and a thread that
// holds it may come again from inside. Another one waits or is refused.
enum class Meet { kWait, kRefuse };
template <class Face, Meet kMeet>
class Alone {
  struct State {
    std::unique_ptr<Face> face;
    std::mutex mutex;
    std::atomic<std::thread::id> holder;
    int depth = 0;  // of the holder
  };

 public:
  explicit Alone(std::unique_ptr<Face> face) : state_(std::make_unique<State>()) { state_->face = std::move(face); }

  class Use {
   public:
    explicit Use(State* state) : state_(state) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
      if (--state_->depth > 0) return;
      state_->holder = std::thread::id();
      state_->mutex.unlock();
    }
    Face* operator->() const { return state_->face.get(); }

   private:
    State* state_;
  };
  Use operator->() const {
    if (state_->holder.load() != std::this_thread::get_id()) {
      if constexpr (kMeet == Meet::kWait) {
        state_->mutex.lock();
      } else if (!state_->mutex.try_lock()) {
        throw std::runtime_error("this search is in use by another thread; give each thread its own");
      }
      state_->holder = std::this_thread::get_id();
    }
    ++state_->depth;
    return Use(state_.get());
  }

 private:
  std::unique_ptr<State> state_;
};

struct PySearch {
  std::shared_ptr<GameFace> game;
  Alone<SearchFace, Meet::kRefuse> face;
};
struct PyPool {
  std::shared_ptr<GameFace> game;
  Shape shape;
  std::map<Batch*, std::pair<F32, F32>> answers;  // kept alive while workers read them
  std::shared_ptr<PoolFace> face;                 // nullptr: closed

  PyPool(std::shared_ptr<GameFace> its_game, std::shared_ptr<PoolFace> pool)
      : game(std::move(its_game)), shape(game->shape()), face(std::move(pool)) {}
  PyPool(const PyPool&) = delete;
  PyPool& operator=(const PyPool&) = delete;
  ~PyPool() {
    if (face) face->stop();  // batches may keep the pool; nothing in it moves any more
  }

  // A copy, so that a pool that is closed meanwhile by another thread stays whole for this one.
  [[nodiscard]] std::shared_ptr<PoolFace> open() const {
    if (!face) throw std::invalid_argument("pool: it is closed");
    return face;
  }
};
// A batch on its way to the evaluator. It keeps the memory that it and its arrays are views of.
struct PyBatch {
  std::shared_ptr<PoolFace> pool;
  Batch* batch;
  std::uint64_t serial;
};
struct PySampler {
  std::shared_ptr<GameFace> game;
  Alone<SamplerFace, Meet::kWait> face;
};

// The batch, as long as `p` waits for its answer.
Batch& on_its_way(const PyPool& p, const PyBatch& b) {
  if (p.open() != b.pool) throw std::invalid_argument("pool: this batch is another pool's");
  if (b.batch->serial != b.serial) throw std::invalid_argument("pool: this batch is finished already");
  return *b.batch;
}

py::ssize_t size(int n) { return static_cast<py::ssize_t>(n); }

py::tuple planes_shape(const Shape& s) { return py::make_tuple(s.planes(), s.height, s.width); }

// An answer array must be float32, C-contiguous and [rows, columns].
void check_answer(const F32& a, int rows, int columns, const char* name) {
  if (a.ndim() != 2 || a.shape(0) != rows || a.shape(1) != columns)
    throw std::invalid_argument(std::string("finish: ") + name + " must be [" + std::to_string(rows) + ", " +
                                std::to_string(columns) + "]");
}

py::dict report_dict(const SearchReport& r) {
  py::list moves;
  for (const MoveResult& m : r.moves)
    moves.append(py::make_tuple(m.move, m.visits, m.prior, m.q, m.target, m.proof, m.proof_plies));
  py::dict out;
  out["best_move"] = r.best_move;
  out["value"] = r.value;
  out["network_value"] = r.network_value;
  out["proof"] = r.proof;
  out["simulations"] = r.simulations;
  out["nodes"] = r.nodes;
  out["tree_bytes"] = r.tree_bytes;
  out["depth"] = r.depth;
  out["max_depth"] = r.max_depth;
  out["pv"] = r.pv;
  out["moves"] = moves;
  return out;
}

void bind_rules(py::module_& m) {
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

  py::class_<Outcome>(m, "Outcome", "How a game ended.")
      .def_property_readonly(
          "value", [](const Outcome& o) { return o.value; }, "+1, 0 or -1 for the FIRST player.")
      .def_property_readonly("reason", [](const Outcome& o) { return std::string(o.reason); })
      .def_property_readonly(
          "score", [](const Outcome& o) { return o.score; }, "The first player's margin in points, or None.")
      .def("__repr__", [](const Outcome& o) {
        return "Outcome(value=" + std::to_string(o.value) + ", reason='" + o.reason + "'" +
               (o.score ? ", score=" + py::repr(py::float_(*o.score)).cast<std::string>() : std::string()) + ")";
      });

  py::class_<PyGame>(
      m, "Game",
      "A game with its options, e.g. Game(\"go\", board_size=9, komi=7.0). Unknown names or options: ValueError.")
      .def(py::init([](const py::str& name, const py::kwargs& options) {
             return PyGame{make_game(utf8(name), to_options(options))};
           }),
           py::arg("name"))
      .def_property_readonly("name", [](const PyGame& g) { return g.face->name(); })
      .def_property_readonly(
          "options", [](const PyGame& g) { return g.face->options(); }, "Every option with its value.")
      .def_property_readonly(
          "planes_shape", [](const PyGame& g) { return planes_shape(g.face->shape()); },
          "(C, H, W) of Position.planes().")
      .def_property_readonly("policy_size", [](const PyGame& g) { return g.face->shape().policy_size; })
      .def_property_readonly(
          "symmetries", [](const PyGame& g) { return g.face->shape().symmetries; },
          "How many; number 0 is the identity.")
      .def_property_readonly(
          "has_ownership", [](const PyGame& g) { return g.face->has_ownership(); },
          "Whether areas are owned at the end (Go).")
      .def(
          "map_cell",
          [](const PyGame& g, int symmetry, int cell) {
            const Shape s = g.face->shape();
            if (symmetry < 0 || symmetry >= s.symmetries || cell < 0 || cell >= s.cells())
              throw py::index_error("map_cell: out of range");
            return g.face->map_cell(symmetry, cell);
          },
          py::arg("symmetry"), py::arg("cell"), "The cell (row * W + column) that `cell` moves to.")
      .def(
          "map_policy",
          [](const PyGame& g, int symmetry, int index) {
            const Shape s = g.face->shape();
            if (symmetry < 0 || symmetry >= s.symmetries || index < 0 || index >= s.policy_size)
              throw py::index_error("map_policy: out of range");
            return g.face->map_policy(symmetry, index);
          },
          py::arg("symmetry"), py::arg("index"), "The policy index that `index` moves to.")
      .def(
          "position",
          [](const PyGame& g, const std::optional<py::str>& text) {
            return PyPosition{g.face, text ? g.face->position(utf8(*text)) : g.face->position()};
          },
          py::arg("text") = py::none(),
          "The start position, or the one that `text` describes; bad text: ValueError naming the field.")
      .def("__eq__",
           [](const PyGame& a, const PyGame& b) {
             return a.face->name() == b.face->name() && a.face->options() == b.face->options();
           })
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

  py::class_<PyPosition>(m, "Position", "A position of a game, with the moves that led to it.")
      .def_property_readonly("game", [](const PyPosition& p) { return PyGame{p.game}; })
      .def(
          "legal_moves", [](const PyPosition& p) { return p.face->legal_moves(); }, "The legal moves as text.")
      .def(
          "policy_indices",
          [](const PyPosition& p) {
            const auto v = p.face->policy_indices();
            return py::array_t<std::int32_t>(static_cast<py::ssize_t>(v.size()), v.data());
          },
          "int32 [L]: the policy index of each legal move, in the order of legal_moves().")
      .def(
          "play", [](PyPosition& p, const py::str& move) { p.face->play(utf8(move)); }, py::arg("move"),
          "Plays a move; IllegalMove says why not.")
      .def(
          "undo", [](PyPosition& p) { p.face->undo(); }, "Takes the last move back.")
      .def("copy", [](const PyPosition& p) { return PyPosition{p.game, p.face->copy()}; })
      .def("__copy__", [](const PyPosition& p) { return PyPosition{p.game, p.face->copy()}; })
      .def_property_readonly(
          "turn", [](const PyPosition& p) { return p.face->turn(); }, "0: the first player is to move; 1: the other.")
      .def_property_readonly("ply", [](const PyPosition& p) { return p.face->ply(); })
      .def_property_readonly(
          "key", [](const PyPosition& p) { return p.face->key(); },
          "64 bits, equal iff the same for the repetition rule.")
      .def_property_readonly(
          "text", [](const PyPosition& p) { return p.face->text(); }, "Game.position(text) gives this position back.")
      .def_property_readonly(
          "diagram", [](const PyPosition& p) { return p.face->diagram(); }, "The board drawn in text.")
      .def_property_readonly(
          "outcome", [](const PyPosition& p) { return p.face->outcome(); }, "None while playing, else an Outcome.")
      .def_property_readonly("in_check", [](const PyPosition& p) { return p.face->in_check(); })
      .def_property_readonly("can_declare", [](const PyPosition& p) { return p.face->can_declare(); })
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
          "planes",
          [](const PyPosition& p) {
            const Shape s = p.game->shape();
            py::array_t<float> out({size(s.planes()), size(s.height), size(s.width)});
            p.face->planes(out.mutable_data());
            return out;
          },
          "float32 [C, H, W]: the network's input, from the side to move's view.")
      .def(
          "random_playout", [](const PyPosition& p, std::uint64_t seed) { return p.face->random_playout(seed); },
          py::arg("seed"), "(value for the first player, moves) of one random game from here.")
      .def("__repr__",
           [](const PyPosition& p) { return "<Position of " + p.game->name() + ": '" + p.face->text() + "'>"; })
      .def("__str__", [](const PyPosition& p) { return p.face->diagram(); });

  m.def(
      "games",
      [] {
        std::vector<std::string> names;
        for (const GameEntry& entry : all_games())
          if (std::find(names.begin(), names.end(), entry.name) == names.end()) names.push_back(entry.name);
        return names;
      },
      "The names of all games.");
}

void bind_search(py::module_& m) {
  m.def(
      "search_bounds",
      [] {
        std::map<std::string, std::pair<double, double>> all;
        SearchSettings s;
        SearchSettings::each_number(
            s, [&all](const char* name, auto, const Bounds& bounds) { all[name] = {bounds.low, bounds.high}; });
        return all;
      },
      "(least, greatest) of each number among the settings of a search, by name.");
  m.def(
      "considered_visits",
      [](int considered, int simulations) {
        check_within("considered_visits: considered", considered, {0, 65536});
        check_within("considered_visits: simulations", simulations, {0, kLongestSchedule});
        return considered_visits(considered, simulations);
      },
      py::arg("considered"), py::arg("simulations"),
      "Sequential halving's schedule: the visit count that the root move of each simulation must have.");

  py::class_<PySearch>(m, "SearchCore", "One search tree, asked and told from Python; see alphazero.search.Search.")
      .def(py::init([](const PyGame& g, const py::dict& settings, std::uint64_t seed) {
             return PySearch{g.face, Alone<SearchFace, Meet::kRefuse>(g.face->search(to_search(settings), seed))};
           }),
           py::arg("game"), py::arg("settings"), py::arg("seed") = 0)
      .def("set_position",
           [](PySearch& s, const PyPosition& p) {
             if (s.game != p.game && (s.game->name() != p.game->name() || s.game->options() != p.game->options()))
               throw std::invalid_argument("search: a position of " + p.game->name() +
                                           " with other options or rules than this search's game");
             s.face->set_position(*p.face);
           })
      .def(
          "begin",
          [](PySearch& s, int simulations, bool noise, const std::vector<float>& gumbel,
             const std::vector<std::string>& only) { s.face->begin(simulations, noise, gumbel, only); },
          py::arg("simulations"), py::arg("noise") = false, py::arg("gumbel") = std::vector<float>(),
          py::arg("only") = std::vector<std::string>(), "`only`: the root moves to consider; empty: all.")
      .def("set_budget", [](PySearch& s, int simulations) { s.face->set_budget(simulations); })
      .def(
          "collect",
          [](PySearch& s, int rows) {
            check_within("collect: rows", rows, {1, 16384});
            const Shape shape = s.game->shape();
            py::array_t<float> planes({size(rows), size(shape.planes()), size(shape.height), size(shape.width)});
            std::vector<std::vector<std::int32_t>> legal;
            std::vector<int> tickets;
            float* const data = planes.mutable_data();
            int n = 0;
            {
              const py::gil_scoped_release release;
              n = s.face->collect(rows, data, legal, tickets);
            }
            py::list indices;
            for (const auto& each : legal)
              indices.append(py::array_t<std::int32_t>(static_cast<py::ssize_t>(each.size()), each.data()));
            return py::make_tuple(planes[py::slice(0, n, 1)], indices, tickets);
          },
          py::arg("rows"),
          "(planes float32 [n, C, H, W], legal: n int32 arrays of policy indices, tickets): at most `rows` leaves.")
      .def(
          "tell",
          [](PySearch& s, int ticket, const F32& logits, float value) {
            s.face->tell(ticket, {logits.data(), static_cast<std::size_t>(logits.size())}, value);
          },
          py::arg("ticket"), py::arg("logits"), py::arg("value"),
          "Logits of the legal moves in legal order; value for the side to move.")
      .def(
          "run_inside",
          [](PySearch& s, const std::string& evaluator, double seconds, int threads, const py::object& should_stop) {
            if (threads < 1) throw std::invalid_argument("run_inside: threads must be >= 1");
            if (evaluator != "uniform" && evaluator != "rollout")
              throw std::invalid_argument("run_inside: evaluator must be \"uniform\" or \"rollout\"");
            std::exception_ptr raised;  // by the callback or by Ctrl-C: the search ends in good order, then it goes on
            {
              const py::gil_scoped_release release;
              s.face->run_inside(evaluator == "uniform" ? kUniform : kRollout, seconds, threads, [&] {
                const py::gil_scoped_acquire acquire;
                if (raised) return true;
                try {
                  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
                  return !should_stop.is_none() && should_stop().cast<bool>();
                } catch (...) {
                  raised = std::current_exception();
                  return true;
                }
              });
            }
            if (raised) std::rethrow_exception(raised);
          },
          py::arg("evaluator"), py::arg("seconds") = 0.0, py::arg("threads") = 1, py::arg("should_stop") = py::none(),
          "Runs the begun search to its end without Python. From 2 threads on (PUCT only) they share the tree and\n"
          "simulations under way count as virtual losses; the result is the same for any such number.\n"
          "should_stop() is asked about every 10 ms; True ends the search. So does Ctrl-C.")
      .def_property_readonly("done", [](const PySearch& s) { return s.face->done(); })
      .def_property_readonly("simulations", [](const PySearch& s) { return s.face->simulations(); })
      .def(
          "report", [](const PySearch& s, int longest_pv) { return report_dict(s.face->report(longest_pv)); },
          py::arg("longest_pv") = 20)
      .def(
          "line", [](const PySearch& s, const std::string& move, int longest) { return s.face->line(move, longest); },
          py::arg("move"), py::arg("longest") = 20, "The expected line after a root move, itself first.")
      .def(
          "sample_move", [](PySearch& s, double temperature) { return s.face->sample_move(temperature); },
          py::arg("temperature"));
}

void bind_pool(py::module_& m) {
  m.attr("UNIFORM") = kUniform;
  m.attr("ROLLOUT") = kRollout;
  m.attr("RANDOM") = kRandom;

  py::class_<GameRecord>(m, "GameRecord", "A finished game: moves, search results, outcome.")
      .def_readonly("number", &GameRecord::number)
      .def_readonly("first", &GameRecord::first, "Index of the first player in the pool's list.")
      .def_readonly("second", &GameRecord::second)
      .def_readonly("version", &GameRecord::version, "Version of the weights when the game began.")
      .def_readonly("start", &GameRecord::start, "Text of the start position; empty: the game's own.")
      .def_readonly("value", &GameRecord::value, "+1, 0 or -1 for the first player.")
      .def_property_readonly(
          "score", [](const GameRecord& g) { return g.has_score ? std::optional<float>(g.score) : std::nullopt; })
      .def_readonly("reason", &GameRecord::reason)
      .def_readonly("to_the_end", &GameRecord::to_the_end, "Nobody could resign in it.")
      .def_property_readonly("plies", [](const GameRecord& g) { return g.plies.size(); })
      .def_property_readonly(
          "searched_plies",
          [](const GameRecord& g) {
            return std::count_if(g.plies.begin(), g.plies.end(), [](const PlyRecord& p) {
              return p.kind == PlyKind::kFull || p.kind == PlyKind::kFast;
            });
          },
          "Plies with a search: the positions that can be drawn for training.")
      .def_property_readonly(
          "root_values",
          [](const GameRecord& g) {
            py::array_t<float> out(static_cast<py::ssize_t>(g.plies.size()));
            for (std::size_t i = 0; i < g.plies.size(); ++i) out.mutable_data()[i] = g.plies[i].root_value;
            return out;
          },
          "float32 [plies]: the search's value for the side to move; 0 where nothing was searched.")
      .def_property_readonly(
          "kinds",
          [](const GameRecord& g) {
            std::vector<int> out;
            for (const PlyRecord& p : g.plies) out.push_back(static_cast<int>(p.kind));
            return out;
          },
          "Per ply: 0 opening, 1 forced, 2 fast search, 3 full search.")
      .def_property_readonly(
          "surprises",
          [](const GameRecord& g) {
            py::array_t<float> out(static_cast<py::ssize_t>(g.plies.size()));
            for (std::size_t i = 0; i < g.plies.size(); ++i) out.mutable_data()[i] = g.plies[i].surprise;
            return out;
          },
          "float32 [plies]: KL(policy target || prior) in nats; 0 where there is no policy target.")
      .def(
          "policies", [](const GameRecord& g, const PyGame& game) { return game.face->record_policies(g); },
          py::arg("game"), "Per ply the policy target by move, {} where there is none.")
      .def(
          "moves", [](const GameRecord& g, const PyGame& game) { return game.face->record_moves(g); }, py::arg("game"),
          "The moves as text.")
      .def("to_bytes", [](const GameRecord& g) { return py::bytes(serialize(g)); })
      .def_static(
          "from_bytes", [](const py::bytes& bytes) { return deserialize(static_cast<std::string_view>(bytes)); },
          py::arg("data"));

  py::class_<PyBatch>(m, "Batch", "Leaves to evaluate; its arrays are views that are valid until finish().")
      .def_property_readonly("evaluator", [](const PyBatch& b) { return b.batch->evaluator; })
      .def("__len__", [](const PyBatch& b) { return b.batch->written.load(); });

  py::class_<PyPool>(m, "Pool", "Many games on worker threads, their leaves packed into batches.")
      .def(py::init([](const PyGame& g, const py::dict& settings, const py::list& players, const py::list& pairings) {
             std::vector<PlayerSettings> all;
             for (const auto& each : players) all.push_back(to_player(py::cast<py::dict>(each)));
             std::vector<Pairing> pairs;
             for (const auto& each : pairings) {
               const auto t = py::cast<py::tuple>(each);
               const auto number =
                   t.size() > 3 ? py::cast<std::uint64_t>(t[3]) : static_cast<std::uint64_t>(pairs.size());
               pairs.push_back({py::cast<int>(t[0]), py::cast<int>(t[1]), py::cast<std::string>(t[2]), number});
             }
             return std::make_unique<PyPool>(g.face, g.face->pool(to_pool(settings), all, pairs));
           }),
           py::arg("game"), py::arg("settings"), py::arg("players"), py::arg("pairings") = py::list())
      .def(
          "next_batch",
          [](PyPool& p, double seconds, bool partial, bool shared) -> py::object {
            if (!(seconds >= 0.0)) throw std::invalid_argument("next_batch: seconds must be >= 0");
            auto face = p.open();
            Batch* batch = nullptr;
            {
              const py::gil_scoped_release release;
              batch = face->next_batch(seconds, partial, shared);
            }
            if (batch == nullptr) return py::none();
            return py::cast(PyBatch{std::move(face), batch, batch->serial});
          },
          py::arg("seconds") = 0.5, py::arg("partial") = true, py::arg("shared") = false,
          "The next batch to evaluate; None: all games are over, all that remains waits for finish(), or time is up. "
          "partial=False: only a full one. shared=True: other threads answer batches, too, so what waits for them is "
          "waited for.")
      .def(
          "planes",
          [](const PyPool& p, const PyBatch& b) {
            const Batch& batch = on_its_way(p, b);
            if (batch.planes.empty()) throw std::invalid_argument("planes: this pool packs its batches");
            return py::array_t<float>(
                {size(batch.written.load()), size(p.shape.planes()), size(p.shape.height), size(p.shape.width)},
                batch.planes.data(), py::cast(&b));
          },
          py::arg("batch"), "float32 [n, C, H, W], a view.")
      .def(
          "packed",
          [](const PyPool& p, const PyBatch& b) {
            const Batch& batch = on_its_way(p, b);
            if (batch.bits.empty()) throw std::invalid_argument("packed: this pool's batches hold float planes");
            const py::object owner = py::cast(&b);
            const py::ssize_t n = size(batch.written.load());
            return py::make_tuple(
                py::array_t<std::uint8_t>({n, size(p.shape.bit_planes), size(8 * p.shape.words())},
                                          reinterpret_cast<const std::uint8_t*>(batch.bits.data()), owner),
                py::array_t<float>({n, size(p.shape.scalar_planes)}, batch.scalars.data(), owner));
          },
          py::arg("batch"),
          "(bits uint8 [n, bit planes, bytes], scalars float32 [n, scalar planes]), views: cell c of a plane is bit c "
          "% 8 "
          "of byte c / 8; the scalar planes, one number a plane, come after the bit planes.")
      .def(
          "legal",
          [](const PyPool& p, const PyBatch& b) {
            const Batch& batch = on_its_way(p, b);
            return py::array_t<std::int32_t>({size(batch.written.load()), size(batch.max_moves)}, batch.legal.data(),
                                             py::cast(&b));
          },
          py::arg("batch"),
          "int32 [n, most moves]: policy indices of the legal moves, the first legal_count of each row; a view.")
      .def(
          "legal_count",
          [](const PyPool& p, const PyBatch& b) {
            const Batch& batch = on_its_way(p, b);
            return py::array_t<std::int32_t>({size(batch.written.load())}, batch.legal_count.data(), py::cast(&b));
          },
          py::arg("batch"), "int32 [n], a view.")
      .def(
          "finish",
          [](PyPool& p, const PyBatch& b, const F32& logits, const F32& wdl, bool gathered) {
            Batch& batch = on_its_way(p, b);
            int width = p.shape.policy_size;
            if (gathered) {  // as wide as the caller likes, if every legal move is there
              const std::int32_t* const counts = batch.legal_count.data();
              const int most = *std::max_element(counts, counts + batch.written.load());
              width = logits.ndim() == 2 ? std::max(most, static_cast<int>(logits.shape(1))) : most;
            }
            check_answer(logits, batch.written.load(), width, "logits");
            check_answer(wdl, batch.written.load(), 3, "wdl");
            batch.serial = 0;  // finished: from here on nobody else's answer is taken
            p.answers[&batch] = {logits, wdl};
            const py::gil_scoped_release release;
            try {
              b.pool->finish(&batch, logits.data(), width, gathered, wdl.data());
            } catch (...) {
              batch.serial = b.serial;  // it still waits
              throw;
            }
          },
          py::arg("batch"), py::arg("logits"), py::arg("wdl"), py::arg("gathered") = false,
          "float32 logits [n, policy_size] and win/draw/loss probabilities [n, 3]. gathered: logits [n, L] of the "
          "legal "
          "moves alone, in the order of legal().")
      .def(
          "take_finished", [](PyPool& p) { return p.open()->take_finished(); },
          "The games finished since the last call.")
      .def_property_readonly("done", [](PyPool& p) { return p.open()->done(); })
      .def_property_readonly(
          "board", [](const PyPool& p) { return py::make_tuple(p.shape.height, p.shape.width); },
          "(H, W) of the positions.")
      .def_property_readonly(
          "all_parked", [](PyPool& p) { return p.open()->all_parked(); }, "Whether every game waits for finish().")
      .def(
          "set_version", [](PyPool& p, std::uint64_t v) { p.open()->set_version(v); }, py::arg("version"))
      .def(
          "set_simulations",
          [](PyPool& p, int n) {
            check_within("set_simulations", n, {0, kMostSimulations});
            p.open()->set_simulations(n);
          },
          py::arg("simulations"))
      .def(
          "set_resignation",
          [](PyPool& p, double value) {
            check_within("set_resignation", value, {-1000, 1000});
            p.open()->set_resignation(value);
          },
          py::arg("value"), "Self-play resigns below this root value from now on; -1: never.")
      .def_property_readonly("counts",
                             [](PyPool& p) {
                               const PoolCounts c = p.open()->counts();
                               py::dict out;
                               out["simulations"] = c.simulations;
                               out["evaluations"] = c.evaluations;
                               out["cache_hits"] = c.cache_hits;
                               out["batches"] = c.batches;
                               out["plies"] = c.plies;
                               out["games"] = c.games;
                               out["nodes"] = c.nodes;
                               out["tree_bytes"] = c.tree_bytes;
                               return out;
                             })
      .def(
          "close",
          [](PyPool& p) {
            const std::shared_ptr<PoolFace> face = std::move(p.face);
            p.face = nullptr;
            if (!face) return;
            {
              const py::gil_scoped_release release;
              face->stop();
            }
            p.answers.clear();
          },
          "Stops the workers; the pool cannot be used any more. Batches that were given out stay readable.");
}

void bind_sampler(py::module_& m) {
  py::class_<PySampler>(m, "Sampler", "Finished games in, training batches out.")
      .def(py::init(
               [](const PyGame& g) { return PySampler{g.face, Alone<SamplerFace, Meet::kWait>(g.face->sampler())}; }),
           py::arg("game"))
      .def(
          "add",
          [](PySampler& s, const py::bytes& record) { return s.face->add(static_cast<std::string_view>(record)); },
          py::arg("record"),
          "Takes GameRecord.to_bytes(); returns how many of its positions can be drawn. ValueError: the record is "
          "broken.")
      .def(
          "trim", [](PySampler& s, std::uint64_t window) { s.face->trim(window); }, py::arg("window"),
          "Keeps the newest `window` positions.")
      .def_property_readonly("positions", [](const PySampler& s) { return s.face->positions(); })
      .def_property_readonly("games", [](const PySampler& s) { return s.face->games(); })
      .def(
          "sample",
          [](PySampler& s, int n, std::uint64_t seed, bool symmetry, float value_blend, float surprise, bool reply,
             bool packed, int threads) {
            check_within("sample: n", n, {1, 1 << 20});
            check_within("sample: value_blend", value_blend, {0, 1});
            check_within("sample: surprise", surprise, {0, 1});
            check_within("sample: threads", threads, {1, 1024});
            const Shape shape = s.game->shape();
            py::array_t<float> planes(
                {size(packed ? 0 : n), size(shape.planes()), size(shape.height), size(shape.width)});
            py::array_t<std::uint64_t> bits({size(packed ? n : 0), size(shape.bit_planes), size(shape.words())});
            py::array_t<float> scalars({size(packed ? n : 0), size(shape.scalar_planes)});
            const py::ssize_t most = s.face->listed();
            py::array_t<std::int32_t> policy_index({size(n), most});
            py::array_t<float> policy({size(n), most});
            py::array_t<float> policy_weight(size(n));
            py::array_t<float> wdl({size(n), size(3)});
            py::array_t<float> ownership({size(n), size(shape.height), size(shape.width)});
            py::array_t<float> score(size(n));
            py::array_t<float> plies_left(size(n));
            py::array_t<float> ended(size(n));
            py::array_t<std::int32_t> reply_index({size(reply ? n : 0), most});
            py::array_t<float> replies({size(reply ? n : 0), most});
            py::array_t<float> reply_weight(size(reply ? n : 0));
            const TrainingBatch out{.planes = packed ? nullptr : planes.mutable_data(),
                                    .bits = packed ? bits.mutable_data() : nullptr,
                                    .scalars = packed ? scalars.mutable_data() : nullptr,
                                    .policy_index = policy_index.mutable_data(),
                                    .policy = policy.mutable_data(),
                                    .policy_weight = policy_weight.mutable_data(),
                                    .wdl = wdl.mutable_data(),
                                    .ownership = ownership.mutable_data(),
                                    .score = score.mutable_data(),
                                    .plies_left = plies_left.mutable_data(),
                                    .ended = ended.mutable_data(),
                                    .reply_index = reply ? reply_index.mutable_data() : nullptr,
                                    .reply = reply ? replies.mutable_data() : nullptr,
                                    .reply_weight = reply_weight.mutable_data()};
            {
              const py::gil_scoped_release release;
              s.face->sample(n, seed, {symmetry, value_blend, surprise, threads}, out);
            }
            py::dict batch;
            if (packed) {
              batch["bits"] = bits.attr("view")("uint8");
              batch["scalars"] = scalars;
            } else {
              batch["planes"] = planes;
            }
            batch["policy_index"] = policy_index;
            batch["policy"] = policy;
            batch["policy_weight"] = policy_weight;
            batch["wdl"] = wdl;
            batch["ownership"] = ownership;
            batch["score"] = score;
            batch["plies_left"] = plies_left;
            batch["ended"] = ended;
            if (reply) {
              batch["reply_index"] = reply_index;
              batch["reply"] = replies;
              batch["reply_weight"] = reply_weight;
            }
            return batch;
          },
          py::arg("n"), py::arg("seed"), py::arg("symmetry") = true, py::arg("value_blend") = 0.0F,
          py::arg("surprise") = 0.0F, py::arg("reply") = true, py::arg("packed") = false, py::arg("threads") = 1,
          "n positions, each equally likely but for the share `surprise`, drawn in proportion to their surprise, as\n"
          "float32 arrays: planes [n,C,H,W]; the policy as a list of moves, policy_index [n,M] (int32) and their "
          "shares\n"
          "policy [n,M], 0 where not used, and policy_weight [n]; wdl [n,3]; ownership [n,H,W], score [n], plies_left\n"
          "[n], which say nothing where ended [n] is 0, the game being resigned or cut off; and, where wanted, the\n"
          "policy of the opponent's next search as reply_index, reply and reply_weight; all for the side to move.\n"
          "packed: bits and scalars, as Pool.packed gives them, instead of planes. The batch is the same for any "
          "number of\n"
          "threads.");
}

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

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of alphazero: rules, search, self-play pool and sampler.";
  m.attr("__version__") = AZ_VERSION;
  bind_rules(m);
  bind_search(m);
  bind_pool(m);
  bind_sampler(m);
  bind_bench(m);
}
