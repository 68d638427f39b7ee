"""Chinese catalogues without GNU gettext: compile them, and say what is missing.

``python -m opsadmin.local.translations compile`` makes the .mo files that Django reads; ``check`` judges the
.po files; ``update`` and ``complete`` look for new texts in the sources and need GNU gettext for that.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

from opsadmin.local.processes import LocalError

ROOT = Path(__file__).resolve().parent.parent.parent
LANGUAGE = "zh_Hans"
PLACEHOLDER = re.compile(r"%\(\w+\)[#0-9.+-]*[a-zA-Z]|%[#0-9.+-]*[sdifr]|\{\w*\}")
NOT_OURS = ["var/*", ".venv/*", "tests/*", "docs/*", "node_modules/*"]


def catalogues(root=ROOT):
    """Return our .po files, sorted; those in a virtual environment beside the apps are not ours."""
    packages = [path.parent for path in root.glob("*/__init__.py")]
    pattern = f"**/locale*/{LANGUAGE}/LC_MESSAGES/*.po"
    return sorted(path for package in packages for path in package.glob(pattern))


def compile_all(root=ROOT):
    """Compile every .po file that is newer than its .mo file; fuzzy entries are left out."""
    for path in catalogues(root):
        compiled = path.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            continue
        # Web and worker may read the old file right now: the new one takes its place whole.
        new = compiled.with_suffix(f".{os.getpid()}.new")
        polib.pofile(str(path)).save_as_mofile(str(new))
        new.replace(compiled)


def faults(root=ROOT):
    """Yield a line for each text whose translation is missing, unsure, or has other placeholders."""
    for path in catalogues(root):
        for entry in polib.pofile(str(path)):
            if not entry.obsolete and (fault := fault_of(entry)):
                yield f"{path.relative_to(root)}:{entry.linenum}: {fault}: {entry.msgid!r}"


def fault_of(entry):
    """Return what is wrong with one entry, or None."""
    forms = list(entry.msgstr_plural.values()) or [entry.msgstr]
    if entry.fuzzy:
        return "marked fuzzy"
    if not all(forms):
        return "not translated"
    sources = [entry.msgid, entry.msgid_plural or entry.msgid]
    allowed = [placeholders(source) for source in sources]
    if any(placeholders(form) not in allowed for form in forms):
        return "other placeholders than the English text"
    if any(form.endswith("\n") != entry.msgid.endswith("\n") for form in forms):
        return "ends with a line break in one language only"
    return None


def placeholders(text):
    """Return what a text needs to be filled in; a name may be used twice, a place in a row may not."""
    found = PLACEHOLDER.findall(text.replace("%%", ""))
    named = {word for word in found if word.startswith("%(")}
    return sorted(named), [word for word in found if word not in named]


def update(root=ROOT):
    """Collect the texts of the sources into the .po files under ``root``."""
    if not shutil.which("xgettext"):
        raise LocalError("GNU gettext is missing. On Debian: apt-get install gettext")
    argv = [sys.executable, "manage.py", "makemessages", "-l", LANGUAGE, "--no-wrap", "--no-obsolete"]
    argv += ["--add-location", "file", *(f"--ignore={pattern}" for pattern in NOT_OURS)]
    # The command reads the settings but asks no server.
    nowhere = {"DATABASE_URL": "postgres://nobody@localhost/none", "REDIS_URL": "redis://localhost"}
    done = subprocess.run(
        argv,
        cwd=root,
        env={**os.environ, **nowhere, "VAR_DIR": str(root / "var")},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise LocalError(done.stderr.strip())


def new_texts(root=ROOT):
    """Return the texts in the sources that no catalogue holds, sorted; the work tree is left alone."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "copy"
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (root / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, copy / name)
        update(copy)
        return sorted(texts(copy) - texts(root))


def texts(root):
    """Return every text of the catalogues under ``root``, with its context."""
    entries = [entry for path in catalogues(root) for entry in polib.pofile(str(path)) if not entry.obsolete]
    return {(entry.msgctxt or "", entry.msgid) for entry in entries}


def main(command):
    """Run one command; return the exit code."""
    found = []
    if command == "compile":
        compile_all()
    elif command == "check":
        found = list(faults())
    elif command == "update":
        update()
    elif command == "complete":
        found = [f"not in a catalogue, run `make messages`: {text!r}" for _context, text in new_texts()]
    else:
        found = ["Write one of: compile, check, update, complete."]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main(" ".join(sys.argv[1:])))
    except LocalError as error:
        sys.exit(str(error))
