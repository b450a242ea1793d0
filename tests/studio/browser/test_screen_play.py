"""Play, in a real browser: every control does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.studio.browser.screen import PATIENCE, Screen
from tests.studio.conftest import Running


def test_play_and_pause_and_ten_frames_a_second(screen: Screen) -> None:
    screen.play()
    screen.click("[name=play]")
    screen.see("[name=play]", "Pause")
    screen.until(lambda: screen.round() > 100, "round 100")
    rate = float(screen.one(".stage").get_attribute("data-fps") or 0)
    print(f"frames drawn a second: {rate}")
    assert rate >= 1  # asked for 10; a busy machine gives fewer, and must not give none
    screen.click("[name=play]")
    screen.see("[name=play]", "Play")
    label = screen.one("canvas.game").get_attribute("aria-label") or ""
    assert "modes covered" in label
    assert "share of real examples called real" in label


def test_single_steps_and_reset(screen: Screen) -> None:
    screen.play("data=gaussian&latent=1")
    before = screen.pixels("canvas.game")
    screen.click("[name=step-discriminator]")
    screen.until(lambda: screen.pixels("canvas.game") != before, "a new D(x)")
    before = screen.pixels("canvas.game")
    screen.click("[name=step-generator]")
    screen.until(lambda: screen.pixels("canvas.game") != before, "a new p_g")
    now = screen.round()
    screen.click("[name=step-both]")
    screen.until(lambda: screen.round() == now + 1, "a round")
    screen.click("[name=reset]")
    screen.until(lambda: screen.round() == 0, "the beginning")


def test_slow_motion_goes_through_the_steps_in_order(screen: Screen) -> None:
    screen.play("data=gaussian&latent=1")
    screen.click("[name=slow]")
    titles: list[str] = []
    now = screen.page.locator(".stages li.now")
    for _ in range(8):
        expect(now.locator("p").first).to_be_visible(timeout=PATIENCE)
        titles.append(now.locator("strong").inner_text())
        if len(titles) < 8:
            screen.click("[name=next-stage]")
            screen.until(lambda: now.locator("strong").inner_text() != titles[-1], "the next step")
    assert titles == [
        "Forward through G",
        "D looks at fakes, label 0",
        "D looks at reals, label 1",
        "D's loss",
        "The sum updates D",
        "G's fakes through the updated D",
        "G's loss",
        "Back through D to G",
    ]
    assert "loss" in screen.one(".stages li.now").inner_text()
    screen.keep("play-slow")


def test_settings_live_in_the_address_and_come_back(screen: Screen) -> None:
    screen.play("data=ring&recipe=textbook&seed=3")
    screen.page.select_option("select[name=objective]", "hinge")
    screen.wait_address("objective=hinge")
    screen.page.select_option("select[name=add-penalty]", "r1")
    screen.wait_address('"name":"r1"')
    screen.click("[data-group=generator] summary")
    depth = screen.one("[name='generator.depth']")
    depth.fill("3")
    depth.press("Enter")
    screen.wait_address("generator.depth=3")
    screen.page.reload()
    screen.see("[data-fact=round]")
    assert screen.one("select[name=objective]").input_value() == "hinge"
    assert screen.one("[name=seed]").input_value() == "3"
    screen.see("[data-penalty=r1]")
    screen.until(lambda: screen.one("[name='generator.depth']").input_value() == "3")

    screen.click("[name=python]")
    script = screen.one("[data-script=python]").inner_text()
    compile(script, "script", "exec")
    screen.keep("play-python")
    assert "import ganforge" in script
    assert "hinge" in script
    screen.click("dialog button:has-text('Copy the script')")
    screen.see("dialog [role=status]")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("play?data=ring&recipe=textbook&generator.width=99999", "width"),
        ("play?data=rin", "Did you mean 'ring'"),
        ("play?data=ring&seed=x", "a seed is a whole number"),
        ("play?data=ring&lesson=none", "no lesson ‘none’"),
        ("plai", "no page ‘plai’"),
    ],
)
def test_a_bad_address_is_told_in_one_line_above_a_game(screen: Screen, address: str, said: str) -> None:
    screen.go(address, "[data-fact=round]")
    screen.see("[data-notice=refused]", said)
    assert "\n" not in screen.one("[data-notice=refused] span").inner_text()
    expect(screen.one("[data-data=ring]")).to_have_attribute("aria-pressed", "true")
    screen.until(lambda: screen.one("[name='generator.width']").input_value() == "64", "what the game has")


def test_data_of_an_address_come_with_what_is_played(screen: Screen) -> None:
    screen.play("data=digits")
    screen.see("[data-fact=round]")
    screen.see("[data-data=digits][aria-pressed=true]")
    assert screen.one("select[name=recipe]").input_value() == "auto"
    assert screen.one("select[name=objective]").input_value() == "relativistic"
    assert float(screen.one("[name='batch']").input_value()) == 64


def test_on_a_phone_the_game_comes_first(browser: Browser, studio: Running) -> None:
    with Screen.open(browser, studio.port, token=studio.token, wide=390) as phone:
        phone.play()
        for selector in ("[name=play]", "canvas.game"):
            box = phone.one(selector).bounding_box()
            assert box is not None
            assert 0 <= box["y"] <= 500, selector
        assert not phone.overflows()
        phone.click("[name=to-lessons]")
        phone.click("[data-tab=lessons]")
        phone.click("[name=start-first]")
        phone.click("[data-choice='2'] input")
        phone.click("[name=run-lesson]")
        phone.until(lambda: phone.one("canvas.game").bounding_box()["y"] < 600, "the picture")  # type: ignore[index]


def test_layers_are_switched_from_the_legend(screen: Screen) -> None:
    screen.play()
    for layer in ("heat", "real", "generated", "arrows", "grid"):
        before = screen.pixels("canvas.game")
        entry = screen.one(f"[data-layer={layer}]")
        pressed = entry.get_attribute("aria-pressed")
        entry.click()
        assert entry.get_attribute("aria-pressed") != pressed
        screen.until(lambda before=before: screen.pixels("canvas.game") != before, f"a change of {layer}")


def test_free_drawing_with_the_pointer_and_with_the_keyboard(screen: Screen) -> None:
    screen.play()
    screen.click("[data-data=drawn]")
    expect(screen.one("[name=use-drawing]")).to_be_disabled()
    screen.drag(".board", (0.3, 0.3), (0.6, 0.4), (0.5, 0.7))
    screen.one(".board").focus()
    for key in ("ArrowRight", "ArrowUp", "Space", "Space", "Space"):
        screen.page.keyboard.press(key)
    screen.keep("play-drawing")
    light = screen.pixels(".board")
    screen.page.emulate_media(color_scheme="dark")
    screen.until(lambda: screen.pixels(".board") != light, "the drawing in the dark's colours")
    screen.click("[name=use-drawing]")
    screen.wait_address("data=drawn:")
    screen.see("[data-data=drawn][aria-pressed=true]")
    screen.see("[data-fact=round]")


def test_a_file_is_learned_and_a_bad_one_is_refused(screen: Screen, tmp_path: Path) -> None:
    good, bad = tmp_path / "heights.csv", tmp_path / "notes.csv"
    good.write_text("x,y\n" + "\n".join(f"{i % 7},{(i * i) % 11}" for i in range(80)), encoding="utf-8")
    bad.write_bytes(b"\x00\x01 no table")
    screen.play()
    screen.page.set_input_files("[name=upload]", bad)
    screen.see("[data-notice=refused]")
    screen.page.set_input_files("[name=upload]", good)
    screen.see("[data-notice=word]", "80 examples")
    screen.wait_address("data=uploaded:")
    screen.see("[data-data=uploaded][aria-pressed=true]")
    screen.see("[data-fact=round]")


def test_digits_show_scores_and_advice_on_hover_and_on_focus(screen: Screen) -> None:
    screen.play("data=digits&recipe=auto")
    screen.see(".cell .score")
    screen.until(lambda: screen.one(".cell .score").inner_text() != "–", "a score")
    assert 0 <= float(screen.one(".cell .score").inner_text()) <= 1
    screen.page.locator(".cell").nth(2).hover()
    before = screen.pixels(".cell:nth-child(3) canvas")
    screen.see(".advice-pair .advice")
    screen.see(".advice-words", "Picture 3")
    assert screen.pixels(".cell:nth-child(3) canvas") == before  # the advice stands beside the picture
    assert screen.page.locator(".cell canvas").count() == screen.page.locator(".cell").count()
    screen.page.mouse.move(0, 0)
    screen.page.locator(".cell").nth(4).focus()
    screen.see(".advice-words", "Picture 5")
    assert "pixel" in screen.one(".advice-words").inner_text()


def test_the_timeline_scrubs_back_and_branches(screen: Screen) -> None:
    screen.play()
    screen.click("[name=play]")
    # Curves get a point now and then by the clock: there must be one before the moment that is gone back to.
    screen.see(".plot[aria-label^='Losses, ']")
    first = int(screen.one("[name=timeline]").get_attribute("max") or 0) + 2
    screen.until(lambda: int(screen.one("[name=timeline]").get_attribute("max") or 0) > first, "moments")
    screen.click("[name=play]")
    screen.see("[name=play]", "Play")
    late = screen.round()
    screen.slide("[name=timeline]", first)
    screen.see(".timeline output", "back at round")
    screen.until(lambda: screen.round() < late, "an earlier round")
    here = screen.round()
    screen.see(".plot[aria-label^='Losses, ']")  # the curves up to here are still there
    assert "Latest: discriminator –" not in (screen.one(".plot").get_attribute("aria-label") or "")
    assert "nothing yet" not in (screen.one(".plot").get_attribute("aria-label") or "")
    screen.click("[name=play]")
    screen.see(".timeline output", "2 branches")
    screen.until(lambda: screen.round() > here + 20, "the branch")
    screen.click("[name=play]")
    screen.see("[name=play]", "Play")
    points = (screen.one(".plot").get_attribute("aria-label") or "").split()
    assert int(points[1]) >= 2, points  # of both branches
    screen.one(".branches").click(position={"x": 6, "y": 8})  # the map's beginning
    screen.see(".timeline output", "back at round 0")
    screen.until(lambda: screen.round() == 0, "the beginning")
    screen.one("[name=timeline]").focus()
    screen.page.keyboard.press("Home")  # the keyboard scrubs too
    screen.see(".timeline output", "back at round")


def test_a_failure_its_finding_and_the_remedy(screen: Screen) -> None:
    screen.play()
    screen.tab("failures")
    screen.click("[data-failure=discriminator-loss-zero] [data-act=beside]")
    screen.until(lambda: screen.page.locator(".arena").count() == 2, "two games")
    screen.see(".arenas.two .arena h2", "With the remedy")
    screen.until(lambda: screen.round(0) > 5 and screen.round(1) > 5, "both play")
    screen.see(".arena:first-child .remedy")
    screen.keep("play-failure")
    screen.click(".arena:first-child .remedy")
    screen.see("[data-notice=word]", "remedy")
    screen.click(".arena:last-child button:has-text('Close this one')")
    screen.until(lambda: screen.page.locator(".arena").count() == 1, "one game")


def test_why_randomness_shows_both(screen: Screen) -> None:
    screen.play()
    screen.tab("failures")
    screen.click("[data-failure=why-randomness] [data-act=beside]")
    screen.see(".arena:last-child h2", "with noise")
    screen.wait_address("noise=false")
    screen.until(lambda: screen.round(0) > 1 and screen.round(1) > 1, "both play")


def test_every_lesson_asks_first_and_then_runs(screen: Screen) -> None:
    screen.play("")
    lessons = screen.page.locator("[data-lesson]").evaluate_all("all => all.map(one => one.dataset.lesson)")
    assert len(lessons) >= 8
    screen.click(f"[data-lesson={lessons[0]}]")
    for name in lessons:
        screen.wait_address(f"lesson={name}")
        run = screen.one("[name=run-lesson]")
        expect(run).to_be_disabled()
        assert screen.page.locator(".answer p").count() == 0
        screen.click("[data-choice='1'] input")
        run.click()
        screen.see(".answer", "What to look at")
        if name == "turns":
            screen.see(".stages li.now")
        else:
            screen.see("[name=play]", "Pause")
        assert not screen.page.locator("[data-notice=refused]").is_visible(), name
        if name != lessons[-1]:
            screen.click("[name=next-lesson]")


def test_two_games_run_to_the_same_round(screen: Screen) -> None:
    screen.play()
    screen.click("[name=step-discriminator]")
    screen.click("[name=beside]")
    screen.until(lambda: screen.page.locator("[data-fact=round]").count() == 2, "both stand")
    assert screen.round(0) == 0  # one player's step is no round
    screen.one("[name=until]").fill("60")
    screen.click("[name=run-until]")
    screen.until(lambda: screen.round(0) == 60 and screen.round(1) == 60, "round 60 of both")
    screen.see("[name=play]", "Play")
    screen.click("[name=python]")
    screen.see("[data-script=python]", "60 rounds of 256 examples")
    screen.click("dialog button[aria-label], dialog button:has-text('Close')")
    screen.one("[name=until]").fill("20")
    screen.page.keyboard.press("Enter")
    screen.see("[data-notice=refused]", "at round 60, beyond 20")


def test_another_game_beside(screen: Screen) -> None:
    screen.play()
    screen.click("[name=beside]")
    screen.see(".arena:last-child h2", "Another seed")
    screen.until(lambda: screen.page.locator("[data-fact=round]").count() == 2, "both stand")
    screen.click("[name=play]")
    screen.until(lambda: screen.round(0) > 1 and screen.round(1) > 1, "both play")


def test_a_dropped_connection_comes_back_to_the_same_game(screen: Screen) -> None:
    sockets: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    screen.page.route_web_socket("**/api/play", through)
    screen.play()
    screen.click("[name=step-both]")
    screen.until(lambda: screen.round() == 1, "a round")
    sockets[-1].close()
    screen.see("[data-notice=play]", "lost")
    screen.gone("[data-notice=play]")
    screen.click("[name=step-both]")
    screen.until(lambda: screen.round() == 2, "the second round of the same game")


def test_a_game_is_come_back_to_after_another_view_and_after_a_reload(screen: Screen) -> None:
    screen.play("data=moons")
    screen.click("[name=beside]")
    screen.until(lambda: screen.page.locator("[data-fact=round]").count() == 2, "both stand")
    screen.one("[name=until]").fill("40")
    screen.click("[name=run-until]")
    screen.until(lambda: screen.round(0) == 40 and screen.round(1) == 40, "round 40 of both")
    screen.click("nav [data-view=watch]")
    screen.see(".run-list")
    screen.click("nav [data-view=play]")
    screen.until(lambda: screen.page.locator("[data-fact=round]").count() == 2, "both are there again")
    screen.until(lambda: screen.round(0) == 40 and screen.round(1) == 40, "where they were left")
    screen.see(".arena:last-child h2", "Another seed")
    screen.page.reload()
    screen.until(lambda: screen.page.locator("[data-fact=round]").count() == 2, "both after a reload")
    screen.until(lambda: screen.round(0) == 40 and screen.round(1) == 40, "as they were")
    assert "nothing yet" not in (screen.one(".plot").get_attribute("aria-label") or "")  # with their curves
    screen.play("data=ring")  # another game is another game
    screen.until(lambda: screen.page.locator("[data-fact=round]").count() == 1, "one game")
    assert screen.round() == 0


def test_the_page_opens_with_a_game_that_moves_and_a_way_in(screen: Screen) -> None:
    screen.play("")
    screen.until(lambda: screen.round() > 5, "the game moves by itself")
    screen.keep("play-first")
    screen.click("[name=start-first]")
    screen.wait_address("lesson=forger")


def test_who_asked_for_less_motion_begins_with_a_game_at_rest(screen: Screen) -> None:
    screen.page.emulate_media(reduced_motion="reduce")
    screen.play("")
    screen.see("[data-fact=round]")
    screen.page.wait_for_timeout(1500)
    assert screen.round() == 0


def test_a_lesson_shows_its_game_before_it_is_run_and_leaves_ones_own(screen: Screen) -> None:
    screen.play("")
    screen.click("[name=start-first]")
    screen.see(".arena h2", "The forger learns a bell curve")
    screen.see(".stage[data-view=line]")
    screen.see("[name=play]", "Play")
    assert screen.round() == 0  # at rest, until the question is answered
    screen.click("[data-choice='2'] input")
    screen.click("[name=run-lesson]")
    screen.see("[name=play]", "Pause")
    box = screen.one("[name=next-lesson]").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900  # the answer is seen, and the page has not moved
    assert screen.page.evaluate("scrollY") == 0
    screen.tab("settings")
    screen.click("[data-data=moons]")
    screen.wait_address("data=moons")
    screen.tab("lessons")
    screen.click("button:has-text('All lessons')")
    screen.click("[data-lesson=turns]")
    screen.wait_address("lesson=turns")
    assert "data=moons" in screen.address


def test_curves_count_rounds_and_begin_without_axes(screen: Screen) -> None:
    screen.play()
    screen.see("[data-fact=round]")
    losses = screen.one(".plot")
    assert losses.get_attribute("aria-label") == "Losses: nothing yet"
    expect(losses).to_have_class("plot empty")
    screen.click("[name=step-both]")
    screen.see(".plot[aria-label^='Losses, 2 points to 1.00 rounds']")


def _top(screen: Screen, selector: str, which: int) -> float:
    """Pixels from the window's upper edge to the first or second game's element."""
    box = screen.page.locator(selector).nth(which).bounding_box()
    return -1.0 if box is None else box["y"]


def test_two_games_and_their_numbers_are_seen_without_scrolling(screen: Screen) -> None:
    screen.play()
    screen.tab("failures")
    screen.click("[data-failure=discriminator-loss-zero] [data-act=beside]")
    screen.until(lambda: screen.page.locator("[data-fact=good_share]").count() == 2, "both stand")
    for selector in ("canvas.game", "[data-fact=round]", "[data-fact=good_share]"):
        # On one line, to be compared, once both have found their places.
        screen.until(lambda at=selector: abs(_top(screen, at, 0) - _top(screen, at, 1)) < 1, selector)
        first = screen.page.locator(selector).first.bounding_box()
        assert first is not None
        assert first["y"] + first["height"] <= 900, selector
    screen.until(lambda: screen.round(0) > 5 and screen.round(1) > 5, "both play")
    screen.click("[name=slow]")
    screen.see("[name=play]", "Play")  # of neither: one round of one game is read


def test_two_games_stand_side_by_side_on_a_narrow_window(screen: Screen) -> None:
    screen.page.set_viewport_size({"width": 1024, "height": 768})
    screen.play()
    screen.tab("failures")
    screen.click("[data-failure=discriminator-loss-zero] [data-act=beside]")
    screen.until(lambda: screen.page.locator("[data-fact=good_share]").count() == 2, "both stand")
    screen.until(lambda: abs(_top(screen, "canvas.game", 0) - _top(screen, "canvas.game", 1)) < 1, "one line")
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= 1024
    screen.see("[name=to-lessons]")  # these stand below the games


def test_the_advice_for_a_digit_is_seen_without_scrolling(screen: Screen) -> None:
    screen.play("data=digits&recipe=auto")
    screen.see(".cell .score")
    screen.page.locator(".cell").nth(31).hover()
    screen.see(".advice-words", "Picture 32")
    for selector in (".cell:nth-child(32)", ".advice-pair"):
        box = screen.one(selector).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, selector


def test_the_script_says_where_the_game_on_the_screen_went_another_way(screen: Screen) -> None:
    screen.play()
    screen.click("[name=step-both]")
    screen.until(lambda: screen.round() == 1, "a round")
    screen.page.select_option("select[name=objective]", "hinge")
    screen.wait_address("objective=hinge")
    screen.click("[name=python]")
    screen.see("dialog p", "went another way: the settings were changed at round 1")
    screen.page.keyboard.press("Escape")
    screen.click("[name=reset]")
    screen.until(lambda: screen.round() == 0, "the beginning")
    screen.click("[name=python]")
    screen.see("dialog p", "with the same seed")


def test_the_legend_draws_each_layer_as_it_is(screen: Screen) -> None:
    screen.play()
    arrow = screen.one("[data-layer=arrows] .swatch").bounding_box()
    assert arrow is not None
    assert arrow["height"] < 6  # a line, not a box


def test_a_lesson_that_is_named_alone_opens_its_own_games(screen: Screen) -> None:
    screen.play("data=digits")
    screen.play("lesson=two-words")
    screen.see(".arena:first-child h2", "The original loss")
    screen.see(".arena:last-child h2", "The non-saturating loss")
    assert screen.one("[name=until]").input_value() == "1200"


def test_two_games_go_back_in_time_together(screen: Screen) -> None:
    screen.play()
    screen.click("[name=beside]")
    screen.until(lambda: screen.page.locator("[data-fact=round]").count() == 2, "both stand")
    screen.one("[name=until]").fill("120")
    screen.click("[name=run-until]")
    screen.until(lambda: screen.round(0) == 120 and screen.round(1) == 120, "round 120 of both")
    lines = screen.page.locator("[name=timeline]")
    screen.until(lambda: all(int(lines.nth(i).get_attribute("max") or 0) > 0 for i in (0, 1)), "moments")
    lines.first.focus()
    screen.page.keyboard.press("Home")
    screen.until(lambda: screen.round(0) == 0 and screen.round(1) == 0, "both at the beginning")
