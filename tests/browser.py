"""A headless browser, and the one place that knows how the console's pages are built."""

import shutil
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

import tenure

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
]
DRIVERS = ("/usr/bin/chromedriver", "/usr/lib/chromium/chromedriver")
BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser")
SCREENSHOTS = tenure.SCRATCH / "screenshots"


def first(candidates):
    """The first file that is there. Selenium is told where everything is, so that it never downloads anything."""
    found = next((path for path in candidates if Path(path).exists()), None) or shutil.which(Path(candidates[0]).name)
    assert found, f"none of {candidates} is installed; `scripts/test` installs Chromium"
    return found


class Browser:
    """Chromium with a fresh profile."""

    def __init__(self, profile, javascript=True):
        options = webdriver.ChromeOptions()
        options.binary_location = first(BROWSERS)
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not javascript:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.driver = webdriver.Chrome(service=Service(first(DRIVERS)), options=options)
        self.driver.set_page_load_timeout(30)

    def quit(self):
        self.driver.quit()

    @property
    def url(self):
        return self.driver.current_url

    def open(self, url):
        self.driver.get(url)

    # What pages promise: fields have names, buttons and links have texts, data-test marks the rest.

    def field(self, name):
        return self.driver.find_element(By.CSS_SELECTOR, f"[name='{name}']:not([type=hidden])")

    def marked(self, name):
        """The element with that data-test attribute."""
        return self.driver.find_element(By.CSS_SELECTOR, f"[data-test='{name}']")

    def all_marked(self, name):
        return self.driver.find_elements(By.CSS_SELECTOR, f"[data-test='{name}']")

    def text_of(self, name):
        """Text or value of a marked element, whichever it has."""
        element = self.marked(name)
        return (element.get_attribute("value") or element.text).strip()

    def fill(self, **values):
        for name, value in values.items():
            field = self.field(name)
            kind = field.get_attribute("type")
            if field.tag_name == "select":
                Select(field).select_by_value(value)
            elif kind == "radio":
                self.driver.find_element(By.CSS_SELECTOR, f"input[name='{name}'][value='{value}']").click()
            elif kind == "checkbox":
                if field.is_selected() != bool(value):
                    field.click()
            else:
                field.clear()
                field.send_keys(value)

    def press(self, text):
        """Presses the button with that text and waits for the page that it leads to."""
        called = quoted(text)
        self._click(f"//button[normalize-space()={called}] | //input[@type='submit'][@value={called}]", text)

    def follow(self, text):
        """Follows the link with that text, or with a text that contains it."""
        exact = f"//a[normalize-space()={quoted(text)}]"
        found = self.driver.find_elements(By.XPATH, exact)
        self._click(exact if found else f"//a[contains(normalize-space(), {quoted(text)})]", text)

    def _click(self, path, text):
        # The same link may also stand in a menu that is closed.
        shown = [element for element in self.driver.find_elements(By.XPATH, path) if element.is_displayed()]
        if not shown:
            raise AssertionError(f"nothing to click called {text!r} on {self.url}:\n{self.text()[:3000]}")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", shown[0])
        before = self.driver.find_element(By.TAG_NAME, "html")
        shown[0].click()
        tenure.wait_until(lambda: self._has_left(before), f"a new page after {text!r} on {self.url}", 30, 0.02)

    def _has_left(self, html):
        """Whether the document of an element has been replaced by another one that is complete."""
        try:
            html.is_enabled()
        except StaleElementReferenceException:
            return self.driver.execute_script("return document.readyState") == "complete"
        except WebDriverException:
            # Between two documents there is none to ask.
            return False
        return False

    def press_in(self, container_text, text):
        """Presses the button or link inside the smallest card, row or form that also shows another text."""
        path = (
            f"(//*[self::article or self::section or self::li or self::tr or self::form or self::div]"
            f"[contains(normalize-space(), {quoted(container_text)})]"
            f"//*[self::button or self::a][normalize-space()={quoted(text)}])[last()]"
        )
        self._click(path, f"{text} at {container_text}")

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def wait_for(self, condition, what, timeout_s=60):
        """Waits for a condition on a page that may be replacing parts of itself."""

        def fresh():
            try:
                return condition()
            except (NoSuchElementException, StaleElementReferenceException):
                return None

        return tenure.wait_until(fresh, f"{what} on {self.url}", timeout_s, 0.2)

    def errors(self):
        """What the browser complained about since the last call: policy violations, failed loads, script errors."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def prefer(self, scheme):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def photograph(self, name):
        """The whole page, light and dark; the files."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        files = []
        height = max(900, self.driver.execute_script("return document.documentElement.scrollHeight"))
        self.driver.set_window_size(1280, min(height + 120, 6000))
        for scheme in ("light", "dark"):
            self.prefer(scheme)
            files.append(SCREENSHOTS / f"{name}-{scheme}.png")
            self.driver.save_screenshot(str(files[-1]))
        self.prefer("light")
        self.driver.set_window_size(1280, 900)
        return files

    def overflow(self, width):
        """How many pixels the page is wider than a window of that width."""
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        excess = self.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return excess


def quoted(text):
    """A string as XPath wants it."""
    assert '"' not in text
    return f'"{text}"'
