# make train   set up, build, train the quickstart run, rate it          make RUN=DIR train for another directory
# make test    the test command, JOBS=2 files at a time                  make check   what CI runs before it
# make         set up and build only                                     make sanitize  the core under sanitizers
# make fuzz    inputs that are nearly right, for all readers; SECONDS=600 for each of them
# make docs    the site of all Markdown files in build/docs; broken links are errors
PYTHON ?= python3
RUN ?= runs/quickstart
CONFIG ?= configs/quickstart.yaml
WERROR ?= OFF
SECONDS ?= 60
JOBS ?= 2
VENV := .venv
comma := ,
BIN := $(VENV)/bin
SOURCES := $(shell find cpp games -type f) CMakeLists.txt pyproject.toml

.PHONY: all train test check static docs format sanitize sanitize-open_spiel fuzz clean
all: $(VENV)/.built

$(VENV)/.tools: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "alphazero needs Python 3.10 or newer: make PYTHON=python3.11 ..." >&2; exit 2; }
	@command -v c++ g++ clang++ > /dev/null || { echo "alphazero needs a C++20 compiler (g++ 12 or clang 15 and newer)" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt "scikit-build-core>=0.10" "pybind11>=2.13" cmake ninja
	touch $@

# Installed in place: Python files are used from here, the compiled core is rebuilt when its sources change.
$(VENV)/.built: $(VENV)/.tools $(SOURCES)
	@# OpenVINO is two to three times as fast as torch on most processors; where it has no wheel, torch alone will do.
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation \
		-C cmake.define.AZ_WERROR=$(WERROR) -e '.[train,play]' || \
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation \
		-C cmake.define.AZ_WERROR=$(WERROR) -e '.[train]'
	touch $@

$(VENV)/.dev: $(VENV)/.built
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation \
		-C cmake.define.AZ_WERROR=$(WERROR) -e '.[test,dev,docs]'
	touch $@

train: $(VENV)/.built
	$(BIN)/alphazero train $(CONFIG) --run $(RUN)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: WERROR := ON
check: static docs test

static: $(VENV)/.dev
	$(BIN)/ruff format --check alphazero tests tools
	$(BIN)/ruff check alphazero tests tools
	$(BIN)/mypy
	@# import-linter's pinned version needs Python 3.11; the floor plan is the same on every Python.
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 11))' || $(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python tools/wrap_prose.py
	$(BIN)/clang-format --dry-run --Werror $(shell find cpp games -name '*.h' -o -name '*.cpp') tools/connect4_solver.cpp tests/cpp/drawn.h tests/cpp/stress.cpp tests/cpp/batcher.cpp tests/fuzz/core.cpp tools/alphazero_bench/open_spiel_peer.cpp

docs: $(VENV)/.dev
	$(BIN)/python tools/build_docs.py

format: $(VENV)/.dev
	$(BIN)/ruff format alphazero tests tools
	$(BIN)/ruff check --fix alphazero tests tools
	$(BIN)/python tools/wrap_prose.py --fix
	$(BIN)/clang-format -i $(shell find cpp games -name '*.h' -o -name '*.cpp') tools/connect4_solver.cpp tests/cpp/drawn.h tests/cpp/stress.cpp tests/cpp/batcher.cpp tests/fuzz/core.cpp tools/alphazero_bench/open_spiel_peer.cpp

# The batcher alone, then rules, searches and pools of every game on several threads (tests/cpp), under the sanitizers;
# needs no Python, and with OpenSpiel ten of its games: `make sanitize-open_spiel`.
sanitize: build/batcher-thread build/batcher-address build/stress-thread build/stress-address
	build/batcher-address
	TSAN_OPTIONS=halt_on_error=1 build/batcher-thread
	build/stress-address
	TSAN_OPTIONS=halt_on_error=1 build/stress-thread
SANITIZED = c++ -std=c++20 -O1 -g -Wall -Wextra -fsanitize=$*$(if $(filter address,$*),$(comma)undefined) -fno-sanitize-recover=all
build/stress-%: tests/cpp/stress.cpp tests/cpp/drawn.h $(SOURCES)
	mkdir -p build
	$(SANITIZED) -I. $< -o $@ -pthread
build/batcher-%: tests/cpp/batcher.cpp $(SOURCES)
	mkdir -p build
	$(SANITIZED) -I. $< -o $@ -pthread

# OpenSpiel's own code is not compiled here, so the sanitizers see ours, and what it does to memory of ours.
SPIEL = $(shell $(BIN)/python -c 'import importlib.util as u; print(u.find_spec("pyspiel").origin)')
SITE = $(dir $(SPIEL))
LIBPYTHON = $(shell $(BIN)/python -c 'import sysconfig; print("-L{0} -lpython{1} -Wl,-rpath,{0}".format(*map(sysconfig.get_config_var, ("LIBDIR", "LDVERSION"))))')
sanitize-open_spiel: $(VENV)/.dev
	mkdir -p build
	c++ -std=c++20 -O1 -g -DAZ_OPEN_SPIEL -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -I. \
		$(addprefix -isystem$(SITE),. open_spiel open_spiel/abseil-cpp open_spiel/json/include) tests/cpp/stress.cpp \
		-o build/stress-open_spiel -pthread $(SPIEL) $(LIBPYTHON)
	build/stress-open_spiel

# Every reader and the core's texts and records, for SECONDS each (tests/fuzz/run.py); findings in build/fuzz/findings.
fuzz: $(VENV)/.dev
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[fuzz]' || \
	echo "without atheris: inputs do not follow coverage" >&2
	$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS)

clean:
	rm -rf build $(VENV)/.built $(VENV)/.dev
