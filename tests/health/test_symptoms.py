"""Every symptom by histories made by hand: seen, not seen, and at its border."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from ganforge.core.condition import Condition
from ganforge.core.declared import SYMPTOMS
from ganforge.core.recipe import Player
from ganforge.health import balance, course, numbers, result, variety
from ganforge.health.diagnosis import diagnose
from ganforge.health.history import History
from tests.health.conftest import (
    PICTURES,
    Bend,
    Line,
    fixed,
    history,
    late,
    note,
    probe,
    score,
    scores,
    won,
)

WASSERSTEIN: dict[str, Any] = {"objective": "wasserstein"}
LEVEL: dict[str, Any] = {"objective": "non_saturating"}


def growing(record: Line, i: int) -> None:
    if i:
        record["since"]["margin"]["mean"] = 2.0**i


def few_support(value: float) -> Bend:
    return score("support_size", value=value, low=0.8 * value, high=1.2 * value)


def copies(low: float) -> Bend:
    return score("memorisation", value=low + 0.05, low=low, high=low + 0.1)


def sinking(record: Line, i: int) -> None:
    """Good until the tenth examination, then ever worse."""
    if i > 10:
        scores(0.05, 0.1 * 3.0 ** (i - 10))(record, i)


def rising(record: Line, i: int) -> None:
    """Samples are like the input at the start, and ever further from the data."""
    if i:
        scores(0.0, 10.0 * 1.3**i)(record, i)
    else:
        score("sliced_wasserstein", value=9.6, low=9.0, high=10.0)(record, i)


def slow(record: Line, i: int) -> None:
    """A hundred rounds in all: a look every six."""
    if i:
        record["since_rounds"] = 6


def falling(record: Line, i: int) -> None:
    """Samples stay bad, and their score gets better at every look."""
    scores(0.05, 100.0 * 0.8**i)(record, i)


def more_and_more(record: Line, i: int) -> None:
    """Few samples, twice as many at each look, and ever better ones."""
    falling(record, i)
    few_support(2.0**i)(record, i)


def motion_rises(record: Line, i: int) -> None:
    """Clips that stand still at first, and move more at every look."""
    probe(motion=0.2 * 1.4 ** (i - 16))(record, i)


def shortcut_scores(record: Line, i: int) -> None:
    scores(0.05, 100.0 if i < 3 else 1.0)(record, i)


# Code to (history that shows it, histories that do not).
CASES: dict[str, tuple[History, tuple[History, ...]]] = {
    "not-finite": (
        history(late(lambda record, i: record.update(since_refused=30), 16)),
        (history(note("generator_loss", mean=1e6)),),
    ),
    "fake-loss-unbounded": (
        history(scores(), growing, **WASSERSTEIN),
        (
            history(scores(), note("margin", mean=0.5), **WASSERSTEIN),
            history(growing, **WASSERSTEIN),  # the samples are good: a scale, not a fault
            history(scores(), note("discriminator_loss", mean=4.9)),
        ),
    ),
    "exploding-gradients": (
        history(scores(), note("discriminator_gradient", after=12, mean=5e4)),
        (
            history(note("discriminator_gradient", after=12, mean=5e3)),  # large, and the samples are good
            history(note("discriminator_gradient", mean=5e4)),  # always so: the network's scale
            history(note("generator_gradient", after=12, mean=20.0)),
        ),
    ),
    "generator-too-weak": (
        history(scores(), fixed(0.001)),
        (history(fixed(0.001)), history(scores(), fixed(0.05))),
    ),
    "memorisation": (
        history(copies(0.9)),
        (
            history(copies(0.55)),
            history(copies(0.9), scores()),  # bad samples are near to nothing
        ),
    ),
    "discriminator-overfitting": (
        history(probe(told_training=0.95, told_held_out=0.5)),
        (
            history(probe(told_training=0.7, told_held_out=0.6)),
            history(probe(told_training=0.95, told_held_out=0.9)),
        ),
    ),
    "past-its-best": (
        history(sinking),
        (history(late(score("sliced_wasserstein", value=0.12, low=0.11, high=0.13), 12)), history(scores())),
    ),
    "accuracy-diverged": (
        history(
            scores(),
            note("real_logits", positive=1.0),
            note("fake_logits", positive=1.0),
            probe(told_held_out=0.5),
            **LEVEL,
        ),
        (
            history(
                scores(), note("real_logits", positive=1.0), note("fake_logits", positive=1.0)
            ),  # free level
            history(scores(), note("real_logits", positive=0.9), note("fake_logits", positive=0.9), **LEVEL),
        ),
    ),
    "discriminator-too-weak": (
        history(scores(), probe(told_training=0.1, told_held_out=0.1)),
        (
            history(probe(told_training=0.1, told_held_out=0.1)),
            history(scores(), probe(told_training=0.8, told_held_out=0.8)),
        ),
    ),
    "vanishing-gradients": (
        history(scores(), *won(0.5), note("generator_gradient", after=8, mean=1e-4)),
        (
            history(note("generator_gradient", after=8, mean=1e-4)),
            history(scores(), *won(0.5), note("generator_gradient", after=8, mean=0.1)),
        ),
    ),
    "shortcut": (
        history(shortcut_scores, *won(0.3), probe(shortcut=0.99), space=PICTURES),
        (
            history(shortcut_scores, *won(0.3), probe(shortcut=0.9), space=PICTURES),
            history(scores(0.05, 100.0), *won(0.3), probe(shortcut=1.0), space=PICTURES),  # never came near
            history(shortcut_scores, *won(0.3), probe(shortcut=0.99), slow, space=PICTURES),
            history(shortcut_scores, few_support(8.0), *won(0.3), probe(shortcut=0.99), space=PICTURES),
        ),
    ),
    "standing-clip": (
        history(probe(motion=0.1)),
        (history(probe(motion=0.9)), history(), history(motion_rises)),
    ),
    "mode-collapse": (
        history(scores(0.3), few_support(8.0)),
        (
            history(few_support(8.0)),
            history(scores(0.3), few_support(2_000.0)),
            history(scores(0.3), more_and_more),
        ),
    ),
    "discriminator-loss-zero": (
        history(scores(), *won(0.02)),
        (
            history(*won(0.02)),  # BigGAN's: a low loss alone is no fault
            history(scores(), *won(0.2)),
            history(scores(), *won(0.02), **WASSERSTEIN),
        ),
    ),
    "discriminator-too-strong": (
        history(scores(), *won(0.4)),
        (
            history(*won(0.4)),
            history(scores(), *won(0.4), probe(told_held_out=0.9)),
            history(scores(), *won(0.4), slow),
            history(falling, *won(0.4), late(probe(told_held_out=0.98), 12)),
        ),
    ),
    "oscillation": (
        history(scores(0.3), fixed(1.5)),
        (history(fixed(1.5)), history(scores(0.3), fixed(0.1))),
    ),
    "low-support": (
        history(scores(0.9, 0.2), few_support(50.0)),
        (history(scores(0.9, 0.2), few_support(1_000.0)),),
    ),
    "one-picture-a-class": (
        history(probe(within=0.2)),
        (
            history(probe(within=0.6)),
            history(),  # there are no classes
            history(probe(within=0.2, spread=0.1)),  # all samples are alike, whatever their class
        ),
    ),
    "worse-than-before-training": (
        history(rising),
        (history(), history(scores()), history(late(rising, 16))),
    ),
    "far-from-the-data": (
        history(scores(0.3)),
        (history(), history(late(scores(0.3), 16))),
    ),
    "modes-missed": (
        history(score("recall", value=0.06, high=0.08)),
        (history(), history(score("missed", value=0.01, floor=0.0))),
    ),
    "near-the-best": (history(probe(told_held_out=0.75)), (history(), history(scores(0.3)))),
    "class-lagging": (
        history(lambda record, i: record["examination"].update(classes={"1": 0.9, "2": 0.95, "7": 0.4})),
        (history(lambda record, i: record["examination"].update(classes={"1": 0.9, "2": 0.95, "7": 0.8})),),
    ),
    "word-never-made": (
        history(probe(**{"never made: town=Ulm": 0.2})),
        (history(), history(late(probe(**{"never made: town=Ulm": 0.2}), 16))),
    ),
    "spike-smeared": (
        history(probe(**{"smeared: paid=0": 0.1})),
        (history(), history(late(probe(**{"smeared: paid=0": 0.1}), 16))),
    ),
    "rule-broken": (
        history(probe(**{"broken: start ≤ end": 0.3})),
        (history(), history(late(probe(**{"broken: start ≤ end": 0.3}), 16))),
    ),
    "equilibrium": (
        history(),
        (
            history(probe(told_held_out=0.8)),
            history(scores()),
            history(score("sliced_wasserstein", value=0.37, low=0.36, high=0.4)),  # a box for a bell
            history(score("recall", value=0.06, high=0.08)),
            history(score("missed", value=0.125, floor=0.0)),
        ),
    ),
    "too-early": (history(n=3), (history(n=4),)),
    "few-examples": (
        history(lambda record, i: record["examination"].update(scores={}), n=6),
        (history(n=6), history(lambda record, i: record["examination"].update(n=100))),
    ),
}


def test_what_varies_little_within_a_caption_is_told_and_no_failure():
    asks = Condition(kind="text", names=("a", "lamp"))
    captions = replace(PICTURES, condition=asks)
    found = variety.one_picture_a_class(history(probe(within=0.44), space=captions))
    assert found is not None
    assert found.severity == "notice"
    assert found.meaning.startswith(
        "The generator makes much the same picture for each caption: within a caption"
    )
    one = variety.one_picture_a_class(history(probe(within=0.2), space=captions))
    assert one is not None
    assert (one.severity, one.meaning[:43]) == ("failure", "The generator makes one picture for each ca")


def test_the_reason_why_nothing_can_be_said_stands_beside_it():
    """A run with 40 held-out examples was undecided, and nobody said why."""
    few = history(lambda record, i: record["examination"].update(n=40, split="held-out"))
    found = diagnose(few)
    assert found.verdict.words == "undecided: few examples (40 held-out of 100)"
    assert found.findings[0].meaning.startswith(
        "Samples are compared with 40 held-out examples: among fewer "
    )
    far = diagnose(history(scores(0.3, 0.3), lambda record, i: record["examination"].update(n=40)))
    assert far.verdict.words.startswith("needs attention: far from the data")
    assert "few-examples" in [one.code for one in far.findings]


def test_a_verdict_that_changes_where_examples_grow_says_why():
    """*Not yet good* at one size was *undecided* at the next, and the line did not say that it was new."""

    def grows(record: Line, i: int) -> None:
        record["growth"] = int(i > 6)
        record["examination"]["sides"] = [16, 16]

    whole = history(scores(0.3, 0.3), grows, n=8)
    grown = diagnose(replace(whole, examined=(whole.examined[0], replace(whole.examined[1], progress=0.4))))
    assert grown.verdict.words == "undecided: too early (1 of 3 examinations at this size)"
    early = next(one for one in grown.findings if one.code == "too-early")
    assert early.meaning.startswith("The examples have just become larger, and it is too early")


def test_recall_below_its_best_is_no_missed_mode_where_dimensions_are_many():
    """Good digits have a third of the best possible recall: their samples vary a little less."""

    def of_pictures(value: float) -> Bend:
        def bend(record: Line, i: int) -> None:
            score("recall", value=value, high=value)(record, i)
            record["examination"]["headline"] = "kernel_distance"

        return bend

    for value, well in ((0.5, True), (0.35, True), (0.27, False)):
        found = diagnose(history(of_pictures(value)))
        assert found.healthy is well, found.verdict
    assert not diagnose(history(score("recall", value=0.5, high=0.5))).healthy  # of points


def test_every_symptom_has_a_case():
    assert set(CASES) == set(SYMPTOMS)


@pytest.mark.parametrize("code", CASES)
def test_a_symptom_is_seen_where_it_is_and_only_there(code: str):
    shown, others = CASES[code]
    found = SYMPTOMS[code](shown)
    assert found is not None
    assert found.code == code
    assert found.meaning.endswith(".")
    assert all(math.isfinite(value) for value in found.evidence.values())
    for other in others:
        assert SYMPTOMS[code](other) is None
    assert shown.recipe.with_changes(found.changes) == shown.recipe or found.changes


@pytest.mark.parametrize("code", CASES)
def test_the_remedy_fits_the_recipe_and_changes_no_network(code: str):
    shown = CASES[code][0]
    found = SYMPTOMS[code](shown)
    assert found is not None
    for bare in (False, True):  # with its penalties, and without any
        recipe = replace(shown.recipe, penalties=()) if bare else shown.recipe
        found = SYMPTOMS[code](replace(shown, recipe=recipe))
        assert found is not None
        changed = recipe.with_changes(found.changes)
        for role in ("generator", "discriminator"):
            before, after = getattr(recipe, role), getattr(changed, role)
            assert (after.family, after.width, after.depth, after.options) == (
                before.family,
                before.width,
                before.depth,
                before.options,
            )
        if found.rank >= 2 and code not in (
            "class-lagging",
            "word-never-made",
            "spike-smeared",
            "rule-broken",
            "shortcut",
            "standing-clip",
            "discriminator-too-weak",
        ):
            assert changed != recipe, found.remedy


@pytest.mark.parametrize("code", CASES)
@pytest.mark.parametrize("own", [{}, {"penalties.r1.weight": 0.3}])
def test_no_remedy_is_what_ran_already(code: str, own: dict[str, Any]):
    """Whatever stands at nothing: a penalty, a rate, the augmentation."""
    shown = CASES[code][0]
    for key in ("penalties.r1.weight", "penalties.r2.weight", "discriminator.learning_rate"):
        for value in (0.0, 1e-30):
            recipe = shown.recipe.with_changes({key: value})
            history = replace(shown, recipe=recipe, own=own if key == "penalties.r1.weight" else {})
            for finding in diagnose(history).findings:
                changed = recipe.with_changes(finding.changes)
                assert not finding.changes or changed != recipe
                assert set(finding.before) == set(finding.changes)
                for name, new in finding.changes.items():
                    assert finding.before[name] != new, name
                    assert f"{name} " in finding.changed()


def test_a_penalty_of_nothing_is_brought_back_to_the_recipes_own():
    none = history(scores(), *won()).recipe.with_changes({"penalties.r1.weight": 0, "penalties.r2.weight": 0})
    known = replace(history(scores(), *won()), recipe=none, own={"penalties.r1.weight": 0.3})
    first = diagnose(known).findings[0]
    assert first.changes == {"penalties.r1.weight": 0.3}
    assert first.changed() == "penalties.r1.weight 0 → 0.3"
    unknown = diagnose(replace(known, own={})).findings[0]
    assert all(entry["weight"] > 0 for entry in unknown.changes["penalties"])
    whole = [{"name": "interpolated", "weight": 10.0}]
    taken = replace(known, recipe=replace(none, penalties=()), own={"penalties": whole})
    assert diagnose(taken).findings[0].changes == {"penalties": whole}


def test_healthy_must_be_earned():
    near = diagnose(history(probe(told_held_out=0.75)))
    assert (near.healthy, near.verdict.words) == (True, "healthy: near the best")
    missing = diagnose(history(score("missed", value=0.125, floor=0.0)))
    assert (missing.exit_code, missing.verdict.words) == (5, "needs attention: modes missed")
    box = diagnose(history(score("sliced_wasserstein", value=0.25, low=0.24, high=0.26)))
    assert (box.exit_code, box.healthy) == (0, False)
    assert box.verdict.words == "not yet good: far from the data"
    unscored = diagnose(history(late(lambda record, i: record["examination"].update(scores={}), 16)))
    assert not unscored.healthy


def test_a_young_run_says_what_is_certain_already():
    seven = few_support(7.0)
    whole = history(seven, scores(0.3))
    young = diagnose(replace(whole, ticks=whole.ticks[:3], examined=whole.examined[:3]))
    assert young.exit_code == 0
    assert [finding.code for finding in young.findings][:2] == ["too-early", "low-support"]
    assert "about 7 different samples so far, and there are 1,000 examples" in young.findings[1].meaning
    over = replace(whole, ticks=whole.ticks[:2], examined=whole.examined[:2], finished=True)
    assert diagnose(over).exit_code == 5  # nothing will mend it


def test_a_run_that_stopped_by_itself_is_failing():
    found = diagnose(replace(history(), diverged=(13, 64)))
    assert (found.exit_code, found.verdict.words) == (6, "failing: not finite")


def test_distances_of_other_sizes_are_not_compared():
    def growing_up(record: Line, i: int) -> None:
        rising(record, i)
        record["growth"] = int(i > 0)

    assert result.worse_than_before_training(history(rising)) is not None
    assert result.worse_than_before_training(history(growing_up)) is None


def test_a_healthy_run_has_no_fault_at_any_moment():
    for n in range(1, 18):
        whole = history()
        part = replace(whole, ticks=whole.ticks[:n], examined=whole.examined[:n])
        assert diagnose(part).exit_code == 0, n


@pytest.mark.parametrize(
    ("bends", "first", "also"),
    [
        ((scores(), fixed(0.001), *won()), "generator-too-weak", "discriminator-loss-zero"),
        ((scores(0.3), few_support(3.0), *won()), "mode-collapse", "discriminator-loss-zero"),
        (
            (scores(), *won(), note("generator_gradient", after=8, mean=1e-5)),
            "vanishing-gradients",
            "discriminator-too-strong",
        ),
    ],
)
def test_the_cause_comes_before_what_follows_from_it(bends: tuple[Bend, ...], first: str, also: str):
    found = diagnose(history(*bends))
    codes = [finding.code for finding in found.findings]
    assert codes[0] == first
    assert also in codes
    assert not [code for code in codes if SYMPTOMS[code].says == "follows"]  # a cause is known
    assert (found.healthy, found.exit_code) == (False, 6)
    assert found.verdict.words.startswith(f"failing: {first.replace('-', ' ')}, and ")


def test_severities_decide_the_exit_code_and_the_order():
    warned = diagnose(history(scores(0.9, 0.2), few_support(50.0)))
    assert (warned.exit_code, warned.findings[0].code) == (5, "low-support")
    good = diagnose(history())
    assert (good.exit_code, good.verdict.words) == (0, "healthy: equilibrium")
    whole = history()
    early = diagnose(replace(whole, ticks=whole.ticks[:2], examined=whole.examined[:2]))
    assert (early.exit_code, early.findings[0].code) == (0, "too-early")


def test_what_is_found_to_be_good_is_not_too_early():
    """Two looks are enough for what is good: the verdict and the findings say the same."""
    whole = history()
    two = diagnose(replace(whole, examined=(whole.examined[0], *whole.examined[-2:])))
    assert two.verdict.words == "healthy: equilibrium"
    assert [finding.code for finding in two.findings] == ["equilibrium"]


def test_a_fault_does_not_vanish_by_one_kind_look():
    shown = history(scores(0.3), few_support(8.0), late(score("support_size", high=5e3), 16))
    assert variety.mode_collapse(shown) is None
    assert diagnose(shown).findings[0].code == "mode-collapse"
    once = history(
        late(scores(0.3), 15), late(few_support(8.0), 15), late(score("support_size", high=5e3), 16)
    )
    assert "mode-collapse" not in [finding.code for finding in diagnose(once).findings]


def test_a_collapse_is_told_by_what_is_narrow():
    narrow = variety.mode_collapse(history(scores(0.3), score("precision", value=0.9), probe(spread=0.8)))
    few = variety.mode_collapse(history(scores(0.3), few_support(8.0)))
    assert narrow is not None
    assert few is not None
    assert "again and again" in few.meaning
    assert narrow.meaning.startswith("Samples vary")


def test_a_run_that_came_nearer_and_swings_is_no_failure():
    def nearer(record: Line, i: int) -> None:
        scores(0.05, 100.0 * 0.8 ** min(i, 12))(record, i)

    swings = course.oscillation(history(nearer, fixed(1.5)))
    nowhere = course.oscillation(history(scores(0.3), fixed(1.5)))
    assert swings is not None
    assert nowhere is not None
    assert (swings.severity, nowhere.severity) == ("warning", "failure")


def test_a_score_that_falls_at_each_look_is_no_swing():
    def slowly(record: Line, i: int) -> None:
        scores(0.05, 0.44 * 0.98**i)(record, i)

    def back_and_forth(record: Line, i: int) -> None:
        scores(0.05, (0.44 + 0.1 * (i % 2)) * 0.98**i)(record, i)

    assert course.oscillation(history(slowly, fixed(1.5))) is None
    assert course.oscillation(history(back_and_forth, fixed(1.5))) is not None


def test_least_squares_is_judged_at_its_own_level():
    real, fake = note("real_logits", mean=0.4, deviation=0.01), note("fake_logits", mean=0.4, deviation=0.01)
    found = balance.accuracy_diverged(history(scores(), real, fake, objective="least_squares"))
    assert found is not None
    assert "fake" in found.meaning  # .4 is below ½, though above 0


def test_what_an_idle_discriminator_tells_apart_is_chance():
    def with_rate(rate: float) -> History:
        player = Player(family="mlp", width=8, learning_rate=rate)
        return history(scores(), probe(told_training=0.7, told_held_out=0.7), discriminator=player)

    assert diagnose(with_rate(1e-8)).findings[0].code == "discriminator-too-weak"
    assert balance.discriminator_too_weak(with_rate(1e-3)) is None


def test_remedies_go_as_far_as_the_recipe_is_off():
    def with_rates(generator: float, discriminator: float) -> dict[str, Any]:
        def player(rate: float) -> Player:
            return Player(family="mlp", width=8, learning_rate=rate)

        return {"generator": player(generator), "discriminator": player(discriminator)}

    dead = balance.generator_too_weak(history(scores(), fixed(0.001), **with_rates(1e-8, 1e-3)))
    assert dead is not None
    assert dead.changes == {"generator.learning_rate": 1e-3}
    fast = balance.discriminator_loss_zero(history(scores(), *won(), **with_rates(1e-3, 2e-2)))
    assert fast is not None
    assert fast.changes == {"discriminator.learning_rate": 1e-3}
    wild = numbers.exploding_gradients(
        history(scores(), note("generator_gradient", after=12, mean=1e6), **with_rates(1.0, 1.0))
    )
    assert wild is not None
    assert wild.changes == {"generator.learning_rate": 1e-3, "discriminator.learning_rate": 1e-3}
    none = balance.discriminator_loss_zero(history(scores(), *won(), penalties=(), **with_rates(1e-3, 1e-3)))
    assert none is not None
    assert [entry["name"] for entry in none.changes["penalties"]] == ["r1", "r2"]
    held = balance.discriminator_loss_zero(history(scores(), *won()))
    assert held is not None
    assert held.changes["penalties.r1.weight"] == pytest.approx(0.4)


def test_overfitting_is_answered_by_augmentation():
    bend = probe(told_training=0.95, told_held_out=0.5)
    found = variety.discriminator_overfitting(history(bend, space=PICTURES))
    assert found is not None
    assert found.changes == {"augmentation.policy": "translation", "augmentation.probability": 0.5}
    assert found.command() == "--set augmentation.policy=translation augmentation.probability=0.5"


def test_a_score_that_gets_better_does_not_hide_what_it_does_not_see():
    few = [finding.code for finding in diagnose(history(falling, few_support(8.0))).findings]
    assert few == ["mode-collapse"]
    won_throughout = [finding.code for finding in diagnose(history(falling, *won(0.4))).findings]
    assert won_throughout == ["discriminator-too-strong"]
    given_away = diagnose(history(falling, *won(0.4), probe(shortcut=0.99), space=PICTURES))
    assert given_away.findings[0].code == "shortcut"


def silent(after: int = 6) -> Bend:
    """Nothing reaches the generator any more."""
    return note("generator_gradient", after=after, mean=1e-8)


def test_a_discriminator_that_died_is_undecided_and_no_equilibrium():
    far_from_floor = score("sliced_wasserstein", value=0.3, low=0.28)
    dead = diagnose(history(probe(told_held_out=0.5), late(far_from_floor, 8), silent()))
    assert [finding.code for finding in dead.findings] == ["vanishing-gradients"]
    settled = history(probe(told_held_out=0.5), late(score("sliced_wasserstein", low=0.08), 8), silent())
    assert [finding.code for finding in diagnose(settled).findings] == ["near-the-best"]
    alive = history(probe(told_held_out=0.5))
    assert [finding.code for finding in diagnose(alive).findings] == ["equilibrium"]


def test_who_was_thrown_out_and_creeps_is_still_lost():
    def creeping(record: Line, i: int) -> None:
        scores(0.05, 100.0 * 0.95**i)(record, i)

    def once(record: Line, i: int) -> None:
        if i in (4, 5):
            record["since"]["discriminator_gradient"]["mean"] = 1e6

    assert numbers.exploding_gradients(history(creeping, once)) is not None
    assert numbers.exploding_gradients(history(falling, once)) is None  # and who comes back is not


def test_past_its_best_needs_a_best():
    ruined = course.past_its_best(history(sinking))
    assert ruined is not None
    assert ruined.severity == "failure"
    assert ruined.evidence["best_nimg"] == 10_000


def test_among_few_held_out_examples_nothing_good_is_earned():
    def few(record: dict[str, Any], i: int) -> None:
        record["examination"]["n"] = 40

    calm = probe(told_held_out=0.75)
    assert [finding.code for finding in diagnose(history(calm)).findings] == ["near-the-best"]
    assert [finding.code for finding in diagnose(history(calm, few)).findings] == ["few-examples"]
    assert diagnose(history(calm, few)).verdict.words == "undecided: few examples (40 held-out of 100)"


def test_what_is_near_the_best_says_which_score_is_not():
    """In many dimensions good samples have half the best possible recall: it is told, not passed over."""
    whole = diagnose(history(space=PICTURES)).findings[0]
    assert "Only recall" not in whole.meaning
    kernel = lambda record, i: record["examination"].update(headline="kernel_distance")  # noqa: E731
    less = diagnose(history(kernel, score("recall", value=0.54, high=0.59), space=PICTURES)).findings[0]
    assert less.severity == "good"
    assert "Only recall is not, 0.54 of" in less.meaning
    assert less.evidence["best_possible_recall"] > 0.8


def test_a_run_of_a_few_steps_is_told_to_go_on():
    whole = history(scores(0.3, 0.3))
    few = replace(whole, examined=tuple(replace(seen, since_rounds=5) for seen in whole.examined))
    found = [one for one in diagnose(few).findings if one.code in ("far-from-the-data", "modes-missed")]
    assert found
    assert all(one.remedy.startswith("Train for longer: ") and not one.changes for one in found)


def test_steps_and_looks_of_a_training_that_grows_are_those_at_its_size():
    """A run of 375 steps was told that 247 are few."""

    def grown(record: Line, i: int) -> None:
        slow(record, i)
        record["growth"] = int(i > 12)

    whole = history(scores(0.3, 0.3), grown)
    found = {one.code: one for one in diagnose(replace(whole, finished=True)).findings}
    assert found["modes-missed"].remedy == "Train for longer: 24 steps at the whole size are few."
    few = history(scores(0.3, 0.3), lambda record, i: record.update(growth=int(i > 14)))
    short = {one.code: one for one in diagnose(replace(few, finished=True)).findings}["too-early"]
    assert short.meaning.endswith("it was examined too few times at the whole size.")
    coarse = replace(
        few,
        examined=(
            *few.examined[:-1],
            replace(few.examined[-1], record=few.examined[-1].record | {"sides": [16, 16]}),
        ),
    )
    young = {one.code: one for one in diagnose(coarse).findings}["too-early"]
    assert "too few times at this size." in young.meaning


def test_a_run_that_gets_better_to_its_end_is_told_to_go_on():
    def better(record: Line, i: int) -> None:
        falling(record, i)
        record["examination"]["scores"]["sliced_wasserstein"].update(low=99.0 * 0.8**i, high=101.0 * 0.8**i)

    found = {one.code: one for one in diagnose(replace(history(better), finished=True)).findings}
    assert found["far-from-the-data"].remedy == "Train for longer: the distance to real data still falls."
    assert not found["far-from-the-data"].changes


def test_a_young_run_is_told_to_train_on_before_anything_else():
    """600 drawn boats and kites were told to lower their rates, after 377 steps at the whole size."""

    def drawn(record: Line, i: int) -> None:
        scores(0.3)(record, i)
        few_support(50.0)(record, i)
        at_whole = (6.4, 4.6, 3.9, 3.5)[min(i, 3)]
        score("sliced_wasserstein", value=at_whole, low=0.5 * at_whole, high=1.5 * at_whole)(record, i)
        record["since_rounds"] = 126 if i else 0

    falls = "the distance to real data still falls."
    whole = replace(history(drawn, n=4), finished=True)
    found = {one.code: one for one in diagnose(whole).findings}
    for code in ("low-support", "modes-missed", "far-from-the-data"):
        assert (found[code].remedy, found[code].changes) == (f"Train for longer: {falls}", {})
    alike = diagnose(replace(history(drawn, probe(within=0.2), n=4), finished=True)).findings[0]
    assert (alike.code, alike.remedy) == ("one-picture-a-class", f"Train for longer: {falls}")
    half = replace(whole.examined[3], progress=0.4)
    going_on = diagnose(replace(whole, finished=False, examined=(*whole.examined[:3], half)))
    assert {one.code: one for one in going_on.findings}["modes-missed"].remedy == f"Train on: {falls}"
    of_many = replace(whole, recipe=replace(whole.recipe, kimg=400.0), examined=whole.examined[:3])
    few = {one.code: one for one in diagnose(of_many).findings}["modes-missed"].remedy
    assert few == "Train for longer: 3,000 examples are few, the recipe is made for 400,000."


def test_a_run_that_stands_still_is_not_told_to_train_on():
    still = replace(history(scores(0.3, 0.3)), finished=True)
    found = [one for one in diagnose(still).findings if one.code in ("far-from-the-data", "modes-missed")]
    assert found
    assert all(one.changes and not one.remedy.startswith("Train") for one in found)


def test_few_steps_are_no_discriminator_that_won_and_no_swing():
    """Until 250 steps healthy players are told apart, and what they make changes at each look."""
    for code, bends in (
        ("discriminator-loss-zero", (scores(), *won(0.02))),
        ("oscillation", (scores(0.3), fixed(1.5))),
    ):
        assert SYMPTOMS[code](history(*bends)) is not None
        assert SYMPTOMS[code](history(*bends, slow)) is None


def test_weights_that_muon_moves_without_decay_decay_first():
    def with_decay(decay: float) -> dict[str, Any]:
        player = Player(family="mlp", width=8, optimiser="muon", learning_rate=1e-3, weight_decay=decay)
        return {"generator": player, "discriminator": player}

    found = course.past_its_best(history(sinking, **with_decay(0.0)))
    assert found is not None
    assert found.changes == {"generator.weight_decay": 0.3, "discriminator.weight_decay": 0.3}
    held = course.past_its_best(history(sinking, **with_decay(0.3)))
    assert held is not None
    assert held.changes["generator.learning_rate"] == pytest.approx(5e-4)


def test_rates_of_other_optimisers_are_not_compared():
    slow_one = Player(family="mlp", width=8, learning_rate=1e-3)
    by_momentum = Player(family="mlp", width=8, optimiser="sgd", learning_rate=1e-2)
    found = balance.discriminator_loss_zero(
        history(scores(), *won(), generator=slow_one, discriminator=by_momentum)
    )
    assert found is not None
    assert not any(key.endswith("learning_rate") for key in found.changes)


def test_the_first_steps_are_no_finding_unless_they_were_all():
    """What one step has made is far from the data in every training."""
    whole = history(scores(0.3, 0.3))
    first = replace(whole, examined=(replace(whole.examined[1], since_rounds=1, progress=0.01),))
    codes = {one.code for one in diagnose(first).findings}
    assert not codes & {"far-from-the-data", "modes-missed"}
    found = [one for one in diagnose(replace(first, finished=True)).findings if one.code == "modes-missed"]
    assert found[0].remedy == "Train for longer: 1 step is few."
