"""Many faces verified: kept, resumed, checked against the whole network and against what searches found."""

import dataclasses
import functools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import sweeping

from maskdet import attack, files, proof
from maskdet.attack import Attempt, Sweep
from maskdet.attack.oracle import margin
from maskdet.experiment import defences, verification
from maskdet.experiment.variants import Variant
from maskdet.networks.evaluation import Evaluation
from maskdet.proof import many

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def labels():
    return sweeping.predict(IMAGES).argmax(axis=1)


def verified(profile, labels, *, predict=sweeping.predict, **options):
    return proof.verify_all(predict, sweeping.network(), IMAGES, labels, name="net", profile=profile, **options)


def test_every_correct_face_is_verified_and_a_second_call_does_nothing_again(profile, labels, monkeypatch):
    wrong = labels.copy()
    wrong[2] = 1 - wrong[2]
    first = verified(profile, wrong)
    assert first.faces.tolist() == [0, 1, 3, 4, 5] and sum(first.counts.values()) == 5
    assert first.counts[proof.FLIPPABLE] > 0
    table = (profile.folder / "verification/net.csv").read_text().splitlines()
    assert len(table) == 6 and table[0].startswith("face,verdict,pixel,margin,reached,proved")

    @functools.wraps(many._item)  # so that its key is the same
    def fail(*given):
        pytest.fail("verified again")
    monkeypatch.setattr(many, "_item", fail)
    again = verified(profile, wrong)
    for one, other in zip(first.results, again.results):
        for field in dataclasses.fields(one):
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name))


def test_an_interrupted_call_goes_on_where_it_stopped_and_ends_with_the_same(profile, labels, monkeypatch):
    whole = verified(profile, labels, stem="whole")
    add = files.Journal.add

    def interrupted(self, name, item):
        if len(self.items) == 3:
            raise KeyboardInterrupt
        add(self, name, item)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(files.Journal, "add", interrupted)
        verified(profile, labels)
    resumed = verified(profile, labels)
    assert [face.witness for face in resumed.results] == [face.witness for face in whole.results]
    assert all(np.array_equal(face.proved, same.proved) for face, same in zip(resumed.results, whole.results))


def test_the_faces_verified_are_the_first_of_those_that_are_attacked(profile, labels):
    drawn = np.random.default_rng(profile.seed).permutation(6)[:2]
    assert verified(profile, labels, most=2).faces.tolist() == sorted(drawn.tolist())


@pytest.fixture
def two_folds(labels, monkeypatch):
    """Two outcomes of a network, each tested on half of the faces."""
    monkeypatch.setattr(verification.networks, "predictor", lambda model: sweeping.predict)
    monkeypatch.setattr(verification.Incremental, "of", lambda model: sweeping.network())
    halves = [Evaluation(IMAGES[rows], labels[rows], sweeping.predict(IMAGES[rows]), np.arange(6)[rows])
              for rows in (slice(0, 3), slice(3, 6))]
    return {"resnet": [SimpleNamespace(model=None, test=test, trial=SimpleNamespace(
        name=f"fold{number}", variant=SimpleNamespace(network="resnet"))) for number, test in enumerate(halves)]}


def test_the_faces_of_all_folds_are_verified_each_in_its_own_test_and_counted_together(profile, labels, two_folds):
    every = dataclasses.replace(profile, verified={})
    whole, apart = verified(profile, labels), verification.verify(every, two_folds)["resnet"]
    assert apart.faces.tolist() == whole.faces.tolist() and apart.counts == whole.counts
    assert [one.witness for one in apart.results] == [one.witness for one in whole.results]
    few = verification.verify(dataclasses.replace(profile, name="few", verified={"resnet": 1}), two_folds)["resnet"]
    assert len(few.faces) == 2 and few.faces[0] < 3 <= few.faces[1], "so many of each fold"
    flip = Attempt(0, ((0, 0, 0, 0, 0),), (0.9, 0.1), (0.1, 0.9), 1)
    hits = apart.are(proof.FLIPPABLE)
    sweeps = [Sweep("resnet", "s", np.arange(3), [flip if flips else dataclasses.replace(flip, after=(0.9, 0.1))
                                                  for flips in hits[part]], 3, 3, 0.0)
              for part in (slice(0, 3), slice(3, 6))]
    shares = verification.shares(two_folds, {"resnet": apart}, {"corners": {"resnet": sweeps}})["resnet"]
    assert shares["corners"].k == shares["flippable"].k == hits.sum() and shares["corners"].n == 6
    missed = verification.missed(dataclasses.replace(profile, draws=1), two_folds, {"resnet": apart})
    assert len(missed["resnet"]) == 1 and 0 <= missed["resnet"][0] <= hits.sum()


def test_the_whole_pass_agrees_with_what_is_verified(profile, labels):
    found = verified(profile, labels)
    for face, decision in zip(found.faces, found.results):
        own = sweeping.network().face(attack.set_pixels(IMAGES[face], [decision.witness])[0]).logits
        assert margin(own, labels[face]) == pytest.approx(decision.reached.min(), abs=1e-4)
        assert (decision.proved[~decision.flips] <= decision.reached[~decision.flips]).all()
        if decision.verdict == proof.FLIPPABLE:
            assert own.argmax() != labels[face]


def test_a_witness_that_the_whole_network_does_not_confirm_ends_the_call(profile, labels):
    same = labels == labels[0]  # those that it would never give up
    with pytest.raises(AssertionError, match="face .: expected .* to flip the decision in the whole pass too"):
        proof.verify_all(lambda images: np.eye(2)[np.full(len(images), labels[0])], sweeping.network(), IMAGES[same],
                         labels[same], name="net", profile=profile)
    with pytest.raises(ValueError, match="expected faces that net classifies correctly, got none of 6: train it"):
        verified(profile, 1 - labels)


def test_a_bound_just_above_zero_is_still_a_proof_when_it_is_read_back():
    flat, colour = np.full((2, 2), 1.0), np.zeros((2, 2, 3), np.uint8)
    for least, verdict in ((1.0001e-5, proof.SAFE), (-np.inf, proof.UNDECIDED)):
        made = proof.Verification(flat, colour, np.array([[least, 1], [1, 1]]), np.zeros((2, 2), bool), 4, 32)
        back = many._read(json.loads(json.dumps(many._line(made))))
        assert made.verdict == back.verdict == verdict and (back.proved <= made.proved).all()


def test_a_search_that_flips_a_face_proved_safe_is_an_error(profile, labels):
    found = verified(profile, labels)
    assert found.counts[proof.SAFE] > 0
    flip = Attempt(0, ((0, 0, 0, 0, 0),), (0.9, 0.1), (0.1, 0.9), 1)
    stays = dataclasses.replace(flip, after=(0.9, 0.1))

    def sweep(flipped):
        return Sweep("net", "s", found.faces, [flip if flips else stays for flips in flipped], 6, 6, 0.0)
    hits, one = found.are(proof.FLIPPABLE), [SimpleNamespace(test=SimpleNamespace(labels=labels))]
    assert (verification._flipped(found, one, [sweep(hits)]) == hits).all()
    with pytest.raises(AssertionError, match="net: expected no flip of a face that is proved safe, got faces"):
        verification._flipped(found, one, [sweep(np.ones(6, bool))])
    fewer = dataclasses.replace(sweep(hits), faces=found.faces[2:], attempts=sweep(hits).attempts[2:])
    with pytest.raises(ValueError, match="expected a search of every verified face of net, got none of 2: attack as"):
        verification._flipped(found, one, [fewer])


def test_each_defence_is_set_beside_the_same_network_without_one(profile, labels):
    probabilities = sweeping.predict(IMAGES)

    def outcome(variant, correct):
        said = labels if correct else 1 - labels
        test = Evaluation(IMAGES, labels, np.where(said[:, None] == labels[:, None], probabilities,
                                                   probabilities[:, ::-1]), np.arange(6))
        return SimpleNamespace(test=test, trial=SimpleNamespace(variant=variant), fit=SimpleNamespace(seconds=3.0))
    found = verified(profile, labels)
    hits = [Attempt(0, ((0, 0, 0, 0, 0),), (0.9, 0.1), (0.1, 0.9) if flips else (0.9, 0.1), 1)
            for flips in found.are(proof.FLIPPABLE)]
    outcomes = {"net, none": [outcome(Variant("net"), True)],
                "net, median filter": [outcome(Variant("net", scaling="median"), False)]}
    sweeps = {"guided": {name: [Sweep(name, "s", found.faces, hits, 6, 6, 0.0)] for name in outcomes}}
    verdicts_of = dict.fromkeys(outcomes, found)
    shares = verification.shares(outcomes, verdicts_of, sweeps)
    table = defences.verdicts_table(outcomes, verdicts_of, shares)
    assert table["accuracy"].tolist() == ["+0.00", "-100.00"]
    assert table["certified accuracy"].str.contains(f"({found.counts[proof.SAFE]}/6; ", regex=False).all()
    k = found.counts[proof.FLIPPABLE]
    assert f"({k}/6; " in defences.searched_table(outcomes, sweeps).loc["net, none", "flipped by the guided corners"]
    recorded, seconds = defences.to_record(profile, outcomes, sweeps, verdicts_of, shares)
    assert list(recorded["defences"]["net"]) == ["none", "median_filter"]
    assert recorded["defences"]["net"]["none"]["flippable"].k == k and seconds["net"]["none"]["training"] == 3.0
    assert recorded["defences"]["net"]["none"]["seeds"] == 1
    [(network, rows)] = defences.dumbbell(outcomes, shares).items()
    assert network == "net" and [row[0] for row in rows] == ["none", "median filter"]
    assert [row[1] for row in rows] == [1.0, 0.0] and rows[0][3] == k / 6
