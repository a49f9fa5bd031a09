# make demo: sets everything up in .venv, finds laws in real measurements and writes report/
# make test: sets everything up if needed, then runs the checks

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
RUN := $(VENV)/bin
STAMP := $(VENV)/.set-up
OUT ?= report

export MPLBACKEND := agg

.PHONY: setup demo test test-slow packages lint format bench tutorials docs clean

setup: $(STAMP)

$(STAMP): Makefile pyproject.toml .ci/install_torch.py
	test -x $(RUN)/python || $(PYTHON) -m venv $(VENV)
	$(RUN)/python .ci/install_torch.py "$(TORCH)"
	$(RUN)/python -m pip install --quiet -e '.[fast,notebooks,dev]'
	$(RUN)/python .ci/install_torch.py --check
	touch $@

demo: setup
	$(RUN)/kanscience discover data/planets.csv --target period_yr \
		--inputs semi_major_axis_au,eccentricity,mass_earth --out $(OUT)/planets
	$(RUN)/kanscience discover data/nuclear_binding.csv --target binding_energy_MeV \
		--inputs Z,N --sigma uncertainty_MeV --out $(OUT)/nuclei

test: setup
	$(RUN)/python -m pytest -n 2

test-slow: setup
	$(RUN)/python -m pytest -m slow

# Wheel and sdist, used in an empty environment; again with the oldest dependencies: make packages OPTIONS=--oldest
packages: setup
	$(RUN)/python .ci/check_packages.py $(OPTIONS)

lint: setup
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/pyright

format: setup
	$(RUN)/ruff check --fix
	$(RUN)/ruff format

# All benchmarks, some hours beside nothing else; a first look in minutes: make bench OPTIONS=--short
bench: setup
	$(RUN)/python -m pip install --quiet -e '.[benchmarks]'
	$(RUN)/python benchmarks/run.py $(OPTIONS)

# The notebooks at their full size; the checks run them with fewer rows and steps, as pages of the documentation.
tutorials: setup
	$(RUN)/python -m pytest --nbmake --nbmake-timeout=1800 tutorials

# Every page and notebook is executed, with fewer rows and steps where KANSCIENCE_SMALL=1. Under agg notebooks would show no plots.
docs: setup
	$(RUN)/python -m pip install --quiet -e '.[docs]'
	env -u MPLBACKEND $(RUN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf docs/_build docs/tutorials $(OUT) .pytest_cache .ruff_cache .hypothesis dist
