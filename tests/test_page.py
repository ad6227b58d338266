"""The report's page in a real browser: Chromium, from disk, with the network switched off."""
import shutil

import pytest

from conformance import history
from conformance.compare.axes import Difference
from conformance.compare.verdict import Verdict
from conformance.killrate import Outcome
from conformance.report import html
from conformance.results import Results

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright (extra `browser`)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
MANY = 20_000


def results():
    """Twenty thousand cases of 40 operators; one in ten fails for one of 50 causes."""
    verdicts = []
    for number in range(MANY):
        id, bad = f"op/nn.functional.op{number % 40}/float32/{number}", number % 10 == 0
        found = [Difference("value", "0/y/value", "1.0 <b>against</b> 2.0")] if bad else []
        verdicts.append(Verdict(id, "mismatch" if bad else "pass", ("value",) if bad else (), ("value", "text"),
                                cause=f"value differs: op{number % 50}" if bad else "", differences=found))
    detail = {"setup": [], "program": ["y = torch.op0(x)"], "oracle": ["y = tensor([1., 2.])"], "subject": ["y = tensor([1., 3.])"],
              "repro": "import torch\nprint('<repro>')"}
    about = {"subject": {"as": "reftorch", "module": "reftorch", "version": "0.1", "python": "3.11"}, "oracle": {"as": "torch", "version": "2.13.0"},
             "when": "2026-11-23T00:00:00", "profile": "drop-in", "seconds": 3}
    made = Results(about, verdicts, details={"op/nn.functional.op0/float32/0": detail})
    runs = [history.Entry("2026-11-2" + str(n), "reftorch 0.1", "torch 2.13.0", "drop-in", {"op": (80 + n, 100)}) for n in range(4)]
    faults = [Outcome("wrong_dim", "value", "softmax elsewhere", "op/softmax/0"), Outcome("quiet", "warning", "a warning lost")]
    made.beside = {"history": runs, "killrate": faults}
    return made


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(html.render(results()), "utf-8")
    assert path.stat().st_size < 5_000_000
    return path


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
        made = engine.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield made
        made.close()


@pytest.fixture
def page(browser, place):
    """The page, open; any message on the console or request to the network fails the test."""
    context = browser.new_context(offline=True)
    opened = context.new_page()
    trouble = []
    opened.on("console", lambda message: trouble.append(message.text))
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("request", lambda request: trouble.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
    opened.goto(place.as_uri())
    yield opened
    context.close()
    assert trouble == []


def shown(page):
    return page.locator("#count").inner_text()


def test_it_opens_on_the_failing_cases_and_search_narrows_them(page):
    assert shown(page) == "200 of 2000 cases shown"
    page.fill("#query", "op0/")
    assert shown(page) == "200 of 500 cases shown"
    page.select_option("#status", "*")
    page.click("#reset")
    assert shown(page) == "200 of 2000 cases shown"


def test_filters_of_axis_status_and_cause(page):
    page.select_option("#status", "pass")
    assert shown(page) == "200 of 18000 cases shown"
    page.click("#reset")
    page.select_option("#axis", "value")
    assert shown(page) == "200 of 2000 cases shown"
    page.locator("button.link[data-cause]").first.click()
    assert shown(page) == "200 of 400 cases shown" and "cause: value differs" in page.locator("#cause").inner_text()


def test_a_case_opens_to_both_sides_and_its_reproducer_can_be_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.fill("#query", "op0/float32/0")
    page.locator("details.case > summary").first.click()
    opened = page.locator("details.case").first
    assert opened.locator("mark").all_inner_texts() == ["2", "3"] and "1.0 <b>against</b> 2.0" in opened.inner_text()
    opened.get_by_role("button", name="copy the reproducer").click()
    assert page.evaluate("navigator.clipboard.readText()") == "import torch\nprint('<repro>')"


def test_by_keyboard_alone(page):
    page.keyboard.press("/")
    page.keyboard.type("float32/10")
    assert shown(page).endswith(" cases shown") and page.evaluate("document.activeElement.id") == "query"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName === 'SUMMARY' && document.activeElement.parentElement.className === 'case'"):
            break
    page.keyboard.press("Enter")
    assert page.locator("details.case[open]").count() == 1


def test_twenty_thousand_cases_filter_at_once(page):
    took = page.evaluate("""() => {
        const times = [];
        for (const word of ["op1", "op12/", "float32/7", "nothing", ""]) {
            document.getElementById("status").value = "*";
            document.getElementById("query").value = word;
            const start = performance.now();
            document.getElementById("query").dispatchEvent(new Event("input"));
            document.body.offsetHeight;
            times.push(performance.now() - start);
        }
        return times;
    }""")
    assert sorted(took)[len(took) // 2] < 200, took


def test_dark_and_light_and_a_phone(browser, place):
    grounds = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(offline=True, color_scheme=scheme, viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.goto(place.as_uri())
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        context.close()
    assert len(grounds) == 2


def test_history_and_kill_rate_are_drawn(page):
    assert page.locator("figure svg polyline").count() == 1 and "80.0 → 83.0 %" in page.locator("figcaption").inner_text()
    page.get_by_text("1 of 2 are caught").click()
    assert "not caught: quiet: a warning lost" in page.locator("body").inner_text()


