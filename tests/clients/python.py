"""A client that uses `hass-client`, as scripts and servers do.

    python.py URL TOKEN

Commands come as JSON, one on each line of standard input, and each is answered by a line on standard output:
{"ok": …} or {"error": …}. The first line says whether it connected.
"""

import asyncio
import json
import sys

from hass_client import HomeAssistantClient
from hass_client.exceptions import AuthenticationFailed, BaseHassClientError, CannotConnect


def say(line):
    print(json.dumps(line), flush=True)


async def main():
    url, token = sys.argv[1:]
    client = HomeAssistantClient(f"{url.replace('http', 'ws', 1)}/api/websocket", token)
    try:
        await client.connect()
    except (AuthenticationFailed, CannotConnect) as error:
        say({"error": type(error).__name__})
        await client.disconnect()
        return
    listening = asyncio.create_task(client.start_listening())
    say({"ok": client.version})
    events = []
    commands = {
        "states": lambda _: client.get_states(),
        "services": lambda _: client.get_services(),
        "areas": lambda _: client.get_area_registry(),
        "devices": lambda _: client.get_device_registry(),
        "registry": lambda _: client.get_entity_registry(),
        "send": lambda it: client.send_command(it.pop("command"), **it),
        "call": lambda it: client.call_service(it["domain"], it["service"], it.get("data"), it.get("target")),
        "follow": lambda it: client.subscribe_events(events.append, it["event_type"]),
        "follow_entities": lambda it: client.subscribe_entities(events.append, it["entity_ids"]),
    }
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        what = command.pop("do")
        try:
            if what == "events":
                say({"ok": events[:]})
                events.clear()
                continue
            result = await commands[what](command)
            say({"ok": None if callable(result) else result})
        except BaseHassClientError as error:
            say({"error": str(error)})
    await client.disconnect()
    listening.cancel()


asyncio.run(main())
