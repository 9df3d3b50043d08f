"""Print what Home Assistant would install by itself while it runs, one requirement per line.

    <venv>/bin/python requirements.py DOMAIN…

The given integrations, those that start-up always loads, and all they depend on.
Home Assistant keeps these requirements in each integration's manifest, not in its package.
"""

import json
import pathlib
import re
import sys

import homeassistant

ROOT = pathlib.Path(homeassistant.__path__[0])

# Named in start-up's tables, yet loaded only where they are configured; some need hardware libraries.
NEVER = {"bluetooth", "cloud", "debugpy", "dhcp", "mqtt_eventstream", "sentry", "ssdp", "usb", "zeroconf"}


def manifest(domain: str) -> dict | None:
    """The manifest of an integration, or None if there is no such integration."""
    path = ROOT / "components" / domain / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else None


def loaded_at_start() -> set[str]:
    """Integrations that start-up names, and those behind every entity platform.

    Both are read as text: where the tables live differs between versions, that they quote domains does not.
    """
    sources = [ROOT / "bootstrap.py", ROOT / "generated" / "entity_platforms.py"]
    text = "".join(path.read_text() for path in sources if path.exists())
    if platforms := re.search(r"^class Platform\(.*?(?=^\S)", (ROOT / "const.py").read_text(), re.M | re.S):
        text += platforms[0]
    quoted = set(re.findall(r'"([a-z0-9_]+)"', text))
    return {domain for domain in quoted if manifest(domain)} - NEVER


def requirements(domains: set[str]) -> set[str]:
    """Requirements of the integrations and of everything they depend on."""
    found, seen, todo = set(), set(), list(domains)
    while todo:
        domain = todo.pop()
        if domain in seen or not (data := manifest(domain)):
            continue
        seen.add(domain)
        found.update(data.get("requirements", []))
        todo += data.get("dependencies", [])
    return found


if __name__ == "__main__":
    print("\n".join(sorted(requirements(set(sys.argv[1:]) | loaded_at_start()))))
