"""A browser that somebody uses: Debian's Chromium, driven by Playwright; what can be seen is judged by axe. None of it is ours.

    browser.py DIRECTORY ROOT    DIRECTORY for what a profile writes, ROOT the certificate that vouches for servers

One command comes as a line of JSON on standard input, {"verb": …, "window": …, …}; one line answers it, {"told": …} or {"failed": …}.
It ends with its standard input, and the browser with it.
"""

import importlib.resources
import json
import os
import re
import sys
import traceback

directory, root = sys.argv[1:]
os.environ["NODE_EXTRA_CA_CERTS"] = root

from playwright.sync_api import Error, expect, sync_playwright  # noqa: E402 (the variable is read when it starts)

CHROMIUM = os.environ.get("METER_PKI_CHROMIUM", "/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # What it would ask for by itself goes nowhere.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
# WCAG 2.1 and 2.2, levels A and AA; and what axe calls best practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE = 60_000

# What has the focus, and how one can see that.
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const inside = box.width > 0 && box.height > 0 && box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
  return {
    tag: one.tagName.toLowerCase(), id: one.id, name: one.getAttribute("name") || "",
    text: (one.innerText || one.getAttribute("aria-label") || "").trim(), seen: outline && inside,
  };
}"""

# Whether the page is wider than the window, and what makes it so.
WIDER = """() => {
  const whole = document.scrollingElement;
  if (whole.scrollWidth <= innerWidth) return [];
  const own = (one) => one.closest(".scrolls, pre") === null || one.matches(".scrolls, pre");
  const wide = [...document.body.querySelectorAll("*")].filter((one) => own(one) && one.getBoundingClientRect().right > innerWidth + 0.5);
  return [`${whole.scrollWidth} of ${innerWidth}`, ...wide.slice(0, 5).map((one) => one.outerHTML.slice(0, 160))];
}"""


class Window:
    """Somebody's window: a context of its own, with his certificate."""

    def __init__(self, browser, given):
        options = {
            "viewport": {"width": given.get("width", 1280), "height": given.get("height", 800)},
            "color_scheme": given.get("scheme", "light"),
            "java_script_enabled": given.get("script", True),
            "locale": "en-GB",
            "timezone_id": "UTC",
            "reduced_motion": "reduce",
        }
        if given.get("certificate"):
            options["client_certificates"] = [
                {"origin": given["origin"], "certPath": given["certificate"], "keyPath": given["key"]}
            ]
        elif given.get("bundle"):
            options["client_certificates"] = [
                {"origin": given["origin"], "pfxPath": given["bundle"], "passphrase": given["password"]}
            ]
        else:
            options["ignore_https_errors"] = True
        self.requests, self.faults = [], []
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.context.on("page", self.watch)
        self.context.on("request", lambda request: self.requests.append(request))
        self.page = self.context.new_page()

    def watch(self, page):
        page.on("console", self.said)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", self.asked)

    def said(self, message):
        # That the document itself has another status than 200 is told by its status, and is no fault of the page.
        own = message.text.startswith("Failed to load resource") and message.location.get("url") == self.page.url
        if message.type in ("error", "warning") and not own:
            self.faults.append(f"{message.type}: {message.text}")

    def asked(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    # --- what somebody does

    def open(self, given):
        answer = self.page.goto(given["address"])
        return answer.status if answer else 0

    def role(self, given):
        place = self.page.locator(given["within"]) if given.get("within") else self.page
        return place.get_by_role(given["role"], name=given["name"], exact=given.get("exact", True))

    def click(self, given):
        one = self.role(given).first
        if one.evaluate("one => one.matches('a[href], form button:not([type=button])')"):
            with self.page.expect_navigation():
                one.click()
        else:
            one.click()

    def field(self, given):
        # Whether something has to be filled in stands behind its label.
        label = re.compile(f"^{re.escape(given['label'])}( \\(required\\))?$")
        return self.page.get_by_label(label).first

    def fill(self, given):
        field = self.field(given)
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(given["text"])
        else:
            field.fill(given["text"])

    def unfold(self, given):
        self.page.locator("summary", has_text=given["name"]).first.click()

    def attach(self, given):
        self.field(given).set_input_files(given["file"])

    def press(self, given):
        self.page.keyboard.press(given["key"])

    def go(self, given):
        with self.page.expect_navigation():
            self.page.keyboard.press(given["key"])

    def write(self, given):
        self.page.keyboard.type(given["text"])

    def again(self, _):
        """Has the browser ask for the page again as it was asked for: a form that was sent is sent again."""
        self.page.reload()

    def stop_clock(self, _):
        self.page.clock.install()

    def let_pass(self, given):
        self.page.clock.run_for(given["seconds"] * 1000)

    def size(self, given):
        self.page.set_viewport_size({"width": given["width"], "height": given["height"]})

    def scheme(self, given):
        self.page.emulate_media(color_scheme=given["scheme"])

    # --- what he sees

    def text(self, given):
        return self.page.locator(given["selector"]).first.inner_text()

    def texts(self, given):
        return self.page.locator(given["selector"]).all_inner_texts()

    def count(self, given):
        return self.page.locator(given["selector"]).count()

    def attribute(self, given):
        return self.page.locator(given["selector"]).first.get_attribute(given["attribute"])

    def value(self, given):
        return self.field(given).input_value()

    def title(self, _):
        return self.page.title()

    def address(self, _):
        return self.page.url

    def await_text(self, given):
        expect(self.page.locator(given["selector"]).first).to_contain_text(given["text"], timeout=PATIENCE)

    def frames(self, _):
        frames = self.page.frames[1:]
        for frame in frames:
            frame.wait_for_url(lambda address: address != "", wait_until="commit")
        return [frame.url for frame in frames]

    def focus(self, _):
        return self.page.evaluate(FOCUS)

    def wider(self, _):
        return self.page.evaluate(WIDER)

    def run(self, given):
        return self.page.evaluate(given["script"])

    # --- what others see

    def axe(self, _):
        script = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
        self.page.evaluate(script)
        found = self.page.evaluate(
            "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})", RULES
        )
        return [
            f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]
        ]

    def picture(self, given):
        self.page.screenshot(path=given["file"], full_page=given.get("whole", True), animations="disabled")

    def took(self, _):
        """Milliseconds from asking for the document to its last octet, and until it can be used."""
        return self.page.evaluate(
            "() => { const [one] = performance.getEntriesByType('navigation');"
            " return [one.responseEnd - one.requestStart, one.domContentLoadedEventEnd - one.requestStart]; }"
        )

    def asked_for(self, _):
        told = []
        for request in self.requests:
            answer = request.response() if request.failure is None and not request.url.startswith("data:") else None
            told.append({"method": request.method, "address": request.url, "status": answer.status if answer else 0})
        self.requests.clear()
        return told

    def failed(self, _):
        faults, self.faults = self.faults, []
        return faults

    def leave(self, _):
        self.context.close()


def main():
    windows = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET, downloads_path=directory)
        print(json.dumps({"told": browser.version}), flush=True)
        for line in sys.stdin:
            given = json.loads(line)
            verb, name = given["verb"], given["window"]
            try:
                if verb == "enter":
                    windows[name] = Window(browser, given)
                    told = None
                else:
                    told = getattr(windows[name], verb)(given)
                answer = {"told": told}
            except (Error, AssertionError) as error:
                answer = {"failed": str(error)}
            except Exception:
                answer = {"failed": traceback.format_exc()}
            print(json.dumps(answer), flush=True)
        browser.close()


main()
