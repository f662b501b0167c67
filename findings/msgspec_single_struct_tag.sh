#!/usr/bin/env bash
# msgspec checks the tag of a tagged struct only if it is there: a missing tag is an error in a union, not for one type.
# So a protocol of tagged messages must decode into the union of all its messages, also where only one is expected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet msgspec==0.22.0
"$folder/venv/bin/python" - <<'PYTHON'
import platform

import msgspec


class Start(msgspec.Struct, tag_field="do", tag="start", forbid_unknown_fields=True):
    count: int


class Stop(msgspec.Struct, tag_field="do", tag="stop", forbid_unknown_fields=True):
    count: int


def outcome(line, kind):
    try:
        return repr(msgspec.json.decode(line, type=kind))
    except msgspec.ValidationError as error:
        return str(error)


untagged = b'{"count":1}'
seen = {
    "one type, no tag": outcome(untagged, Start),
    "one type, other tag": outcome(b'{"do":"stop","count":1}', Start),
    "union, no tag": outcome(untagged, Start | Stop),
}
print(f"msgspec {msgspec.__version__}, Python {platform.python_version()}")
print("A struct with a tag is decoded from an object without the tag, unless it is one of a union.")
for case, result in seen.items():
    print(f"  {case:<20} {result}")
assert seen == {
    "one type, no tag": "Start(count=1)",
    "one type, other tag": "Invalid value 'stop' - at `$.do`",
    "union, no tag": "Object missing required field `do`",
}, "the behaviour has changed"
PYTHON
