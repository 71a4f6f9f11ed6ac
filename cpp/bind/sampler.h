// The sampler as Python knows it.
#pragma once

#include <pybind11/pybind11.h>

namespace az::bind {

void bind_sampler(pybind11::module_& m);

}  // namespace az::bind
