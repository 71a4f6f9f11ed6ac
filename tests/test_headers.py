"""The C++ headers that come with the package are whole: a program of somebody else's compiles with them alone."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import alphazero as az

PROGRAM = """
#include <cstdio>
#include <vector>

#include "cpp/sampler/sampler.h"
#include "cpp/search/search.h"
#include "cpp/selfplay/pool.h"
#include "games/connect4/connect4.h"

int main() {
  using G = az::connect4::Connect4;
  az::Search<G> search(G::Position({}), {}, 1);
  search.begin(50, false);
  int asked = 0;
  while (search.ask([&](auto&, const auto& /*moves*/, int ticket) { asked = ticket; }) == az::Ask::kLeaf) {
    const std::vector<float> even(7, 0.0F);
    search.tell(asked, even.data(), 0.0F);
  }
  std::printf("%d\\n", search.tree().simulations());
}
"""


def test_a_program_compiles_with_the_installed_headers_alone(tmp_path):
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler under the name c++")
    source, program = tmp_path / "own.cpp", tmp_path / "own"
    source.write_text(PROGRAM)
    made = subprocess.run(
        [compiler, "-std=c++20", "-O1", "-pthread", f"-I{az.get_include()}", source, "-o", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "50\n"
