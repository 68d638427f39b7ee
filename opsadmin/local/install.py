"""Make .venv and install a requirements file in it: ``python3 opsadmin/local/install.py requirements.txt``.

Runs before anything is installed, so it needs only the standard library. Does nothing when the same files
have been installed before.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def main(name):
    """Install the file of this name; return the exit code, or a sentence for the person at the terminal."""
    if sys.version_info < OLDEST:
        return "Python 3.11 or newer is needed, this is {}.{}. Write: make PYTHON=python3.11 ...".format(
            *sys.version_info[:2]
        )
    stamp = VENV / f"installed-{name}"
    try:
        if not works():
            print("Making a virtual environment in .venv.", flush=True)
            make_venv()
        if not stamp.exists() or stamp.read_text() != fingerprint(name):
            print(f"Installing {name}.", flush=True)
            argv = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*argv, "--requirement", ROOT / name], check=True)
            stamp.write_text(fingerprint(name))
    except PermissionError as error:
        return f"{error.filename} belongs to another user. Run this as that user, or remove .venv first."
    except subprocess.CalledProcessError:
        return (
            "The command above has failed. On Debian, `apt-get install python3-venv` brings what venv needs."
        )
    return 0


def works():
    """Return whether there is a virtual environment whose Python still starts and is new enough."""
    test = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([PYTHON, "-c", test], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def make_venv():
    """Make it afresh, also over the remains of one whose Python is gone."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def fingerprint(name):
    """Return a digest of the file and the ones that it includes."""
    text = (ROOT / name).read_text()
    included = [line.split()[1] for line in text.splitlines() if line.startswith("-r ")]
    return hashlib.sha256(text.encode()).hexdigest() + "".join(fingerprint(other) for other in included)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
