# Targets for contributors; CONTRIBUTING.md explains them.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install test lint format docs ci

install:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -e '.[test]' pre-commit
	$(BIN)/pre-commit install

test:
	$(BIN)/python -m pytest

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs:
	$(BIN)/pip install -e '.[docs]'
	$(BIN)/mkdocs build --strict

ci:
	.ci/run
