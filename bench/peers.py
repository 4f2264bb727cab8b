"""Public implementations of the one-pixel attack behind one interface, to compare our searches with.

Each searches one face at a time, by differential evolution, for the pixel with the least probability of the true
class, on the same Keras network. Each stops after the first generation whose best member flips the decision, but none
checks its first population. The settings differ from peer to peer: a comment says where they are not those of
`Evolution`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from art.attacks.evasion import PixelAttack
from art.estimators.classification import TensorFlowV2Classifier
from scipy import optimize
from torch import nn
from torchattacks import OnePixel

from bench.baseline import GENES, Solver, perturbed
from bench.ported import Ported, difference
from maskdet.attack.evolution import decoded
from maskdet.attack.pixels import Pixel, set_pixels
from maskdet.config import Evolution
from maskdet.networks.backend import THREADS, keras

SAME = 1e-4  # the largest difference of a logit and its port that rounding explains


@dataclass(frozen=True)
class Outcome:
    """The result of a peer on a face."""

    pixel: Pixel | None  # the last row, column, red, green, blue (None: the peer does not return them)
    flipped: bool  # as we check with the full Keras network, not what the peer claims
    queries: int  # changed images that the network classified


Attack = Callable[..., Outcome]  # attack(image (H, W, 3) uint8, label, *, seed)


def _outcome(model: keras.Model, image: np.ndarray, label: int, pixel: Pixel | None, queries: int) -> Outcome:
    flipped = pixel is not None and int(model.predict_on_batch(set_pixels(image, pixel))[0].argmax()) != label
    return Outcome(pixel, flipped, queries)


def _difference(image: np.ndarray, attacked: np.ndarray) -> Pixel | None:
    """The pixel in which `attacked` (H, W, 3), of any numbers 0 to 255, differs from `image`, if any."""
    places = np.argwhere((attacked != image).any(axis=-1))
    if not len(places):
        return None
    row, column = places[0].tolist()
    return (row, column, *np.rint(attacked[row, column]).astype(int).tolist())


def _members_per_gene(settings: Evolution) -> int:
    """The `popsize` of SciPy's interface, which all peers share: a population is `popsize` × genes."""
    if settings.population % GENES:
        raise ValueError(f"expected a population that is a multiple of {GENES}, got {settings.population}")
    return settings.population // GENES


def _require(settings: Evolution, **fixed) -> None:
    """Raise ValueError if `settings` are not those that a peer's source fixes."""
    for name, value in fixed.items():
        if getattr(settings, name) != value:
            raise ValueError(f"expected a {name} of {value}, which this peer fixes, got {getattr(settings, name)}")


def _noise(model: keras.Model, size: int) -> np.ndarray:
    """Images (N, H, W, C) uint8, as `model` takes."""
    return np.random.default_rng(0).integers(0, 256, (size, *model.input.shape[1:]), dtype=np.uint8)


def _compile(model: keras.Model, settings: Evolution, *queries: Callable[[np.ndarray], object]) -> None:
    """Query as a search and its check will: TensorFlow compiles at the first calls, once for any number of images."""
    for query in (*queries, model.predict_on_batch):
        for size in (settings.population, 1, settings.population):
            query(_noise(model, size))


def baseline(model: keras.Model, settings: Evolution) -> Attack:
    """github.com/Hyperparticle/one-pixel-attack-keras, with its search rewritten.

    As in its attack.py: `model.predict` of a population, in Keras's default batches of 32 (its own CIFAR-10 networks
    set 128), and once more of the best member after each generation, to know whether to stop. So a whole search makes
    400 + 75 × 401 queries.
    """
    _members_per_gene(settings)
    _compile(model, settings, lambda images: model.predict(images, verbose=0))

    def attack(image: np.ndarray, label: int, *, seed: int) -> Outcome:
        queries = 0

        def probabilities(points: np.ndarray) -> np.ndarray:
            nonlocal queries
            queries += len(points)
            return model.predict(perturbed(image, points), verbose=0)

        limits = np.array([*image.shape[:2], 256, 256, 256], float)
        solver = Solver(lambda points: probabilities(points)[:, label], limits,
                        rng=np.random.RandomState(seed), settings=settings)
        for _ in range(settings.generations):
            solver.evolve()
            if probabilities(solver.best[None])[0].argmax() != label:
                break
        return _outcome(model, image, label, tuple(solver.best.astype(int).tolist()), queries)

    return attack


def vectorized_scipy(model: keras.Model, settings: Evolution) -> Attack:
    """`scipy.optimize.differential_evolution` (1.17), used as its documentation advises today.

    Vectorized, so with deferred updating and without the loops over members; mutation and selection are otherwise
    those of the baseline, as is the query of the best member after each generation.
    """
    members = _members_per_gene(settings)
    _compile(model, settings)

    def attack(image: np.ndarray, label: int, *, seed: int) -> Outcome:
        queries = 0  # SciPy counts a vectorized call as one evaluation

        def probabilities(genes: np.ndarray) -> np.ndarray:
            nonlocal queries
            queries += len(genes)
            return model.predict_on_batch(set_pixels(image, decoded(genes, shape=image.shape)))

        def flipped(intermediate_result: optimize.OptimizeResult) -> bool:
            return probabilities(intermediate_result.x[None])[0].argmax() != label

        # atol=-1: as in the other peers, it never counts as converged, even if all members are the same pixel.
        best = optimize.differential_evolution(
            lambda genes: probabilities(genes.T)[:, label], [(0, 1)] * GENES, strategy="best1bin",
            maxiter=settings.generations, popsize=members, tol=0, atol=-1, mutation=settings.scale,
            recombination=settings.recombination, rng=seed, callback=flipped, polish=False, init="latinhypercube",
            updating="deferred", vectorized=True)
        pixel = tuple(decoded(best.x[None], shape=image.shape).ravel().tolist())
        return _outcome(model, image, label, pixel, queries)

    return attack


class _Counted(TensorFlowV2Classifier):
    """A classifier of ART that counts the images that it classifies."""

    queries = 0

    def predict(self, x: np.ndarray, **options) -> np.ndarray:
        self.queries += len(x)
        return super().predict(x, **options)


def pixel_attack(model: keras.Model, settings: Evolution) -> Attack:
    """`PixelAttack` of the Adversarial Robustness Toolbox (1.20.1), with es=1: differential evolution.

    It has a copy of the baseline's solver. Its source fixes 400 // 5 × 5 members for one pixel, F and recombination;
    max_iter counts the generations after the first population. It queries the best member once more after each
    generation and at the end, so 400 + 75 × 401 + 1 queries, and does not return the pixel of a failed search. Its
    colours are 0 to 254: bounds (0, 255), truncated to whole numbers.
    """
    _require(settings, population=400, scale=(0.5, 1.0), recombination=1.0)
    # ART's KerasClassifier does the same with a Keras model: a call in a tf.function, without batches.
    classifier = _Counted(model, nb_classes=model.output.shape[-1], input_shape=model.input.shape[1:],
                          clip_values=(0, 255))
    search = PixelAttack(classifier, th=1, es=1, max_iter=settings.generations)
    _compile(model, settings, lambda images: classifier.predict(images.astype(np.float32)))

    def attack(image: np.ndarray, label: int, *, seed: int) -> Outcome:
        np.random.seed(seed)  # it draws from NumPy's global generator
        classifier.queries = 0
        # Without labels, which it rejects for two classes: it takes the network's own prediction, by another query.
        attacked = search.generate(image[None].astype(np.float32))[0]
        return _outcome(model, image, label, _difference(image, attacked), classifier.queries - 1)

    return attack


class _Fractions(nn.Module):
    """A port for images of 0 to 1, as torchattacks expects them; counts the images that it classifies."""

    def __init__(self, ported: Ported):
        super().__init__()
        self.ported, self.queries = ported, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.queries += len(images)
        return self.ported(images * 255)


def one_pixel(model: keras.Model, settings: Evolution) -> Attack:
    """`torchattacks.OnePixel` (3.5.1) on the same network in PyTorch, with its batches of 128.

    Another copy of the baseline's solver, with F and recombination fixed, and a random first population. Its popsize
    is a population (it divides by the five genes itself) and its steps are generations after the first; it queries the
    best member once more after each. Its colours are any numbers from 0 to 1: we round the pixel to whole colours of 0
    to 255, which may no longer flip the decision.
    """
    _members_per_gene(settings)
    _require(settings, scale=(0.5, 1.0), recombination=1.0)
    torch.set_num_threads(THREADS)  # as many as TensorFlow has
    _compile(model, settings)
    network = _Fractions(Ported(model))
    search = OnePixel(network, pixels=1, steps=settings.generations, popsize=settings.population)
    error = difference(model, network.ported, _noise(model, search.inf_batch))
    if error > SAME:
        raise ValueError(f"expected the logits of {model.name} in PyTorch within {SAME}, got {error:.1e}")

    def attack(image: np.ndarray, label: int, *, seed: int) -> Outcome:
        np.random.seed(seed)  # it draws from NumPy's global generator
        network.queries = 0
        images = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        attacked = search(images, torch.tensor([label]))[0].permute(1, 2, 0)
        # Where nothing changed, the fractions are those of the image to the last bit.
        attacked = np.where(attacked == images[0].permute(1, 2, 0), image, attacked.numpy() * 255)
        return _outcome(model, image, label, _difference(image, attacked), network.queries)

    return attack


PEERS: dict[str, Callable[[keras.Model, Evolution], Attack]] = {
    "baseline": baseline, "scipy": vectorized_scipy, "art": pixel_attack, "torchattacks": one_pixel}
