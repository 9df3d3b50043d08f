"""Sensors whose states change in a seeded order at a given rate, made inside Home Assistant."""

import asyncio
import random
import time

DOMAIN = "weirhouse_bench"
TICK_S = 0.005


def _attributes(number):
    """About what a sensor of an energy meter has, so that a state is some 500 bytes."""
    return {
        "state_class": "measurement",
        "unit_of_measurement": "units",
        "attribution": "Made by the bench of Weirhouse",
        "icon": "mdi:flash",
        "firmware": f"1.{number % 7}.{number % 11}",
        "last_reset": "2026-11-01T00:00:00+00:00",
        "channel": number % 16,
        "friendly_name": f"Bench sensor {number:04}",
    }


async def async_setup(hass, config):
    """Make the sensors, and a service that changes them."""
    count = config[DOMAIN]["entities"]
    attributes = [_attributes(number) for number in range(count)]
    ids = [f"sensor.bench_{number:04}" for number in range(count)]
    written = 0

    def write(number):
        # Every value is another, so that each change can be told from all others.
        nonlocal written
        written += 1
        hass.states.async_set(ids[number], str(written), attributes[number])

    for number in range(count):
        write(number)

    async def change(call):
        rate = call.data["rate"]
        total = int(rate * call.data["seconds"])
        chooser = random.Random(call.data["seed"])
        started = time.monotonic()
        done = 0
        while done < total:
            due = min(total, int((time.monotonic() - started) * rate) + 1)
            for _ in range(due - done):
                write(chooser.randrange(count))
            done = due
            await asyncio.sleep(TICK_S)

    async def run(call):
        hass.async_create_background_task(change(call), DOMAIN)

    hass.services.async_register(DOMAIN, "run", run)
    return True
