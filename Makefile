# PYTHON decides for which CPython the cgo packages are built and tested;
# PYTHONS for which ones gowsgi holds workers.
PYTHON  ?= python3
PYTHONS ?= $(PYTHON)

GOFUMPT      := mvdan.cc/gofumpt@v0.12.0
GOLANGCILINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2
RUFF         := ruff==0.15.0

WITH_PYTHON := $(PYTHON) embed/cgo_env.py
WORKERS     := internal/python/workers

.PHONY: build
build: ## bin/gowsgi, with a worker inside for each of PYTHONS
	@for python in $(PYTHONS); do $$python embed/cgo_env.py --name >/dev/null || exit 1; done
	@workers=; for python in $(PYTHONS); do \
		name=$$($$python embed/cgo_env.py --name) && \
		echo "building the worker for CPython $$name" && \
		$$python embed/cgo_env.py go build -trimpath -o build/workers/gowsgi-worker-$$name ./cmd/gowsgi-worker || exit 1; \
		workers="$$workers build/workers/gowsgi-worker-$$name"; \
	done; go run ./internal/python/pack $(WORKERS) $$workers
	@CGO_ENABLED=0 go build -trimpath -o bin/gowsgi ./cmd/gowsgi
	@bin/gowsgi --version

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 14

.DEFAULT_GOAL := build
