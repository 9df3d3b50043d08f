"""The Supervisor's proxy to Home Assistant, from the Supervisor's own source.

    supervisor.py CLONE PORT HOME_ASSISTANT_PORT TOKEN_FILE ENGINE_SOCKET

CLONE is a clone of the Supervisor. What a request passes is its code: server, middleware, proxy, client. What it
asks there and has no part in the work is put in place: one app with the token `app`, a container engine at ENGINE_SOCKET
that knows Home Assistant's container, and a Home Assistant at 127.0.0.1 with the token in TOKEN_FILE.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
import logging
import os
from pathlib import Path
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

CLONE, PORT, HOME_ASSISTANT_PORT, TOKEN_FILE, ENGINE_SOCKET = sys.argv[1:]
sys.path.insert(0, CLONE)
# There may be no Git here, and nothing that needs it is called.
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
# Nor libraries of sound and of devices.
sys.modules["pulsectl"] = sys.modules["pyudev"] = MagicMock()

import zlib_fast  # noqa: E402

zlib_fast.enable()

from aiohttp import web  # noqa: E402
from awesomeversion import AwesomeVersion  # noqa: E402
from supervisor.api import RestAPI  # noqa: E402
from supervisor.apps.manager import AppManager  # noqa: E402
from supervisor.const import ATTR_PORT, ROLE_DEFAULT, CoreState  # noqa: E402
from supervisor.coresys import CoreSys  # noqa: E402
from supervisor.docker import manager as docker  # noqa: E402
from supervisor.homeassistant.module import HomeAssistant  # noqa: E402

APP = SimpleNamespace(
    slug="weirhouse",
    supervisor_token="app",
    access_homeassistant_api=True,
    access_hassio_api=False,
    hassio_role=ROLE_DEFAULT,
)


async def serve():
    """Set up what the proxy needs, and serve it."""
    coresys = CoreSys()
    coresys.core = SimpleNamespace(state=CoreState.SETUP)
    await coresys.init_websession()
    coresys.core.state = CoreState.RUNNING
    docker.SOCKET_DOCKER = Path(ENGINE_SOCKET)
    coresys.docker = docker.DockerAPI(coresys)
    coresys.docker._network = SimpleNamespace(gateway=IPv4Address("127.0.0.1"))
    no_token = SimpleNamespace(supervisor_token=None)
    coresys.plugins = SimpleNamespace(cli=no_token, observer=no_token)
    coresys.apps = AppManager(coresys)
    coresys.apps.local[APP.slug] = APP
    home_assistant = coresys.homeassistant = HomeAssistant(coresys)
    home_assistant._data = home_assistant._schema({})
    home_assistant._data[ATTR_PORT] = int(HOME_ASSISTANT_PORT)
    home_assistant.version = AwesomeVersion("2026.11.0")
    container = await coresys.docker.containers.get("homeassistant")
    home_assistant.core.instance._meta = await container.show()
    home_assistant.api._access_token = Path(TOKEN_FILE).read_text().strip()
    home_assistant.api._access_token_expires = datetime.now(tz=UTC) + timedelta(days=1)
    api = RestAPI(coresys)
    api._register_proxy(api.webapp)
    await api._runner.setup()
    await web.TCPSite(api._runner, "127.0.0.1", int(PORT)).start()
    await asyncio.Event().wait()


logging.basicConfig(level=logging.INFO)
logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
asyncio.run(serve())
