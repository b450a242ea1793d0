"""Play, as a browser plays: every call, what it shows, and that the same settings give the same numbers."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganforge.data.builtin import modes
from ganforge.studio.bounds import Bounds
from ganforge.studio.session import PlaySession
from ganforge.studio.view import _divergences, _on_modes
from tests.studio.conftest import RING, Line, Running, unpacked

# A round in the article's order.
STAGES = (
    "generate",
    "fakes",
    "reals",
    "discriminator_loss",
    "update_discriminator",
    "judge",
    "generator_loss",
    "update_generator",
)


def drawn(line: Line, rounds: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Play so many rounds; gives the frame after the last one."""
    if rounds is not None:
        line.call("play", rounds=rounds, speed=None)
        while line.until("standing")["playing"]:
            pass
    line.heard.clear()
    line.call("watch", rate=10, layers=["heat", "generated", "grid", "arrows"])
    frame = line.until("frame")
    line.opened.send(f'{{"do": "ack", "frame": {frame[0]["frame"]}}}')
    line.call("watch", rate=0)
    line.heard.clear()
    return frame


def test_a_game_is_opened_with_its_scene_and_its_standing(studio: Running):
    with studio.socket("/api/play") as line:
        standing = line.call("open", settings=RING)
        header, arrays = line.until("scene")
        assert header["view"] == "plane"
        assert header["modes"] == 8
        assert header["goal"]["value"] == pytest.approx(-math.log(4))
        assert arrays["real"].shape == (1000, 2)
        assert standing["settings"] == RING
        assert (standing["nimg"], standing["round"], standing["playing"]) == (0, 0, False)
        assert standing["recipe"]["objective"] == "non_saturating"
        assert standing["recorded"]


def test_a_frame_holds_what_the_plane_shows(game: Line):
    header, arrays = drawn(game, 50)
    assert (header["nimg"], header["round"]) == (50 * 256, 50)
    assert arrays["heat"].shape == (40, 40)
    assert arrays["heat"].dtype == np.uint8
    assert arrays["generated"].shape == (400, 2)
    assert arrays["grid"].shape == (11, 11, 2)
    lengths = np.linalg.norm(arrays["arrows"], axis=1)
    assert lengths.max() == pytest.approx(1.0, abs=1e-5)
    numbers = header["numbers"]
    assert 0 <= numbers["modes_covered"] <= 8
    assert -20 < numbers["value"] < 0
    assert 0 <= numbers["js"] <= 1
    assert numbers["discriminator_loss"] == pytest.approx(2 * math.log(2), abs=0.3)


def test_the_same_settings_and_seed_give_the_same_numbers(studio: Running):
    def points(settings: dict[str, Any], *parts: int) -> Any:
        with studio.socket("/api/play") as line:
            line.call("open", settings=settings)
            for rounds in parts[:-1]:
                drawn(line, rounds)
            frame = drawn(line, parts[-1])
            line.call("close")
            return frame[1]

    one, same = points(RING, 60), points(RING, 20, 40)
    for name in ("heat", "generated", "grid", "arrows"):
        assert (one[name] == same[name]).all()
    other = points({**RING, "seed": 1}, 60)
    assert not (one["generated"] == other["generated"]).any()


def test_steps_and_slow_motion_make_the_same_round(studio: Running):
    """Slow motion's stages are one round, to the last bit; a step of one leaves the other alone."""
    with studio.socket("/api/play") as quick, studio.socket("/api/play") as slow:
        quick.call("open", settings=RING)
        slow.call("open", settings=RING)
        drawn(quick, 3)
        for _ in range(3):
            for name in STAGES:
                told = slow.call("slow")["stage"]
                assert told["stage"] == name
        assert told["numbers"]["gradient"] > 0
        assert slow.call("pause")["round"] == 3
        (_, one), (_, other) = drawn(quick), drawn(slow)
        assert (one["generated"] == other["generated"]).all()
        assert (one["heat"] == other["heat"]).all()
        assert quick.call("step", who="discriminator")["round"] == 3  # one player's step is no round
        _, after = drawn(quick)
        assert (after["generated"] == one["generated"]).all()
        assert not (after["heat"] == one["heat"]).all()
        assert quick.call("step", who="generator")["round"] == 3
        _, last = drawn(quick)
        kept = quick.call("set", changes={"generator.learning_rate": 0.002})  # which keeps a moment
        assert kept["round"] == 3
        assert quick.call("step", who="both")["round"] == 4
        moment = quick.call("moments")["moments"][-1]
        assert moment["round"] == 3
        assert quick.call("rewind", moment=moment["id"])["round"] == 3
        assert (last["heat"] == after["heat"]).all()
        assert not (last["generated"] == one["generated"]).all()


def test_the_parts_of_slow_motion_add_up(game: Line):
    game.call("slow")
    fakes, reals, whole, update = (game.call("slow")["stage"] for _ in range(4))
    assert update["numbers"]["loss"] == whole["numbers"]["loss"]
    loss = fakes["numbers"]["loss"] + reals["numbers"]["loss"] + reals["numbers"]["penalty"]
    assert update["numbers"]["loss"] == pytest.approx(loss, rel=1e-4)
    assert reals["numbers"]["penalty"] == pytest.approx(0.0, abs=1e-6)
    assert len(fakes["predictions"]) == 8
    assert all(0 < value < 1 for value in fakes["predictions"])
    assert update["predictions"] != fakes["predictions"]
    judged, generator, moved = (game.call("slow")["stage"] for _ in range(3))
    assert all(0 < value < 1 for value in judged["predictions"])
    assert moved["numbers"]["loss"] == generator["numbers"]["loss"]
    game.call("watch", rate=10)
    shown, _ = drawn(game)  # the frames after a stage tell the same numbers
    for player, stage in (("discriminator", update), ("generator", moved)):
        assert shown["numbers"][f"{player}_loss"] == pytest.approx(stage["numbers"]["loss"], rel=1e-5)
        assert shown["numbers"][f"{player}_gradient"] == pytest.approx(stage["numbers"]["gradient"], rel=1e-5)
    # Half of slow motion is finished by whatever else is asked for.
    assert game.call("step", who="both")["round"] == 2


def test_rates_and_losses_change_while_it_is_played_and_widths_do_not(game: Line):
    drawn(game, 20)
    told = game.call("set", changes={"objective": "least_squares", "generator.learning_rate": 0.002})
    assert (told["needed_reset"], told["did_reset"], told["round"]) == (False, False, 20)
    assert told["settings"]["changes"] == {"generator.learning_rate": 0.002, "objective": "least_squares"}
    told = game.call("set", changes={"generator.width": 16}, reset="never")
    assert (told["needed_reset"], told["did_reset"]) == (True, False)
    assert told["settings"]["changes"].get("generator.width") is None
    told = game.call("set", changes={"generator.width": 16})
    assert (told["needed_reset"], told["did_reset"], told["round"]) == (True, True, 0)
    # What is the recipe's own value is no change.
    told = game.call("set", changes={"generator.width": 64, "objective": "non_saturating"})
    assert told["settings"]["changes"] == {"generator.learning_rate": 0.002}
    told = game.call(
        "set", changes={"generator.optimiser": "sgd", "penalties": [{"name": "r1", "weight": 0.1}]}
    )
    assert (told["needed_reset"], told["recipe"]["generator"]["optimiser"]) == (False, "sgd")
    game.call("step", who="both")


def test_wrong_settings_are_one_line_and_the_game_stands(game: Line):
    assert "Did you mean 'width'" in game.refused("set", changes={"generator.wdth": 3})
    assert "up to 512" in game.refused("set", changes={"generator.width": 4096})
    assert "unknown objective" in game.refused("set", changes={"objective": "minimal"})
    assert "there is no call" in game.refused("plai")
    assert "there is no field 'who'" in game.refused("play", who="both")
    assert "who is 'nobody'" in game.refused("step", who="nobody")
    assert "seed must be" in game.refused("reset", settings={**RING, "seed": -1})
    few = {"kind": "drawn", "points": [[0, 0]] * 3}
    assert "points must be a list of 16" in game.refused("reset", settings={**RING, "data": few})
    odd = {"kind": "drawn", "points": [[0, "x"]] * 20}
    assert "of numbers" in game.refused("reset", settings={**RING, "data": odd})
    game.opened.send("this is no JSON")
    assert "a call is JSON" in game.next()["error"]
    assert game.call("pause")["round"] == 0


def test_a_timeline_goes_back_and_branches(game: Line):
    _, first = drawn(game, 32)
    game.call("set", changes={"generator.learning_rate": 0.003})  # which keeps a moment
    moments = game.call("moments")["moments"]
    start, last = moments[0], moments[-1]
    assert (start["round"], last["round"], last["parent"]) == (0, 32, moments[-2]["id"])
    drawn(game, 16)
    told = game.call("rewind", moment=last["id"])
    assert (told["round"], told["moment"], told["nimg"]) == (32, last["id"], 32 * 256)
    _, again = drawn(game)
    assert (again["generated"] == first["generated"]).all()
    game.call("rewind", moment=start["id"])
    drawn(game, 8)
    assert game.call("pause")["branch"] != 0
    assert game.call("pause")["settings"]["changes"] == {}  # settings go back as well
    assert "no moment 9999" in game.refused("rewind", moment=9999)


def test_a_game_is_played_until_a_round(game: Line):
    drawn(game, 10)
    assert game.call("play", until=40, speed=None)["until"] == 40
    assert game.until("findings")["nimg"] == 40 * 256  # those of its end
    told = game.until("standing")
    assert (told["playing"], told["round"], told["until"]) == (False, 40, None)
    assert not game.call("play", until=40)["playing"]  # it is there
    assert "the game is at round 40, beyond 39" in game.refused("play", until=39)
    assert "one of the two" in game.refused("play", until=50, rounds=3)


def test_a_mode_is_found_from_a_tenth_of_its_fair_share_on():
    known = modes("ring")
    share = 400 / len(known.centres)
    many, few = int(0.1 * share), int(0.1 * share) - 1
    points = np.repeat(known.centres[:3], [400 - many - few, many, few], axis=0)
    assert _on_modes(points, known)["modes_covered"] == 2


def test_divergences_are_those_of_their_formulas():
    p, q = np.array([3.0, 1.0, 0.0]), np.array([1.0, 1.0, 2.0])
    got = _divergences(p, q, 9)
    assert got["js"] == pytest.approx(0.5 * (0.75 * math.log2(1.5) + 0.25 * 0 + 0.25 * math.log2(0.5) + 0.5))
    # One more sample, a third of it in each cell.
    assert got["kl"] == pytest.approx(
        0.75 * math.log2(7.5 / (2.25 + 1 / 3)) + 0.25 * math.log2(2.5 / (2.25 + 1 / 3))
    )
    assert _divergences(p, p, 10**9)["kl"] == pytest.approx(0.0, abs=1e-6)
    assert _divergences(p, 1 - p.clip(0, 1), 10)["kl"] < 6  # finite without a common cell


def test_rewound_play_repeats_itself(game: Line):
    drawn(game, 10)
    start = game.call("moments")["moments"][0]["id"]
    game.call("rewind", moment=start)
    _, one = drawn(game, 25)
    game.call("rewind", moment=start)
    _, other = drawn(game, 25)
    assert (one["generated"] == other["generated"]).all()
    curve = game.call("curve")["curve"]
    assert [point["nimg"] for point in curve] == sorted(point["nimg"] for point in curve)


def test_the_line_shows_densities_and_both_discriminators(studio: Running):
    with studio.socket("/api/play") as line:
        settings = {"data": {"kind": "builtin", "name": "gaussian"}, "recipe": None, "changes": {}, "seed": 0}
        line.call("open", settings=settings)
        header, scene = line.until("scene")
        x = scene["x"].astype(float)
        assert header["view"] == "line"
        assert np.trapezoid(scene["p_data"], x) == pytest.approx(1.0, abs=0.01)
        line.call("play", rounds=30, speed=None)
        line.until("standing")
        line.call("watch")
        header, arrays = line.until("frame")
        assert np.trapezoid(arrays["p_g"], x) == pytest.approx(1.0, abs=0.05)
        p, q = scene["p_data"].astype(float), arrays["p_g"].astype(float)
        known = np.maximum(p, q) >= 0.0101 * p.max()
        assert np.abs(arrays["best"] - p / np.maximum(p + q, 1e-9))[known].max() < 1e-3
        empty = np.maximum(p, q) < 0.0099 * p.max()
        assert empty.any()  # where there are no examples there is no best discriminator
        assert (arrays["best"][empty] == -1).all()
        assert ((arrays["d"] >= 0) & (arrays["d"] <= 1)).all()
        assert arrays["map_z"].shape == arrays["map_x"].shape == (25,)
        assert arrays["map_z"][0] == -1
        assert 0 < header["numbers"]["distance_to_best"] < 1


def test_a_generator_without_noise_makes_one_point(studio: Running):
    with studio.socket("/api/play") as line:
        told = studio.json("/api/play/catalogue")["why_randomness"][0]["settings"]
        line.call("open", settings=told)
        line.call("play", rounds=20, speed=None)
        line.until("standing")
        line.call("watch")
        _, arrays = line.until("frame")
        assert np.ptp(arrays["generated"]) == 0
        assert "register_forward_pre_hook" in line.call("python")["python"]


def test_digits_show_samples_with_verdicts_and_advice(studio: Running):
    with studio.socket("/api/play") as line:
        line.call("open", settings={**RING, "data": {"kind": "builtin", "name": "digits"}, "recipe": None})
        line.call("step", who="both")
        line.call("watch")
        _, arrays = line.until("frame")
        assert arrays["generated"].shape == (36, 1, 8, 8)
        assert arrays["generated"].dtype == np.uint8
        assert arrays["logits"].shape == arrays["d"].shape == (36,)
        told = line.call("advice", index=5)
        assert len(told["change"]) == 64
        assert max(map(abs, told["change"])) == pytest.approx(8.0, abs=1e-3)
        assert told["words"].startswith("pixel (")
        assert told["logit"] == pytest.approx(float(arrays["logits"][5]), abs=1e-4)


def test_drawn_points_are_played(studio: Running):
    points = [[math.cos(i / 10), math.sin(i / 10)] for i in range(63)]
    with studio.socket("/api/play") as line:
        told = line.call("open", settings={**RING, "data": {"kind": "drawn", "points": points}})
        assert told["recipe"]["batch"] <= 63
        assert "drawn.npy" in line.call("python")["python"]
        assert drawn(line, 5)[0]["round"] == 5


def test_a_slow_browser_gets_fewer_frames_and_the_game_goes_on(studio: Running):
    with studio.socket("/api/play") as line:
        line.call("open", settings=RING)
        line.call("watch", rate=20)
        line.call("play", speed=None)
        slow = [header for header, _ in line.frames(2.0, draw=0.5)]
        assert 1 <= len(slow) <= 6  # two are on their way at most
        before = line.call("pause")["round"]
        assert before > 20
        assert slow[-1]["round"] > slow[0]["round"]


def test_nobody_watching_makes_no_frames(game: Line):
    game.call("play", speed=None)
    time.sleep(0.5)
    game.call("pause")
    assert not [
        message for message in game.heard if isinstance(message, tuple) and message[0]["type"] == "frame"
    ]


def test_speed_is_held(game: Line):
    first, began = game.call("play", speed=20)["round"], time.monotonic()
    time.sleep(1.0)
    played = game.call("pause")["round"] - first
    assert 12 <= played / (time.monotonic() - began) <= 23


def test_as_python_is_the_same_experiment(studio: Running):
    changes = {"objective": "hinge", "generator.width": 32}
    told = studio.json("/api/play/python", {**RING, "changes": changes})
    assert "objective='hinge'" in told["python"]
    assert "generator__width=32" in told["python"]
    assert told["command"].startswith("gan train ring --recipe points --seed 0 --set ")
    assert "kimg=400" in told["python"]  # nothing was played: the whole budget
    compile(told["python"], "script", "exec")
    played = studio.json("/api/play/python", {**RING, "rounds": 1200})
    assert "# As long as on the screen: 1,200 rounds of 256 examples." in played["python"]
    assert "kimg=307.2" in played["python"]
    assert " kimg=307.2 " in played["command"]
    noiseless = studio.json("/api/play/python", {**RING, "noise": False, "rounds": 1200})["python"]
    assert "for _ in range(1_200):" in noiseless
    status, answer = studio.ask("/api/play/check", {**RING, "recipe": "textbok"})
    assert status == 422
    assert b"Did you mean 'textbook'" in answer


def test_a_table_is_uploaded_and_played(studio: Running):
    rows = "\n".join(f"{i % 7},{i % 5}" for i in range(200))
    status, answer = studio.ask("/api/play/data?name=my.csv", f"a,b\n{rows}\n".encode())
    assert status == 200, answer
    told = studio.json("/api/play/data?name=my.csv", f"a,b\n{rows}\n".encode())
    assert (told["n"], told["dims"], told["kind"]) == (200, 2, "points")
    with studio.socket("/api/play") as line:
        standing = line.call("open", settings={**RING, "data": told["data"]})
        assert standing["settings"]["data"]["name"] == "my.csv"
        assert line.until("scene")[0]["columns"] == ["a", "b"]
    assert studio.ask("/api/play/data?name=my.exe", b"x")[0] == 422
    status, answer = studio.ask("/api/play/data?name=my.csv", b"a,b\n1,x\n")
    assert status == 422
    # What is too large is refused by its announced length, before any of it is sent.
    assert (
        studio.ask("/api/play/data?name=big.csv", b"", headers={"Content-Length": str((16 << 20) + 1)})[0]
        == 413
    )
    gone = {"kind": "uploaded", "id": "nothing", "name": "my.csv"}
    assert studio.ask("/api/play/check", {**RING, "data": gone})[0] == 422


@pytest.mark.parametrize(
    "settings",
    [
        {"data": {"kind": "builtin", "name": "gaussian"}, "recipe": None},
        {"data": {"kind": "builtin", "name": "ring"}, "recipe": "textbook"},
        {"data": {"kind": "builtin", "name": "ring"}, "recipe": None},  # sines, ten numbers of noise
    ],
)
def test_units_and_weights_are_those_of_the_networks(settings: dict[str, Any], tmp_path: Path):
    """From the maps and the weights that are sent the networks' own samples and logits come out again."""
    sent: list[Any] = []
    session = PlaySession("a", sent.append, Bounds(), tmp_path)
    width = {"generator.width": 6, "discriminator.width": 6}  # few enough for all to be shown
    session.call({"do": "open", "settings": {**settings, "changes": width, "seed": 3}}, None)
    session.call({"do": "play", "rounds": 31}, None)
    while session.playing:
        session.slice(0.1)
    session.call({"do": "watch", "rate": 10, "networks": True}, None)
    session.slice(0.0)
    header, arrays = unpacked(next(one for one in reversed(sent) if isinstance(one, bytes)))
    assert (header["type"], header["round"]) == ("frame", 31)
    space = session.view.space
    for player, network in session.game.rounds.game.players.items():
        told, maps, weights = (
            header["networks"][player],
            torch.from_numpy(arrays[f"{player}_maps"].copy()),
            torch.from_numpy(arrays[f"{player}_weights"].copy()),
        )
        units = told["units"]
        assert told["shown"] == [min(n, 8) for n in units]
        assert len(maps) == sum(told["shown"])
        first, last = maps[: told["shown"][0]], maps[-units[-1] :].flatten(1).T
        places = first[: 2 if maps.dim() == 3 else 1].flatten(1).T  # what enters: where the map's places are
        with torch.no_grad():
            if player == "generator":
                z = torch.zeros(len(places), session.game.recipe.latent)
                z[:, : places.shape[1]] = places
                made = space.to_declared(network(z))
            else:
                made = network(places)[:, None]
        assert torch.allclose(made, last, rtol=1e-6, atol=1e-6)
        # The last hidden layer, by the weights that are sent, gives the logit but for its bias.
        if player == "discriminator":
            hidden = maps[-units[-1] - units[-2] : -units[-1]].flatten(1).T
            rebuilt = hidden @ weights[-units[-2] :]
            assert (rebuilt - last[:, 0]).std() < 1e-5
        linears = [one.weight for one in network.modules() if isinstance(one, torch.nn.Linear)]
        flat = torch.cat([one[:8, :8].flatten() for one in linears])
        assert torch.equal(flat, weights)


def test_units_are_asked_for_and_come_now_and_then(game: Line):
    game.call("watch", rate=20)
    header, arrays = game.until("frame")
    assert "networks" not in header
    assert not [name for name in arrays if name.endswith("_maps")]
    game.call("watch", rate=20, networks=True)
    game.call("play", speed=None)
    frames = list(game.frames(3.0))
    game.call("pause")
    inside = [header["seconds"] for header, _ in frames if "networks" in header]
    assert 2 <= len(inside) < len(frames)
    assert len(inside) <= 9  # 0.4 seconds apart while it is played
    assert arrays["generated"].shape == (400, 2)
    assert "networks must be true or false" in game.refused("watch", networks=3)


def test_the_standing_says_what_no_script_does(studio: Running):
    with studio.socket("/api/play") as line:
        line.call("open", settings=RING)
        assert line.call("set", changes={"objective": "hinge"})["unlike_script"] is None  # before any round
        line.call("step", who="both")
        start = line.call("moments")["moments"][0]["id"]
        told = line.call("set", changes={"objective": "minimax"})["unlike_script"]
        assert told == "the settings were changed at round 1"
        assert "by itself" in line.call("step", who="generator")["unlike_script"]
        assert line.call("rewind", moment=start)["unlike_script"] is None
        line.call("set", changes={"objective": "hinge"})
        line.call("step", who="both")
        assert line.call("reset")["unlike_script"] is None
