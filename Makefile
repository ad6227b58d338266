# Daily work. `make report` and `make test` set everything up on a fresh machine with Python >= 3.11, pip and gcc.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2
export OMP_NUM_THREADS ?= 1

.PHONY: report test build lint bench bench-compare clean debug
report: build        ## run the conformance report on reftorch; says where the page is
	$(BIN)/python -m conformance run --subject reftorch --oracle torch -j $(JOBS) --out report

test: build          ## run the tests
	$(BIN)/python -m pytest tests

build: $(VENV)/ready ## create the environment, compile, install

$(VENV)/ready: pyproject.toml setup.py $(wildcard reftorch/core/*.pyx reftorch/core/*.pxi reftorch/core/*.h reftorch/kernels/*.pyx reftorch/kernels/*.h reftorch/kernels/native/*)
	@echo "installing PyTorch, the oracle, and compiling: some minutes"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[conformance,oracle,test]'
	touch $@

lint: build          ## style and source rules
	$(BIN)/python -m pip install --quiet ruff cython-lint
	$(BIN)/ruff check reftorch conformance tests bench
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint reftorch       # it calls pycodestyle by name

bench: build         ## speed, side by side with PyTorch: 1 and 2 threads, saved in .bench and drawn
	$(BIN)/python -m pytest bench --benchmark-only
	OMP_NUM_THREADS=2 $(BIN)/python -m pytest bench --benchmark-only --threads 2
	$(BIN)/python bench/chart.py

bench-compare: build ## rows that fell by more than 15 % in three repeats: make bench-compare BASE=.bench/COMMIT-1.json
	$(BIN)/python bench/compare.py $(BASE)

# Our own programs only: the documentation's examples belong to PyTorch. Printed text is held whole; of tensors with more than
# 1000 elements (data sets, layers of an AlexNet) an even sample of 1000.
PACK := conformance/packs/torch-2.13.pack
golden: build        ## record the shipped golden pack anew, after a change of these sources
	$(BIN)/python -m conformance record -j $(JOBS) --source tutorial --source script --source fuzz --sample 1000 $(PACK)

expected: build      ## write down anew what is known to fail against the pack
	$(BIN)/python -m conformance run --oracle $(PACK) -j $(JOBS) --out report/pack --expect conformance/expected/pack.toml --update

debug:               ## rebuild with bounds checks and Cython's annotated source
	REFTORCH_DEBUG=1 $(BIN)/python setup.py build_ext --inplace --force

clean:
	rm -rf build dist *.egg-info $(VENV) report .conformance
	find reftorch \( -name '*.so' -o -name '*.c' \) -not -path '*/native/*' -delete
