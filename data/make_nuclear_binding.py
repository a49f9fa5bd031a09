"""Write nuclear_binding.csv: the binding energy of every measured nuclide with A >= 16.

    python data/make_nuclear_binding.py

The atomic masses are those of the 2020 atomic mass evaluation as the package `periodictable` carries them
(public domain). Its text marks masses that were extrapolated, not measured, with '#'; they are left out.
"""

import csv
from pathlib import Path

from periodictable import constants, mass
from periodictable.util import parse_uncertainty

MEV_PER_U = constants.atomic_mass_constant * constants.speed_of_light**2 / constants.electron_volt / 1e6
SMALLEST_A = 16
COLUMNS = ("Z", "N", "A", "binding_energy_MeV", "uncertainty_MeV")


def measured_masses() -> dict[tuple[int, int], tuple[float, float]]:
    """Return (Z, A) -> atomic mass and its standard error, both in u."""
    masses = {}
    for line in mass.isotope_mass.splitlines():
        nuclide, text, *_ = line.split(",")
        z, _, a = nuclide.split("-")
        if "#" not in text:
            masses[int(z), int(a)] = parse_uncertainty(text)
    return masses


def binding_energies() -> list[tuple[int, int, int, str, str]]:
    """Return one row a nuclide, B = (Z m(1H) + N m(n) - m(atom)) c^2, by Z and N."""
    masses = measured_masses()
    hydrogen, _ = masses[1, 1]
    rows = []
    for (z, a), (atom, error) in sorted(masses.items()):
        if a >= SMALLEST_A:
            energy = (z * hydrogen + (a - z) * constants.neutron_mass - atom) * MEV_PER_U
            rows.append((z, a - z, a, f"{energy:.7f}", f"{error * MEV_PER_U:.3g}"))
    return rows


if __name__ == "__main__":
    path = Path(__file__).with_name("nuclear_binding.csv")
    rows = binding_energies()
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"{path.name}: {len(rows)} nuclides")
