"""A scenario without the bench, on a running server: `locust -f bench/load/locustfile.py --scenario NAME`."""

from __future__ import annotations

import itertools
import logging
import secrets
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import gevent

import servers
from bench import scenarios
from bench.load.session import Session
from bench.paths import leads_elsewhere
from bench.planning.settings import changes
from bench.processes.orders import Assignment
from bench.scenarios import Publishes, Scenario
from bench.schedule import Schedule
from servers import Variant

_log = logging.getLogger(__name__)
# The states of a Locust runner in which a test ends or has ended.
ENDING = ("stopping", "stopped", "cleanup")


def add_arguments(parser: Any) -> None:
    """Add the options of a scenario to those of Locust. By default its web page is served to this machine alone."""
    parser.set_defaults(host="http://127.0.0.1:8000", web_host="127.0.0.1")
    parser.add_argument("--scenario", default="", help="the scenario to run (python -m bench list)")
    parser.add_argument("--variant", default="", help="the variant at --host, e.g. sse (python -m bench list)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a parameter of the scenario"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of phases and payloads")


def prepare(environment: Any, session: Session) -> None:
    """Configure the session from Locust's options, and publish as the scenario defines while a test runs."""
    options = environment.parsed_options
    try:
        scenario, variant, parameters = _chosen(options)
        target(environment.host or options.host)
    except (LookupError, ValueError) as mistake:
        sys.exit(f"locust: {mistake.args[0]}")

    def begin(**_: Any) -> None:
        try:
            host, port = target(environment.host or options.host)
        except ValueError as mistake:  # typed into the web page
            _log.error("%s", mistake)
            gevent.spawn(environment.runner.stop)
            return
        session.users.clear()
        session.configure(
            Assignment(
                host=host,
                port=port,
                client=variant.client,
                wire=variant.wire,
                topic=f"alone-{secrets.token_hex(4)}",
                seed=options.seed,
                scenario=scenario.name,
                parameters=parameters,
            )
        )
        session.allow(sys.maxsize)
        if scenario.publishes is not Publishes.NOTHING:
            gevent.spawn(_publish, environment, session)

    environment.events.test_start.add_listener(begin)


def target(url: str) -> tuple[str, int]:
    """Host and port of an address like http://127.0.0.1:8000. Raises ValueError for one that cannot be driven as it
    says: the clients speak plain HTTP and WebSocket, to the root of a server."""
    where = urlsplit(url)
    if where.scheme != "http" or not where.hostname:
        raise ValueError(f"--host {url}: TLS is not spoken here; an address begins with http:// and has a host")
    if where.path.strip("/") or where.query or where.username:
        raise ValueError(f"--host {url}: only host and port are used; leave out the rest")
    try:
        port = 80 if where.port is None else where.port
    except ValueError:
        port = 0
    if not port:
        raise ValueError(f"--host {url}: the port is not a number from 1 to 65535")
    return where.hostname, port


def _chosen(options: Any) -> tuple[Scenario, Variant, dict[str, Any]]:
    """The scenario, the variant and the parameters. Raises LookupError, ValueError."""
    if not options.scenario:
        raise LookupError(f"name a scenario: --scenario {' | '.join(scenarios.names())}")
    if not options.variant:
        raise LookupError(f"name a variant: --variant {' | '.join(servers.names())}")
    scenario, variant = scenarios.load(options.scenario), servers.load(servers.resolve(options.variant))
    parameters = scenario.settled("standard", changes(options.set))
    if leads_elsewhere(parameters):
        raise ValueError("a path is emulated only under `python -m bench run`")
    return scenario, variant, parameters


def _publish(environment: Any, session: Session) -> None:
    """Publish upstream at the scenario's rate: through every subscriber where they publish, else through the first."""
    schedule = Schedule(start_ns=time.monotonic_ns(), rate_hz=session.parameters["rate_hz"])
    numbers: dict[int, int] = {}
    for index in itertools.count():
        due = schedule.due_ns(index)
        gevent.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
        if environment.runner is None or environment.runner.state in ENDING:  # the users close their connections
            return
        subscribed = [user for user in session.users if user.subscribed]
        for user in subscribed if session.scenario.publishes is Publishes.SUBSCRIBERS else subscribed[:1]:
            number = numbers[user.number] = numbers.get(user.number, -1) + 1
            user.subscriber.publish(user.topic, session.composer.compose(user.numbered(number), due))
