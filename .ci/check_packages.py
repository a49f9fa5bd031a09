"""Build the packages, install the wheel in an empty environment and work with it there, as a newcomer would.

    python .ci/check_packages.py [--oldest] [--python python3.13]

With --oldest every dependency is the oldest that pyproject.toml promises and that fits the others; what had to be
newer is said. Whatever is made is in a temporary folder and gone at the end. Needs the extra `dev`, and PyTorch: the
environment gets the same version.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
DEPENDENCIES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
VERSION = re.findall(r'^__version__ = "(.+)"$', (ROOT / "kanscience/__init__.py").read_text(encoding="utf-8"), re.M)[0]
TABLES = "kanscience/datasets/tables"

TEN_LINES, THEIR_OUTPUT = re.findall(r"```python\n(.*?)```\n+```text\n(.*?)```", README, re.DOTALL)[0]
READ_TABLES = """
import kanscience as ks
from kanscience.datasets import table_names
print({name: len(ks.load_table(name)) for name in table_names()})
ks.load_table("planets").to_csv("planets.csv", index=False)
"""
NO_NUMBA = """
from importlib.util import find_spec
print("numba:", find_spec("numba"))
"""
PROGRAMS = (
    ("no_numba.py", NO_NUMBA, "numba: None"),
    ("read_tables.py", READ_TABLES, "'planets': 13"),
    ("ten_lines.py", TEN_LINES, THEIR_OUTPUT),
)
COMMANDS = (
    ("--version", VERSION),
    ("--help", "discover"),
    (
        "discover planets.csv --target period_yr --inputs semi_major_axis_au,eccentricity,mass_earth "
        "--time-budget 10 --seed 0 --out report",
        "period_yr = semi_major_axis_au**(3/2)",
    ),
    ("show report --plot report.png", "period_yr = semi_major_axis_au**(3/2)"),
    ("predict report planets.csv", "period_yr_predicted"),
    ("compile 'exp(sin(pi*x) + y**2)' --plot law.pdf --save law.kan", "f = exp(y**2 + sin(pi*x))"),
    ("show law.kan --plot law.svg", "f = exp(y**2 + sin(pi*x))"),
    ("tree '(a*b + c)*d' --plot tree.svg", "f(a, b, c, d): multiplicative"),
)
OLD_WARNINGS = "error,ignore::DeprecationWarning"  # an old release may use what newer ones it needs discourage


def main() -> None:
    """Build, look inside, install, use."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oldest", action="store_true", help="the oldest dependencies")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to install for")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="kanscience-packages-") as name:
        folder = Path(name)
        wheel, sdist = build(folder / "dist")
        check_wheel(wheel)
        check_sdist(sdist)
        python = make_environment(folder / "environment", options.python)
        install(python, wheel, oldest=options.oldest)
        (folder / "work").mkdir()
        use(python, folder / "work", OLD_WARNINGS if options.oldest else "error")
    print("The packages are sound.")


def build(folder: Path) -> tuple[Path, Path]:
    """Return the wheel and the sdist; the wheel is made from the sdist."""
    call(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT))
    names = sorted(path.name for path in folder.iterdir())
    expected = [f"kanscience-{VERSION}-py3-none-any.whl", f"kanscience-{VERSION}.tar.gz"]
    expect(names == expected, f"The packages are called {names}, not {expected}.")
    return folder / expected[0], folder / expected[1]


def check_wheel(wheel: Path) -> None:
    """Stop unless the wheel holds the library and the tables as they are here, and its own notes; nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    own = f"kanscience-{VERSION}.dist-info/"
    expect(f"{own}licenses/LICENSE" in held, "The wheel holds no licence.")
    expect("kanscience/py.typed" in held, "The wheel holds no py.typed: its types would not be seen.")
    check_equal({name: content for name, content in held.items() if not name.startswith(own)}, library())


def check_sdist(sdist: Path) -> None:
    """Stop unless the sdist holds the library, the tables and the tests."""
    with tarfile.open(sdist) as archive:
        held = {name.removeprefix(f"kanscience-{VERSION}/") for name in archive.getnames()}
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    wanted = tests | {name.replace(TABLES, "data") for name in library()} | {"pyproject.toml", "README.md", "LICENSE"}
    expect(wanted <= held, f"The sdist lacks {sorted(wanted - held)}.")


def library() -> dict[str, bytes]:
    """Return what a wheel must hold."""
    sources = [path for path in (ROOT / "kanscience").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    tables = [path for path in (ROOT / "data").iterdir() if path.suffix in (".csv", ".json")]
    return {
        **{path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sources},
        **{f"{TABLES}/{path.name}": path.read_bytes() for path in tables},
    }


def check_equal(held: dict[str, bytes], wanted: dict[str, bytes]) -> None:
    """Stop unless the wheel's files are those that are wanted."""
    expect(wanted.keys() <= held.keys(), f"The wheel lacks {sorted(wanted.keys() - held.keys())}.")
    expect(held.keys() <= wanted.keys(), f"The wheel holds {sorted(held.keys() - wanted.keys())} as well.")
    changed = sorted(name for name in held if held[name] != wanted[name])
    expect(not changed, f"The wheel's {changed} differ from the files here.")


def make_environment(folder: Path, python: str) -> str:
    """Return the interpreter of a new environment."""
    call(python, "-m", "venv", str(folder))
    return str(folder / "bin" / "python")


def install(python: str, wheel: Path, *, oldest: bool) -> None:
    """Install PyTorch, without CUDA where there is no GPU, and the wheel without extras."""
    bound = next(text for text in DEPENDENCIES if name_of(text) == "torch").replace(">=", "==")
    here = f"torch=={version('torch').partition('+')[0]}"
    install_torch(python, [bound, here] if oldest else [here])
    if oldest:
        install_oldest(python, wheel.parent)
    call(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
    print_versions(python, oldest=oldest)


def install_torch(python: str, requirements: Sequence[str]) -> None:
    """Install the first of these versions of PyTorch of which a build can be had."""
    for requirement in requirements:
        command = [python, str(ROOT / ".ci/install_torch.py"), requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        print(f"No build of {requirement} can be had here.")
    sys.exit(done.stdout + done.stderr)


def install_oldest(python: str, folder: Path) -> None:
    """Install the lower bound of each other dependency, or what comes next where that fits no other."""
    others = [text for text in DEPENDENCIES if name_of(text) != "torch"]
    torch = f"torch=={version_of(python, 'torch').partition('+')[0]}"  # it stays, and says what fits
    bounds = folder / "oldest.txt"
    bounds.write_text("\n".join([torch, *others]), encoding="utf-8")
    call(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
    fresh = [word for text in others for word in ("--upgrade-package", name_of(text))]  # PyTorch brought new ones
    uv = (python, "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python)
    call(*uv, "--resolution", "lowest-direct", *fresh, "-r", str(bounds))


def print_versions(python: str, *, oldest: bool) -> None:
    """Print what was installed, and where that is not what was promised."""
    print("Python", subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1])
    for text in DEPENDENCIES:
        found = version_of(python, name_of(text))
        promised = text.partition(">=")[2]
        newer = oldest and not re.match(rf"{re.escape(promised)}(\.0)*(\+|$)", found)
        print(f"{name_of(text)} {found}{f', though {promised} is promised' if newer else ''}")


def name_of(requirement: str) -> str:
    """Return the package that a requirement is about."""
    return re.split(r"[^\w-]", requirement)[0]


def version_of(python: str, package: str) -> str:
    """Return the version of a package in an environment."""
    command = [python, "-c", f"from importlib.metadata import version; print(version({package!r}))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def use(python: str, folder: Path, warnings: str) -> None:
    """Run programs and commands in an empty folder."""
    for name, program, phrase in PROGRAMS:
        (folder / name).write_text(program, encoding="utf-8")
        work(folder, warnings, [python, name], phrase)
    work(folder, warnings, [python, "-m", "kanscience", "--version"], VERSION)
    for words, phrase in COMMANDS:
        work(folder, warnings, [str(Path(python).with_name("kanscience")), *shlex.split(words)], phrase)


def work(folder: Path, warnings: str, command: Sequence[str], phrase: str) -> None:
    """Run a command far from the checkout; stop unless it ends well and prints the phrase."""
    start = time.perf_counter()
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment = {**kept, "PYTHONWARNINGS": warnings, "MPLBACKEND": "agg"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    shown = shlex.join([Path(command[0]).name, *command[1:]])
    expect(done.returncode == 0, f"{shown}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    expect(phrase in done.stdout, f"{shown}\ndid not print\n{phrase}\nbut\n{done.stdout}{done.stderr}")
    print(f"{time.perf_counter() - start:5.1f} s  {shown}")


def call(*command: str) -> None:
    """Run a command of which only mistakes are of interest."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    expect(done.returncode == 0, f"{shlex.join(command)}\nended with {done.returncode}:\n{done.stdout}")


def expect(holds: bool, message: str) -> None:
    """Stop with a message unless something holds."""
    if not holds:
        sys.exit(message)


if __name__ == "__main__":
    main()
