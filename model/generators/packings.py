"""Jammed packings of soft disks, whose contacts make the networks of paper 1."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from ohmlearn.checks.kinds import check_kinds
from ohmlearn.network import Network

Array = NDArray[np.float64]

SKIN = 0.35          # disk diameters; how far beyond contact the pair list reaches
FEW = 256            # disks among which all pairs are tried: quicker than to load what builds a tree
TOLERANCE = 1e-9     # largest force left over, in units of the pressure times a diameter
TOUCH = 1e-6         # weakest force that counts as a contact, same units
MAX_STEPS = 400_000


@check_kinds
def packing(n_nodes: int = 64, seed: int = 0, *, pressure: float = 0.01, size_ratio: float = 1.4) -> Network:
    """Contact network of a jammed packing of soft disks in a square periodic box, rattlers removed.

    The disks repel with the harmonic potential ε/2 (1 - r/σ)², σ the sum of the two radii. From random
    places the enthalpy (energy + pressure × area) is minimised over all places and the box's side at once.
    With the defaults the contacts match the published networks of paper 1 (doi 10.5281/zenodo.5675821),
    whose forces balance for exactly these radii and this pressure.

    n_nodes : number of disks, 12 at least. Disks with fewer than three contacts bear no load; they are
        removed, so the network has a few nodes less (62 to 64 of 64).
    seed : the same seed gives the same network, bit for bit.
    pressure : in ε/D², D the mean diameter; 1e-5 to 0.1. It sets the mean number of contacts.
    size_ratio : largest over smallest radius, 1 to 2. Radii are evenly spaced with mean 1/2 and grow with
        the disk's number, as in the published networks: the last node is the largest disk.

    Positions and box are in units of D. Raises ValueError for parameters out of range, RuntimeError if the
    packing does not settle.

    Returns a :class:`Network`.

    >>> import ohmlearn as ol
    >>> net = ol.Network.packing(16, seed=1)
    >>> 12 <= net.n_nodes <= 16, bool(net.degree.min() >= 3)
    (True, True)
    """
    if not isinstance(n_nodes, int | np.integer):
        raise TypeError(f"n_nodes must be a whole number of disks, not {n_nodes!r}")
    if n_nodes < 12:
        raise ValueError(f"n_nodes = {n_nodes} disks are too few for a periodic packing, whose disks would touch "
                         "their own images; take 12 at least, or Network.grid")
    if not 1e-5 <= pressure <= 0.1:
        raise ValueError(f"pressure is {pressure}; it must be at least 1e-5, below which packings barely hold, and "
                         "at most 0.1, beyond which disks overlap their second neighbours (paper: 0.01)")
    if not 1 <= size_ratio <= 2:
        raise ValueError(f"size_ratio is {size_ratio}; it must lie between 1 (equal disks) and 2 (paper: 1.4)")
    radii = np.linspace(1.0, size_ratio, n_nodes) / (1.0 + size_ratio)
    side = np.sqrt(np.pi * (radii * radii).sum() / 0.9)
    disks = _Disks(radii, pressure, side)
    start = np.append(np.random.default_rng(seed).random(2 * n_nodes) * side, np.sqrt(n_nodes))
    _relax(disks, start, seed)
    edges, kept = _load_bearing(disks)
    number = np.cumsum(kept) - 1
    positions = disks.scaled.T[kept] % 1.0 * disks.side
    positions[positions >= disks.side] = 0.0      # rounding can land on the far side of the box
    name = f"packing of {n_nodes} disks, seed {seed}"
    return Network(number[edges], int(kept.sum()), positions, float(disks.side), name)


@dataclass
class _Disks:
    """Soft disks in a box whose side moves too.

    The coordinates are one vector: x and y of every disk as they would be in the box of side `start_side`
    (so that a change of the box moves all disks with it), then √n × side/start_side, which makes the box
    about as stiff as a disk. Only sums, products and square roots, no BLAS and no exp, so that a seed's
    packing does not hang on the machine's libraries.
    """

    radii: Array
    pressure: float
    start_side: float
    side: float = 0.0
    scaled: Array = field(default_factory=lambda: np.empty((2, 0)))     # (2, n) places in units of the side
    pairs: NDArray[np.int64] = field(default_factory=lambda: np.empty((2, 0), np.int64))
    sigma: Array = field(default_factory=lambda: np.empty(0))           # (n_pairs,) sum of radii
    strength: Array = field(default_factory=lambda: np.empty(0))        # (n_pairs,) force of the pair
    _listed: Array | None = None                                        # scaled places when pairs were listed
    _reach: float = 0.0                                                 # how far that list reaches, same units

    def forces(self, coordinates: Array) -> Array:
        """Minus the gradient of the enthalpy, same layout as the coordinates; keeps the pair forces."""
        n = len(self.radii)
        root = np.sqrt(n)
        self.side = coordinates[-1] / root * self.start_side
        self.scaled = coordinates[:-1].reshape(2, n) / self.start_side
        self._list_pairs()
        a, b = self.pairs
        apart = self.scaled[:, a] - self.scaled[:, b]
        apart -= np.round(apart)
        apart *= self.side
        distance = np.sqrt((apart * apart).sum(axis=0))
        self.strength = np.maximum(0.0, 1.0 - distance / self.sigma) / self.sigma
        pushes = apart * (self.strength / distance) * (self.side / self.start_side)
        total = [np.bincount(a, push, n) - np.bincount(b, push, n) for push in pushes]
        swelling = (self.strength * distance).sum() / self.side - 2 * self.pressure * self.side
        return np.concatenate([*total, [swelling * self.start_side / root]])

    def _list_pairs(self) -> None:
        """List the pairs that may touch, anew when disks have moved or the box has shrunk too far."""
        if self._listed is not None:
            moved = self.scaled - self._listed
            furthest = np.sqrt((moved * moved).sum(axis=0).max())
            if 2 * self.radii[-1] / self.side + 2 * furthest <= self._reach:
                return
        self._reach = (2 * self.radii[-1] + SKIN) / self.side
        self._listed = self.scaled
        self.pairs = _near(self.scaled, self._reach)
        self.sigma = self.radii[self.pairs].sum(axis=0)


def _near(places: Array, reach: float) -> NDArray[np.int64]:
    """Pairs (2, n_pairs), in order, of `places` (2, n) in a periodic unit box that lie closer than `reach`."""
    if places.shape[1] <= FEW:
        a, b = np.triu_indices(places.shape[1], 1)
        apart = places[:, a] - places[:, b]
        apart -= np.round(apart)
        close = (apart * apart).sum(axis=0) <= reach * reach
        return np.stack([a[close], b[close]])
    from scipy.spatial import cKDTree

    pairs = np.sort(cKDTree(places.T % 1.0, boxsize=1.0).query_pairs(reach, output_type="ndarray"), axis=1)
    return pairs[np.lexsort(pairs.T[::-1])].T


def _relax(disks: _Disks, coordinates: Array, seed: int) -> None:
    """Minimise the enthalpy with FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201), until no force is left."""
    velocity = np.zeros_like(coordinates)
    dt, mixing, downhill = 0.05, 0.1, 0
    force = disks.forces(coordinates)
    for _ in range(MAX_STEPS):
        if np.abs(force).max() < TOLERANCE * disks.pressure:
            return
        if (force * velocity).sum() > 0:
            downhill += 1
            if downhill > 20:
                dt, mixing = min(1.1 * dt, 0.5), 0.99 * mixing
            velocity += dt * force
            ratio = np.sqrt((velocity * velocity).sum() / (force * force).sum())
            velocity += mixing * (ratio * force - velocity)
        else:
            coordinates = coordinates - 0.5 * dt * velocity       # half a step back, then start from rest
            dt, mixing, downhill = max(0.5 * dt, 0.02), 0.1, 0
            velocity = dt * force
        coordinates = coordinates + dt * velocity
        force = disks.forces(coordinates)
    raise RuntimeError(f"the packing of {len(disks.radii)} disks with seed {seed} at pressure {disks.pressure:g} did "
                       f"not settle in {MAX_STEPS} steps; take another seed or a higher pressure")


def _load_bearing(disks: _Disks) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Contacts (n_edges, 2) between disks that bear load, and the mask (n,) of those disks."""
    n = len(disks.radii)
    edges = disks.pairs.T[disks.strength > TOUCH * disks.pressure]
    kept = np.ones(n, dtype=bool)
    while True:
        loose = kept & (np.bincount(edges.ravel(), minlength=n) < 3)
        if not loose.any():
            return edges, kept
        kept &= ~loose
        edges = edges[kept[edges].all(axis=1)]
