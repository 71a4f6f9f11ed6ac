// Pools of games, their batches and their records as Python knows them.
#pragma once

#include <pybind11/pybind11.h>

namespace az::bind {

void bind_pool(pybind11::module_& m);

}  // namespace az::bind
