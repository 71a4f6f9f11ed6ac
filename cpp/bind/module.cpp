// The Python module alphazero._core, joined from its subjects. Nothing outside this folder knows pybind11.
#include <pybind11/pybind11.h>

#include "cpp/bind/pool.h"
#include "cpp/bind/rules.h"
#include "cpp/bind/sampler.h"
#include "cpp/bind/search.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of alphazero: rules, search, self-play pool and sampler.";
  m.attr("__version__") = AZ_VERSION;
  az::bind::bind_rules(m);
  az::bind::bind_search(m);
  az::bind::bind_pool(m);
  az::bind::bind_sampler(m);
}
