"""One arm or one scene, in a process of its own: ``python -m tests.bench.child arm workbook workbook ours 1000``."""

import json
import logging
import os
import sys
import tempfile

import django


def main():
    """Run it with checkpoints of its own: those of another copy of the same archive would contradict it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ANCHOR_FILE"] = f"{folder}/checkpoints.jsonl"
        run()


def run():
    sort, name, *rest = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsadmin.settings")
    django.setup()
    logging.disable(logging.WARNING)
    if sort == "scene":
        from tests.bench.scenes import SCENES

        return SCENES[name].make(int(rest[0]))
    from tests.bench.harness import measure
    from tests.bench.rows import rows_of

    key, arm, size = rest
    print(json.dumps(measure(rows_of(name)[key].arms[arm](int(size)))))


if __name__ == "__main__":
    main()
