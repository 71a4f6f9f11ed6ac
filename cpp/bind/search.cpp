#include "cpp/bind/search.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpp/bind/alone.h"
#include "cpp/bind/face.h"
#include "cpp/bind/rules.h"
#include "cpp/search/schedule.h"

namespace az::bind {
namespace {

struct PySearch {
  std::shared_ptr<GameFace> game;
  Alone<SearchFace, Meet::kRefuse> face;
};

SearchSettings to_search(const py::dict& d) {
  SearchSettings s;
  Settings from(d, "search");
  read_search(from, s);
  from.refuse_unknown();
  return s;
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

// --- settings and schedules, without a search ---

constexpr const char* kSearchFields = R"(The table of a search's settings, a dict each.

name; default: int, float, bool or str; low, high: of a number; choices: of a str; option: the
engine option that sets it, "" for none; noise: it acts with noise alone, so in self-play; reason:
what it does and why the default is what it is.)";

template <class T>
py::dict field_dict(const SettingRow& row, const T& setting) {
  py::dict out;
  out["name"] = row.name;
  out["low"] = row.bounds.low;
  out["high"] = row.bounds.high;
  out["option"] = row.option;
  out["noise"] = row.noise;
  out["reason"] = row.reason;
  py::list choices;
  if constexpr (std::is_enum_v<T>) {
    for (const char* name : names_of(T{})) choices.append(name);
    out["default"] = choices[static_cast<std::size_t>(setting)];
  } else if constexpr (std::is_floating_point_v<T>) {
    out["default"] =
        std::strtod(plain(static_cast<double>(setting)).c_str(), nullptr);  // 0.2, not the float next to it
  } else {
    out["default"] = setting;
  }
  out["choices"] = py::tuple(choices);
  return out;
}

void bind_settings(py::module_& m) {
  m.def(
      "search_fields",
      [] {
        py::list all;
        SearchSettings s;
        SearchSettings::each(s, [&all](const SettingRow& row, auto& setting) { all.append(field_dict(row, setting)); });
        return all;
      },
      kSearchFields);
  m.def(
      "check_search", [](const py::dict& settings) { to_search(settings); }, py::arg("settings"),
      "ValueError where these are no settings of a search: an unknown name, or a value that cannot be.");
  m.def(
      "considered_visits",
      [](int considered, int simulations) {
        check_within("considered_visits: considered", considered, {0, 65536});
        check_within("considered_visits: simulations", simulations, {0, kLongestSchedule});
        return considered_visits(considered, simulations);
      },
      py::arg("considered"), py::arg("simulations"),
      "Sequential halving's schedule: the visit count that the root move of each simulation must have.");
}

// --- a search ---

constexpr const char* kBegin = R"(Begins a search of `simulations` new simulations in the position that is set.

noise: root noise, as the settings say. gumbel: the root's Gumbel numbers in legal order; empty:
they are drawn. only: the root moves to consider; empty: all.)";
constexpr const char* kCollect = R"(The next leaves to evaluate, `rows` of them at most: (planes, legal, tickets).

planes: float32 [n, C, H, W]. legal: n int32 arrays of the legal moves' policy indices. tickets:
the names under which tell() takes the answers. No leaf: the search is done, or all wait.)";
constexpr const char* kTell = R"(The answer to the leaf of this ticket.

logits: float32, one a legal move, in legal order. value: for the side to move.)";
constexpr const char* kCollectBatch = R"(The tickets of the next leaves, `rows` of them at most.

Their planes are written into the first rows of `planes`, a C array [rows or more, C, H, W] of
float32, or of uint16 for the bits of bfloat16. Leaves whose answers are kept are answered at once.
None: the search is done, all wait, or so many answers were known that it is time to look up.)";
constexpr const char* kTellBatch = R"(The answers to tickets of collect_batch().

logits: float32 [n, policy_size]. values: float32 [n], for the side to move. beside: float32
[n, as keep_answers() said], what else is to be kept of an answer. Returns three arrays [n] that say
where the leaves lie: the index of the root move in legal order (int32; -1: the root itself), the
plies below the root (int32), and whether the root's side is to move there (bool).)";
constexpr const char* kTakeKnown = R"(Leaves whose answers were kept, of this search and since it was last asked.

Three arrays as tell_batch() returns them, and what was kept beside each answer: float32 [n, B].)";
constexpr const char* kKeepAnswers =
    R"(Keeps answers of tell_batch() for leaves to come, in so much memory; those of before are dropped.

beside: how many numbers are kept of an answer beside logits and value.)";
constexpr const char* kRunInside = R"(Runs the begun search to its end without Python.

evaluator: "uniform" or "rollout". seconds: the time it may take; 0: no limit. From 2 threads on
(PUCT only) they share the tree and simulations under way count as virtual losses; the result is
the same for any such number. should_stop() is asked about every 10 ms; True ends the search. So
does Ctrl-C.)";
constexpr const char* kReport = R"(What was found, as a dict: best_move, value, pv, moves and counts.

moves: (move, visits, prior, q, target, proof, proof_plies), in legal order.)";

void set_position(PySearch& s, const PyPosition& p) {
  if (s.game != p.game && (s.game->name() != p.game->name() || s.game->options() != p.game->options()))
    throw std::invalid_argument("search: a position of " + p.game->name() +
                                " with other options or rules than this search's game");
  s.face->set_position(*p.face);
}

py::tuple collect(PySearch& s, int rows) {
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
}

// Memory that a batch's planes are written into, [rows or more, C, H, W]; uint16 takes them as bfloat16.
py::list collect_batch(PySearch& s, py::array& planes, int rows) {
  check_within("collect_batch: rows", rows, {1, 16384});
  const Shape shape = s.game->shape();
  const bool halves = py::isinstance<py::array_t<std::uint16_t>>(planes);
  if ((!halves && !py::isinstance<py::array_t<float>>(planes)) || planes.ndim() != 4 || planes.shape(0) < rows ||
      planes.shape(1) != shape.planes() || planes.shape(2) != shape.height || planes.shape(3) != shape.width ||
      (planes.flags() & py::array::c_style) == 0 || !planes.writeable())
    throw std::invalid_argument("collect_batch: planes must be a C array [rows, C, H, W] of float32 or uint16");
  void* const out = planes.mutable_data();
  std::vector<int> tickets;
  {
    const py::gil_scoped_release release;
    s.face->collect_batch(rows, out, halves, tickets);
  }
  return py::cast(tickets);
}

std::span<const float> numbers(const F32& array) { return {array.data(), static_cast<std::size_t>(array.size())}; }

// The origins as arrays: root moves and plies (int32), whether the side to move is the root's (bool).
py::tuple arrays_of(const std::vector<LeafOrigin>& origins) {
  py::array_t<std::int32_t> moves(static_cast<py::ssize_t>(origins.size()));
  py::array_t<std::int32_t> plies(static_cast<py::ssize_t>(origins.size()));
  py::array_t<bool> own(static_cast<py::ssize_t>(origins.size()));
  for (std::size_t i = 0; i < origins.size(); ++i) {
    moves.mutable_at(static_cast<py::ssize_t>(i)) = origins[i].move;
    plies.mutable_at(static_cast<py::ssize_t>(i)) = origins[i].plies;
    own.mutable_at(static_cast<py::ssize_t>(i)) = origins[i].own;
  }
  return py::make_tuple(moves, plies, own);
}

py::tuple tell_batch(PySearch& s, const std::vector<int>& tickets, const F32& logits, const F32& values,
                     const F32& beside) {
  std::vector<LeafOrigin> origins;
  {
    const py::gil_scoped_release release;
    origins = s.face->tell_batch(tickets, numbers(logits), numbers(values), numbers(beside));
  }
  return arrays_of(origins);
}

py::tuple take_known(PySearch& s) {
  const KnownLeaves known = s.face->take_known();
  const auto leaves = static_cast<py::ssize_t>(known.origins.size());
  const auto all = static_cast<py::ssize_t>(known.beside.size());
  py::array_t<float> beside({leaves, leaves == 0 ? 0 : all / leaves});
  std::copy(known.beside.begin(), known.beside.end(), beside.mutable_data());
  return arrays_of(known.origins) + py::make_tuple(beside);
}

void run_inside(PySearch& s, const std::string& evaluator, double seconds, int threads, const py::object& should_stop) {
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
}

void bind_search_core(py::module_& m) {
  py::class_<PySearch>(m, "SearchCore", "One search tree, asked and told from Python; see alphazero.search.Search.")
      .def(py::init([](const PyGame& g, const py::dict& settings, std::uint64_t seed) {
             return PySearch{g.face, Alone<SearchFace, Meet::kRefuse>(g.face->search(to_search(settings), seed))};
           }),
           py::arg("game"), py::arg("settings"), py::arg("seed") = 0)
      .def("set_position", &set_position, py::arg("position"),
           "Searches here from now on; the tree is kept where the position follows the last one.")
      .def(
          "begin",
          [](PySearch& s, int simulations, bool noise, const std::vector<float>& gumbel,
             const std::vector<std::string>& only) { s.face->begin(simulations, noise, gumbel, only); },
          py::arg("simulations"), py::arg("noise") = false, py::arg("gumbel") = std::vector<float>(),
          py::arg("only") = std::vector<std::string>(), kBegin)
      .def(
          "set_budget", [](PySearch& s, int simulations) { s.face->set_budget(simulations); }, py::arg("simulations"),
          "Ends the running search after so many simulations instead.")
      .def("collect", &collect, py::arg("rows"), kCollect)
      .def(
          "tell",
          [](PySearch& s, int ticket, const F32& logits, float value) {
            s.face->tell(ticket, {logits.data(), static_cast<std::size_t>(logits.size())}, value);
          },
          py::arg("ticket"), py::arg("logits"), py::arg("value"), kTell)
      .def("collect_batch", &collect_batch, py::arg("planes"), py::arg("rows"), kCollectBatch)
      .def("tell_batch", &tell_batch, py::arg("tickets"), py::arg("logits"), py::arg("values"), py::arg("beside"),
           kTellBatch)
      .def("take_known", &take_known, kTakeKnown)
      .def(
          "keep_answers", [](PySearch& s, int megabytes, int beside) { s.face->keep_answers(megabytes, beside); },
          py::arg("megabytes"), py::arg("beside"), kKeepAnswers)
      .def(
          "share_answers",
          [](PySearch& s, PySearch& other) {
            if (s.game->name() != other.game->name())
              throw std::invalid_argument("share_answers: a search of another game");
            s.face->share_answers(*other.face.operator->().operator->());
          },
          py::arg("other"), "Keeps answers together with another search by the same network.")
      .def_property_readonly(
          "known_answers", [](const PySearch& s) { return s.face->known_answers(); },
          "Leaves that needed no evaluation so far, since their answers were kept.")
      .def("run_inside", &run_inside, py::arg("evaluator"), py::arg("seconds") = 0.0, py::arg("threads") = 1,
           py::arg("should_stop") = py::none(), kRunInside)
      .def_property_readonly(
          "done", [](const PySearch& s) { return s.face->done(); }, "Whether the search that was begun is over.")
      .def_property_readonly(
          "simulations", [](const PySearch& s) { return s.face->simulations(); },
          "How many simulations this search has made.")
      .def(
          "report", [](const PySearch& s, int longest_pv) { return report_dict(s.face->report(longest_pv)); },
          py::arg("longest_pv") = 20, kReport)
      .def(
          "line", [](const PySearch& s, const std::string& move, int longest) { return s.face->line(move, longest); },
          py::arg("move"), py::arg("longest") = 20, "The expected line after a root move, itself first.")
      .def(
          "line_visits",
          [](const PySearch& s, const std::string& move, int longest) { return s.face->line_visits(move, longest); },
          py::arg("move"), py::arg("longest") = 20, "The visits of each move of line().")
      .def(
          "sample_move", [](PySearch& s, double temperature) { return s.face->sample_move(temperature); },
          py::arg("temperature"), "A move drawn from the visit counts raised to 1 / temperature; 0: the best one.");
}

}  // namespace

void read_search(Settings& from, SearchSettings& s) {
  SearchSettings::each(s, [&from]<class T>(const SettingRow& row, T& setting) {
    if constexpr (std::is_enum_v<T>) {
      constexpr auto names = names_of(T{});
      setting = static_cast<T>(from.choice(row.name, {names.begin(), names.end()}, static_cast<int>(setting)));
    } else if constexpr (std::is_same_v<T, bool>) {
      from.flag(row.name, setting);
    } else {
      from.number(row.name, setting, row.bounds);
    }
  });
}

void bind_search(py::module_& m) {
  bind_settings(m);
  bind_search_core(m);
}

}  // namespace az::bind
