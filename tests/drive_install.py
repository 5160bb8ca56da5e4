"""Runs a file or a module as where only requirements-drive.txt is installed: all other packages cannot be found.

python tests/drive_install.py server/drive.py models/eff.h5
python tests/drive_install.py -m simulator
"""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def installed_by(requirements: Path) -> set[str]:
    """The normalised names of the packages that a file of requirements installs, with all that they require."""
    lines = (line.strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    waiting = [Requirement(line).name for line in lines if line and not line.startswith("#")]
    names: set[str] = set()
    while waiting:
        package = waiting.pop()
        if normal(package) in names:
            continue
        names.add(normal(package))
        try:
            needs = [Requirement(text) for text in requires(package) or []]
        except PackageNotFoundError:
            continue
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return names


def normal(package: str) -> str:
    """A package's name, as the index compares it."""
    return re.sub(r"[-_.]+", "-", package).lower()


class SmallInstall(PathFinder):
    """Finds modules as the original, without those that other packages install."""

    missing: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As PathFinder; None for what is missing."""
        if fullname.partition(".")[0] in cls.missing:
            return None
        return super().find_spec(fullname, path, target)

    @classmethod
    def find_distributions(cls, *context: Any) -> Iterator[Distribution]:
        """As PathFinder, without what is missing: some libraries look here for what they may import."""
        return (package for package in super().find_distributions(*context) if normal(package.name) in cls.packages)


def main() -> None:
    """Hide the other packages, then run the command of the arguments."""
    packages = frozenset(installed_by(ROOT / "requirements-drive.txt"))
    owners_of = packages_distributions()
    missing = (module for module, owners in owners_of.items() if not packages & set(map(normal, owners)))
    SmallInstall.packages, SmallInstall.missing = packages, frozenset(missing)
    sys.meta_path[sys.meta_path.index(PathFinder)] = SmallInstall
    for name in [name for name in sys.modules if name.partition(".")[0] in SmallInstall.missing]:
        del sys.modules[name]
    sys.path[0] = str(ROOT)
    sys.argv.pop(0)
    if sys.argv[0] == "-m":
        sys.argv.pop(0)
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
