"""Install PyTorch: the CPU build unless a GPU is found, and say which build it became.

    python .ci/install_torch.py "torch==2.13.0"      python .ci/install_torch.py --check

On many machines the ordinary package is the CUDA build, gigabytes that nothing without a GPU can use. So pip
is asked first what it would install; only if that is CUDA, and there is no GPU, uv fetches PyTorch's CPU build.
"""

import json
import re
import shutil
import subprocess
import sys

BUILD = "import torch; print(torch.__version__, torch.version.cuda or torch.version.hip or 'cpu')"


def has_gpu() -> bool:
    """Return whether a GPU answers."""
    if shutil.which("nvidia-smi") is None:
        return False
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listing.returncode == 0 and "GPU" in listing.stdout


def pip(*arguments: str) -> str:
    """Run pip with this Python and return what it writes."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def brings_cuda(requirement: str) -> bool:
    """Return whether pip's ordinary choice depends on CUDA; nothing is installed."""
    plan = json.loads(pip("install", "--dry-run", "--ignore-installed", "--report", "-", requirement))
    names = [package["metadata"]["name"].lower() for package in plan["install"]]
    return any(name.startswith(("nvidia-", "cuda-", "triton")) for name in names)


def installed_build() -> tuple[str, str] | None:
    """Return (version, "cpu" or the CUDA version) of the PyTorch that this Python imports, or None."""
    answer = subprocess.run([sys.executable, "-c", BUILD], capture_output=True, text=True, check=False)
    if answer.returncode:
        return None
    version, build = answer.stdout.split()
    return version, build


def is_wanted(version: str, requirement: str) -> bool:
    """Return whether a version, with or without a suffix such as "+cpu", is the one that a requirement pins, if it does."""
    _, pin, wanted = requirement.partition("==")
    plain, wanted = (re.sub(r"(\.0)+$", "", text.strip()) for text in (version.partition("+")[0], wanted))
    return not pin or wanted in (plain, version)


def install_cpu_build(requirement: str) -> None:
    """Install the CPU build, which uv knows where to find."""
    pip("install", "uv")
    command = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, "--torch-backend", "cpu"]
    subprocess.run([*command, "--reinstall", requirement], check=True)


def main(requirement: str) -> None:
    """Install unless a fitting build is there already."""
    gpu = has_gpu()
    present = installed_build()
    if present is None or not is_wanted(present[0], requirement) or (not gpu and present[1] != "cpu"):
        if not gpu and brings_cuda(requirement):
            install_cpu_build(requirement)
        else:
            pip("install", "--force-reinstall" if present else "--upgrade", requirement)
    check()


def check() -> None:
    """Print the installed build; stop where it is CUDA's without a GPU."""
    build = installed_build()
    if build is None:
        sys.exit("PyTorch is not installed or does not start: python -c 'import torch' shows why.")
    if build[1] != "cpu" and not has_gpu():
        sys.exit(f"PyTorch {build[0]} is built for CUDA {build[1]}, but no GPU was found. Remove .venv, try again.")
    print(f"PyTorch {build[0]}, build: {build[1]}, GPU: {'found' if has_gpu() else 'none'}")


if __name__ == "__main__":
    check() if sys.argv[1:] == ["--check"] else main(*sys.argv[1:])
