// The games that this process knows: the core's own, and those of libraries that were loaded.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "cpp/bind/face.h"

namespace az::bind {

// Used under Python's lock.
[[nodiscard]] const Registry& known_games();
[[nodiscard]] bool is_known(const std::string& name);
// Asks alphazero.outside to load the game of this name, where there is one.
void find_outside(const std::string& name);
// Loads a library of games; the names that it brought. Throws pybind11::import_error, and what check() raises.
std::vector<std::string> load_games(const std::string& path, const pybind11::object& check);

}  // namespace az::bind
