"""Whether a Redis works for the variant that needs one, tried by use: with the commands that the library uses.

A Redis that lacks something is a missing precondition, not a fault of the variant: it is found before the conformance
checks, and the reason says in one line what to do about it.
"""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import redis

WITHIN_S = 5.0
ANSWER_S = 2.0
AT_ONCE = 16  # connections that are being opened
PUBLISHES = 3
# The deadlines of the checks are made longer up to this. Over TLS on the same machine a publish takes half of it.
MOST_PUBLISH_S = 0.2
FORMS = "redis://[:PASSWORD@]HOST:PORT/DB, rediss://... (TLS) or unix:///PATH"
RIGHTS = "+subscribe +unsubscribe +publish and all channels (&*)"


def fault(url: str, connections: int) -> str | None:
    """Why the Redis at `url` cannot serve this number of connections, and what to do; None if it can."""
    try:
        import redis
    except ImportError:
        return "the package redis is not installed"
    try:
        with client(url) as one:
            _receive_own_text(one)
        return _too_few(url, connections) or _too_far(url) if connections > 1 else None
    except (redis.RedisError, OSError) as error:
        return _in_words(error)
    except (ValueError, TypeError):  # the text of the error may hold a part of the password
        return f"its address is none that the package redis understands: use {FORMS}"


def _too_few(url: str, connections: int) -> str | None:
    granted = _granted(url, connections)
    if granted == connections:
        return None
    return f"it grants {granted} of the {connections} connections that are needed: raise its maxclients"


def _too_far(url: str) -> str | None:
    took_s = publish_s(url)
    if took_s <= MOST_PUBLISH_S:
        return None
    return f"one publish takes {took_s * 1e3:.0f} ms, more than {MOST_PUBLISH_S * 1e3:.0f} ms: use a nearer one"


def publish_s(url: str) -> float:
    """How long one publish takes, on a new connection as the library makes one for each. Raises redis.RedisError."""
    took_s = []
    for _ in range(PUBLISHES):
        began_s = time.perf_counter()
        with client(url) as one:
            one.publish(_new_channel(), "")
            took_s.append(time.perf_counter() - began_s)
    return statistics.median(took_s)


def without_password(url: str) -> str:
    """The address for people: no user, no password, no options."""
    scheme, separator, _ = url.partition("://")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return f"{scheme}{separator}..."
    if "@" in parts.path + parts.query + parts.fragment:  # a password with a / or a ? ends the host too early
        return f"{scheme}{separator}..."
    return f"{scheme}{separator}{f'[{host}]' if ':' in host else host}{port}{parts.path}"


def client(url: str) -> redis.Redis:
    """A client as the library makes one, but without its retries, which take seconds."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.StrictRedis.from_url(
        url, socket_connect_timeout=ANSWER_S, socket_timeout=ANSWER_S, retry=Retry(NoBackoff(), 0)
    )


def _new_channel() -> str:
    return f"pushbench-{secrets.token_hex(8)}"


def _receive_own_text(one: redis.Redis) -> None:
    """Subscribe to a channel that only this call knows, and publish there. Raises redis.RedisError if the text does not
    arrive."""
    channel, text = _new_channel(), secrets.token_hex(8).encode()
    with one.pubsub() as subscription:  # type: ignore[no-untyped-call]
        subscription.subscribe(channel)
        _expect(subscription, lambda message: message["type"] == "subscribe", "it does not confirm a subscription")
        one.publish(channel, text)
        _expect(
            subscription, lambda message: message["data"] == text, "a subscriber receives nothing that is published"
        )


def _expect(subscription: Any, expected: Callable[[dict[str, Any]], bool], otherwise: str) -> None:
    import redis

    deadline = time.monotonic() + WITHIN_S
    while (left_s := deadline - time.monotonic()) > 0:
        message = subscription.get_message(timeout=left_s)
        if message and expected(message):
            return
    raise redis.RedisError(f"{otherwise} within {WITHIN_S:g} s")


def _granted(url: str, connections: int) -> int:
    """How many of the connections are open at once and answer."""
    import redis

    with ExitStack() as opened, ThreadPoolExecutor(AT_ONCE) as pool:
        clients = [opened.enter_context(client(url)) for _ in range(connections)]

        def answers(one: redis.Redis) -> bool:
            try:
                one.publish(_new_channel(), "")
            except redis.ConnectionError:
                return False
            return True

        return sum(pool.map(answers, clients))


def _in_words(error: Exception) -> str:
    """What a Redis that refuses lacks, and what to do."""
    import redis

    text = str(error).partition("\n")[0].rstrip(".")
    if isinstance(error, redis.exceptions.NoPermissionError):
        return f"its user lacks a right ({text}): grant {RIGHTS}"
    if isinstance(error, redis.AuthenticationError):
        return f"it refuses the login ({text}): correct the user and the password in REDIS_URL"
    if isinstance(error, redis.ResponseError) and "HELLO" in text:
        return f"it is older than Redis 6 ({text}): use a newer one"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not trusted: name the one of its authority, rediss://...?ssl_ca_certs=FILE"
    if isinstance(error, redis.ConnectionError | redis.TimeoutError | OSError):
        return f"it does not answer ({text}): start it, or correct REDIS_URL"
    return text
