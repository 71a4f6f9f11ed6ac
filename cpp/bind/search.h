// One search tree as Python asks and tells it.
#pragma once

#include "cpp/bind/convert.h"
#include "cpp/search/settings.h"

namespace az::bind {

// Reads what a search can be told.
void read_search(Settings& from, SearchSettings& s);
void bind_search(pybind11::module_& m);

}  // namespace az::bind
