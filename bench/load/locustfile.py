"""The Locust process of every scenario: one Locust user is one subscriber, and what it does is in `bench.load.session`.

Under `python -m bench run` it follows orders. By hand, against a server that runs already:

    locust -f bench/load/locustfile.py --scenario broadcast --variant sse --host http://127.0.0.1:8000
"""

from __future__ import annotations

import os
from typing import Any

import gevent
from gevent.event import Event
from locust import User, events, task

from bench.load import alone, orders, rates
from bench.load.session import Session
from bench.processes.environment import whole
from bench.processes.orders import CONTROL, MASTER

SESSION = Session()


class SubscriberUser(User):
    """One subscriber."""

    def on_start(self) -> None:
        self.session_user = SESSION.enlist()

    def on_stop(self) -> None:
        if self.session_user.connecting:
            self.session_user.subscriber.close()

    @task
    def subscribe(self) -> None:
        """Connect when it is this user's turn; from then on the reactor does the work and this greenlet sleeps."""
        SESSION.wait_for_turn(self.session_user)
        SESSION.open(self.session_user)
        Event().wait()


@events.init_command_line_parser.add_listener
def _add_arguments(parser: Any, **_: Any) -> None:
    alone.add_arguments(parser)


@events.init.add_listener
def _work_alone(environment: Any, **_: Any) -> None:
    """Without the bench there are no orders. (Under it Locust's rates are shown to no one, and feeding them would cost
    the measurement.)"""
    if not _is_led():
        gevent.spawn(rates.feed, environment, SESSION)
        alone.prepare(environment, SESSION)


def _is_led() -> bool:
    return CONTROL in os.environ or MASTER in os.environ


def _take_command() -> None:
    """Follow the orders of the bench, and end with it. Not only once Locust is ready: a worker whose master is gone
    waits for it, and must not outlive the bench for that.
    """
    if MASTER in os.environ:  # it only spreads the users
        gevent.spawn(orders.end_with_stdin)
    else:
        gevent.spawn(orders.follow, SESSION, whole(CONTROL))


if _is_led():
    _take_command()
