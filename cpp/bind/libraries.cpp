#include "cpp/bind/libraries.h"

#include <dlfcn.h>

#include <algorithm>
#include <utility>

#include "cpp/bind/python_rules.h"
#include "cpp/bind/stamp.h"

namespace az::bind {
namespace {

namespace py = pybind11;

Registry& registry() {
  static Registry all = [] {
    Registry games = built_in_games();
    register_python_rules(games);
    return games;
  }();
  return all;
}

template <class Function>
Function* symbol(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

}  // namespace

const Registry& known_games() { return registry(); }

bool is_known(const std::string& name) {
  return std::any_of(registry().begin(), registry().end(), [&](const GameEntry& each) { return each.name == name; });
}

void find_outside(const std::string& name) { py::module_::import("alphazero.outside").attr("load")(name); }

std::vector<std::string> load_games(const std::string& path, const py::object& check) {
  // Never closed again: games made from it may live to the end.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw py::import_error(dlerror());
  auto* const stamp = symbol<const char*()>(library, "alphazero_stamp");
  auto* const games = symbol<void(Registry*)>(library, "alphazero_games");
  if (stamp == nullptr || games == nullptr)
    throw py::import_error(path + " is no library of games: cpp/bind/library.h says what one exports");
  if (std::string(stamp()) != kStamp)
    throw py::import_error(path + " was built with other headers than this alphazero (" + stamp() + ", not " + kStamp +
                           "); build it again");
  Registry found;
  games(&found);
  std::vector<std::string> names;
  for (const GameEntry& each : found) {
    if (is_known(each.name)) throw py::import_error(path + ": there is a game '" + each.name + "' already");
    if (std::find(names.begin(), names.end(), each.name) == names.end()) names.push_back(each.name);
  }
  registry().insert(registry().end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  if (check.is_none()) return names;
  try {
    check();
  } catch (...) {
    std::erase_if(registry(), [&](const GameEntry& each) {
      return std::find(names.begin(), names.end(), each.name) != names.end();
    });
    throw;
  }
  return names;
}

}  // namespace az::bind
