# make demo      the whole product on this machine; PORT=8001, DEMO_PASSWORD=… choose port and password
# make demo-reset  the same, from the beginning: the data of the demo is removed first
# make test      the whole suite; PYTEST="-k archive" narrows it, WORKERS=0 keeps it in one process
# DATABASE_URL and REDIS_URL name servers of yours; what they do not name is started under var/.

PYTHON ?= python3
RUN := .venv/bin/python
WORKERS ?= 3
PYTEST ?=

.PHONY: demo demo-reset test soak bench lint format messages clean runtime tools

demo: runtime
	@$(RUN) -m opsadmin.local.demo

demo-reset: runtime
	@$(RUN) -m opsadmin.local.demo --reset

test: tools
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

soak: tools
	@$(RUN) -m pytest -m soak -s $(PYTEST)

# BENCH_N=10000 is the quick form; BENCH_ROWS=guards,xlsx runs some rows.
bench: tools
	@$(RUN) -m tests.bench
	@$(RUN) -m pytest -m bench -s $(PYTEST)

lint: tools
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m bandit -q -c pyproject.toml -r opsadmin approvals stores staffing orgchart
	@$(RUN) -m opsadmin.local.translations check

format: tools
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

messages: tools
	@$(RUN) -m opsadmin.local.translations update

# The data of the demo stays; `make demo-reset` removes that.
clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis test-results var/test
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name '*.mo' -path '*/locale*' -delete

runtime:
	@$(PYTHON) opsadmin/local/install.py requirements.txt

tools:
	@$(PYTHON) opsadmin/local/install.py requirements-dev.txt
