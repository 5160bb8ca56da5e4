"""Chromium for the tests of pages; conftest.py has the fixtures that open one."""

import os
import shutil

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright to test the page")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
NEEDS_CHROMIUM = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="install chromium (or name it in CHROMIUM) to test the page"),
]


def expect_text(page, selector, text, timeout_s=20):
    sync_api.expect(page.locator(selector)).to_contain_text(text, timeout=timeout_s * 1000)
