"""Every variant end to end, with subscribers by official libraries."""

import pytest

import servers
from tests.servers._process import eventually, new_topic
from tests.servers._subscribers import subscribed

NAMES = servers.names()
TEXTS = [
    b'{"n":"0000000001","t":"0001234567890123456","p":"AbC+/="}',
    b'quotes " and \\ and / and \t tab',
    b"data: id: event: retry: : 42[0]",
    b"x" * 125, b"x" * 126, b"y" * 65535, b"z" * 65536, b'"' * 30_000,
]  # fmt: skip


def primed(server, topic, *subscribers):
    """Wait until all receive: where the head comes late, the wire protocol confirms no subscription."""
    for subscriber in subscribers:
        eventually(lambda: server.publish(topic, b"probe") or subscriber.texts, f"{server.name}: a probe")  # noqa: B023
    server.publish(topic, b"start")
    for subscriber in subscribers:
        eventually(lambda: b"start" in subscriber.texts, f"{server.name}: the start")  # noqa: B023
        subscriber.texts.clear()


@pytest.mark.parametrize("name", NAMES)
def test_every_subscriber_receives_what_is_published_in_order_once_and_unchanged(shared, name):
    server, topic = shared(name), new_topic()
    with subscribed(server, topic) as one, subscribed(server, topic) as other:
        primed(server, topic, one, other)
        texts = [*TEXTS, *[b"%d" % number for number in range(300)]]
        server.publish(topic, *texts)
        one.expect(texts)
        other.expect(texts)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_from_a_subscriber_reaches_the_subscribers_of_its_topic_only(shared, name):
    server, topic, elsewhere = shared(name), new_topic(), new_topic()
    with subscribed(server, topic) as here, subscribed(server, elsewhere) as there:
        primed(server, topic, here)
        primed(server, elsewhere, there)
        for text in TEXTS:
            here.publish_upstream(text)
        here.expect(TEXTS)
        there.publish_upstream(b"to the other topic")
        there.expect([b"to the other topic"])
        assert here.texts == TEXTS


@pytest.mark.parametrize("name", NAMES)
def test_a_text_of_a_mebibyte_arrives(shared, name):
    server, topic = shared(name), new_topic()
    with subscribed(server, topic) as subscriber:
        primed(server, topic, subscriber)
        text = b"m" * 1_048_576
        server.publish(topic, text)
        subscriber.expect([text])


@pytest.mark.parametrize("name", NAMES)
def test_a_new_subscriber_receives_no_earlier_text(shared, name):
    server, topic = shared(name), new_topic()
    server.publish(topic, b"before")
    with subscribed(server, topic) as subscriber:
        primed(server, topic, subscriber)
        server.publish(topic, b"after")
        subscriber.expect([b"after"])
