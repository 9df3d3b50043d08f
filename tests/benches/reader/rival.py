"""Serves the states in a file as Home Assistant would: aiohttp, and orjson for each request."""

import sys

import orjson
from aiohttp import web

with open(sys.argv[1], "rb") as file:
    STATES = orjson.loads(file.read())


async def states(_request):
    """All states, serialised anew, as they may have changed."""
    return web.Response(body=orjson.dumps(STATES), content_type="application/json")


APP = web.Application()
APP.router.add_get("/states", states)
web.run_app(APP, host="127.0.0.1", port=int(sys.argv[2]), access_log=None, print=None)
