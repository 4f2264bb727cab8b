"""The one-pixel attack: known answers, and the mistakes of earlier one-pixel code."""

import numpy as np
import pytest

from maskdet import attack
from maskdet.config import Evolution

SMALL = Evolution(population=100, generations=30)
FULL = attack.DifferentialEvolution()


def verdicts(network, images, labels, *, search=FULL, seed=0, workers=1):
    """In the order of the images."""
    found = dict(attack.stream(network, images, np.array(labels), search=search, seed=seed, workers=workers))
    return [found[index] for index in range(len(images))]


def grey(n=1, *, size=50):
    return np.full((n, size, size, 3), 128, np.uint8)


@pytest.mark.parametrize("place", [(0, 0, 0), (49, 49, 2), (45, 3, 1)])
def test_evolution_finds_a_planted_pixel_anywhere_in_the_face(planted, place):
    """Rows and columns swapped, or coordinates bounded by 32, would miss some of these."""
    row, column, channel = place

    def predict(images):  # confidence falls towards the planted place, as a slope to descend
        bright = images.astype(int) - 128
        changed = np.abs(bright).sum(axis=-1)
        where = changed.reshape(len(images), -1).argmax(axis=1)
        r, c = np.divmod(where, images.shape[2])
        distance = (np.abs(r - row) + np.abs(c - column)) / 100
        bare = np.where(planted(row, column, channel)(images)[:, 0] > 0.5, 0.9, 0.4 - 0.4 * distance)
        bare = np.where(changed.max(axis=(1, 2)) > 0, bare, 0).astype(np.float32)
        return np.column_stack([bare, 1 - bare])

    [verdict] = verdicts(predict, grey(), [1])
    assert verdict.flipped and verdict.pixels[0][:2] == (row, column)
    assert verdict.pixels[0][2 + channel] > 200
    assert verdict.after == pytest.approx((0.9, 0.1)) and verdict.before[1] == 1


def test_a_face_that_cannot_be_flipped_costs_the_whole_budget():
    def predict(images):
        return np.tile(np.float32([0.1, 0.9]), (len(images), 1))
    [evolved] = verdicts(predict, grey(), [1])
    assert not evolved.flipped and evolved.queries == 400 * 76
    [complete] = verdicts(predict, grey(), [1], search=attack.Corners())
    assert not complete.flipped and complete.queries == 8 * 50 * 50


def test_the_search_stops_at_success():
    def predict(images):
        bare = np.where((images != 128).any(axis=(1, 2, 3)), 0.9, 0.1).astype(np.float32)
        return np.column_stack([bare, 1 - bare])
    [evolved], [complete] = (verdicts(predict, grey(), [1], search=search) for search in (FULL, attack.Corners()))
    assert evolved.flipped and evolved.queries == 400
    assert complete.flipped and complete.queries == 1


def test_a_search_goes_on_until_the_margin_is_beyond_rounding():
    def predict(images):
        bare = np.where((images != 128).any(axis=(1, 2, 3)), 0.5, 0.1)
        return np.column_stack([bare, 1 - bare])
    [verdict] = verdicts(predict, grey(size=5), [1], search=attack.Corners())
    assert verdict.queries == 8 * 25


@pytest.mark.parametrize("place, colour", [((0, 0), (255, 0, 255)), ((49, 49), (0, 0, 0)), ((7, 31), (0, 255, 0))])
def test_corners_find_the_one_corner_of_the_one_place_that_flips(place, colour):
    def predict(images):
        hit = (images[:, place[0], place[1]] == colour).all(axis=1)
        return np.column_stack([np.where(hit, 0.8, 0.3), np.where(hit, 0.2, 0.7)])
    [verdict] = verdicts(predict, grey(), [1], search=attack.Corners())
    assert verdict.flipped and verdict.pixels == ((*place, *colour),)
    index = 8 * (50 * place[0] + place[1]) + [tuple(corner) for corner in attack.corners(3).tolist()].index(colour)
    assert verdict.queries == index + 1


def noisy(seed=0):
    """Faces, labels and a linear network that one pixel hardly moves."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (6, 50, 50, 3), dtype=np.uint8)
    weights = rng.normal(0, 1, (50, 50, 3))

    def predict(images):
        logit = ((images / 255.0 - 0.5) * weights).sum(axis=(1, 2, 3))
        masked = (1 / (1 + np.exp(-logit / 10))).astype(np.float32)
        return np.column_stack([1 - masked, masked])

    return predict, images, predict(images).argmax(axis=1)


def test_same_seed_same_verdicts_whatever_the_company_and_the_workers():
    predict, images, labels = noisy()
    search = attack.DifferentialEvolution(SMALL)
    whole = verdicts(predict, images, labels, search=search, seed=7)
    alone = [verdicts(predict, images[i:i + 1], labels[i:i + 1], search=search, seed=7)[0] for i in range(len(images))]
    crowd = verdicts(predict, images, labels, search=search, seed=7, workers=2)
    assert whole == alone == crowd
    assert whole != verdicts(predict, images, labels, search=search, seed=8)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_evidence_is_what_the_network_says_of_the_changed_face(size):
    predict, images, labels = noisy()
    search = attack.DifferentialEvolution(SMALL, size=size)
    gained = []
    for image, label, verdict in zip(images, labels, verdicts(predict, images, labels, search=search, seed=7)):
        assert len(verdict.pixels) == size
        after = predict(attack.set_pixels(image, [verdict.pixels]))[0]
        np.testing.assert_allclose(after, verdict.after, rtol=1e-5)
        gained.append(verdict.before[label] - after[label])
    assert min(gained) > 0


def test_more_pixels_move_the_decision_further():
    predict, images, labels = noisy()
    after = [sum(v.after[v.label] for v in verdicts(predict, images, labels, seed=7,
                                                    search=attack.DifferentialEvolution(SMALL, size=size)))
             for size in (1, 3, 5)]
    assert after[0] > after[1] > after[2]


def test_guided_asks_in_the_order_of_the_first_order_score(linear):
    """On a linear network the score is the truth: the first question is the best one, and the order
    that of the margins."""
    face = linear.face(np.full((6, 7, 3), 100, np.uint8))
    asked = []

    class Spy:
        image, logits, gradient = face.image, face.logits, staticmethod(face.gradient)

        def query(self, pixels):
            answer = face.query(pixels)
            asked.extend((answer[:, 1] - answer[:, 0]).tolist())
            return answer + [0, 1000]  # never a flip

    found = attack.Guided()(Spy(), attack.Goal(1), rng=np.random.default_rng(0))
    assert found.queries == len(asked) == 8 * 6 * 7
    assert (np.diff(asked) > -1e-4).all() and asked[-1] - asked[0] > 1


def test_guided_says_that_it_needs_the_weights():
    predict, images, labels = noisy()
    with pytest.raises(TypeError, match="expected a network with known weights"):
        verdicts(predict, images[:1], labels[:1], search=attack.Guided())


@pytest.mark.parametrize("workers", [0, -2, 1.5, True])
def test_a_number_of_workers_that_is_none_is_refused(planted, workers):
    images = np.zeros((1, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="expected workers, a number of processes, or -1 for all processors, got"):
        next(attack.stream(planted(1, 1, 0), images, [1], search=attack.Corners(), seed=0, workers=workers))


def test_a_class_in_place_of_a_search_is_refused(planted):
    for search in (attack.Corners, "corners"):
        with pytest.raises(TypeError, match=r"expected a search, such as Guided\(\), got .*orners"):
            next(attack.stream(planted(1, 1, 1), np.zeros((1, 6, 7, 3), np.uint8), np.ones(1, int), search=search,
                               seed=0))


@pytest.mark.parametrize("seed", [None, -1, 0.5])
def test_a_seed_that_is_no_whole_number_is_refused(planted, seed):
    with pytest.raises(ValueError, match=f"expected a seed, a whole number of at least 0, got {seed}"):
        next(attack.stream(planted(1, 1, 1), np.zeros((1, 6, 7, 3), np.uint8), np.array([1]), search=attack.Corners(),
                           seed=seed))


@pytest.mark.parametrize("search", [attack.Corners, attack.Guided, attack.DifferentialEvolution])
def test_a_search_of_nothing_is_refused_when_it_is_made(search):
    for size in (0, 1.5):
        with pytest.raises(ValueError, match=f"expected a size of at least one pixel, a whole number, got {size}"):
            search(size=size)
    for region in (0, -2, 2.0, True):
        with pytest.raises(ValueError, match=f"expected region of at least 1, .*, or None for no limit, got {region}"):
            search(region=region)
    if search is not attack.DifferentialEvolution:
        with pytest.raises(ValueError, match="expected queries of at least 1, a whole number, or None"):
            search(queries=0)


def test_a_population_in_place_of_the_settings_of_evolution_is_refused_when_it_is_given():
    with pytest.raises(TypeError, match=r"expected settings, such as Evolution\(population=400, .*, got 400"):
        attack.DifferentialEvolution(400, 75)


def test_every_setting_of_a_search_is_in_its_name():
    assert attack.Corners(size=3, queries=9).name == "corners_3_pixels_within_9"
    assert attack.Guided(4, 5, 3, 9).name == "guided_below_4_first_5_3_pixels_within_9"
    assert [search().name for search in (attack.Corners, attack.Guided)] == ["corners", "guided"]


def test_a_face_that_is_wrong_already_is_not_attacked_and_the_others_are():
    predict, images, labels = noisy()
    right = verdicts(predict, images, labels, search=attack.Corners(region=5))
    labels = labels.copy()
    labels[2] = 1 - labels[2]
    found = verdicts(predict, images, labels, search=attack.Corners(region=5))
    assert found[:2] + found[3:] == right[:2] + right[3:] and right[2].status != "wrong"
    assert found[2].status == "wrong" and not found[2].flipped
    assert (found[2].pixels, found[2].queries) == ((), 0) and found[2].before == found[2].after == right[2].before


@pytest.mark.parametrize("images, labels, answer, message", [
    (grey() / 255.0, [1], [[0.1, 0.9]], "expected uint8 images"),
    (grey()[0], [1], [[0.1, 0.9]], "expected uint8 images"),
    (grey(), [1, 1], [[0.1, 0.9]], "expected a label, a whole number of 0 to 1, for each of 1 images"),
    (grey(), [2], [[0.1, 0.9]], "expected a label, a whole number of 0 to 1, .*: .2."),
    (grey(), [1], [[0.1, np.nan]], r"expected finite probabilities \(1, K\) of predict"),
    (grey(), [1], [[-0.1, 1.1]], r"expected finite probabilities \(1, K\) of predict"),
    (grey(), [1], [[0.5, 2.5]], r"expected .*, which add up to 1, got 1 rows that do not, one of sum 3: of logits"),
    (grey(), [1], [1.7], r"expected finite probabilities \(1, K\) of predict, or .*, got 1 that are negative"),
    (grey(), [1], [[[0.1, 0.9]]], r"expected finite probabilities \(1, K\) of predict, or .*, got \(1, 1, 2\)")])
def test_bad_images_labels_and_answers_are_refused(images, labels, answer, message):
    with pytest.raises(ValueError, match=message):
        verdicts(lambda faces: np.array(answer), images, labels)


def test_the_landscape_is_the_lowest_confidence_of_eight_colours(planted):
    face = attack.Predicted(planted(3, 40, 0)).face(grey()[0])
    surface = attack.landscape(face, 1)
    assert surface[3, 40] == pytest.approx(0.1) and surface.shape == (50, 50)
    assert (np.delete(surface.ravel(), 3 * 50 + 40) == surface[0, 0]).all()


def test_the_second_look_refuses_a_flip_that_does_not_hold(planted):
    verdict = attack.Attempt(1, ((3, 40, 255, 0, 0),), (0.2, 0.8), (0.9, 0.1), 10)
    faces = grey()
    good = attack.Sweep("net", "corners", np.array([0]), [verdict], 1, 1, 1.0)
    assert attack.check_flips([good], {"net": planted(3, 40, 0)}, faces)["flips that hold"].tolist() == [1]
    with pytest.raises(AssertionError, match="net, face 0: expected a flip"):
        attack.check_flips([good], {"net": planted(40, 3, 0)}, faces)


def test_agreement_counts_the_faces_that_one_search_flips_and_the_other_does_not():
    def sweep(search, flips):
        found = [attack.Attempt(1, ((0, 0, 0, 0, 0),), (0.2, 0.8), (0.9, 0.1) if flip else (0.3, 0.7), 1)
                 for flip in flips]
        return attack.Sweep("net", search, np.arange(4), found, 4, 4, 1.0)
    sweeps = [sweep("differential_evolution", [1, 1, 0, 0]), sweep("corners", [1, 0, 1, 0])]
    assert attack.agreement(sweeps).loc["net, corners"].tolist() == [1, 1, 1, 1]


SEARCHES = [lambda region: attack.DifferentialEvolution(SMALL, region=region),
            lambda region: attack.Corners(region=region)]


@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_of_a_region_asks_about_no_pixel_beyond_it(planted, search):
    [inside] = verdicts(planted(9, 4, 0), grey(), [1], search=search(10))
    [outside] = verdicts(planted(10, 4, 0), grey(), [1], search=search(10))
    assert inside.flipped and inside.pixels[0][:2] == (9, 4)
    assert not outside.flipped and max(outside.pixels[0][:2]) < 10
    assert search(10).name != search(None).name


def test_a_guided_search_cut_short_asks_about_the_most_promising_first(linear):
    image, rng = np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8), np.random.default_rng(0)
    face = linear.face(image)
    goal = attack.Goal(int(face.logits.argmax()))
    whole, short = (attack.Guided(most=most)(face, goal, rng=rng) for most in (None, 5))
    assert short.queries <= 5 and attack.Guided(most=5).name == "guided_first_5"
    if whole.queries <= 5:
        assert (short.pixels == whole.pixels).all()
    below = attack.Guided(region=2)(face, goal, rng=rng)
    assert below.queries <= 2 * 2 * 8 and max(below.pixels[0][:2]) < 2
