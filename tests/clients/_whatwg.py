"""The event stream of the HTML standard, transcribed literally and without optimisation.

https://html.spec.whatwg.org/multipage/server-sent-events.html, sections 9.2.5 and 9.2.6. An oracle: it decodes
the whole stream first, and then processes it character by character.
"""

from dataclasses import dataclass, field


@dataclass
class Dispatched:
    """An event as an EventSource would dispatch it."""

    type: str
    data: str
    last_event_id: str


@dataclass
class EventSource:
    """The interpretation of a whole stream."""

    dispatched: list[Dispatched] = field(default_factory=list)
    last_event_id: str = ""
    reconnection_time: int | None = None
    _data: str = ""
    _event_type: str = ""
    _id: str = ""

    def interpret(self, stream: bytes) -> None:
        # "Streams must be decoded using the UTF-8 decode algorithm", which strips one leading byte order mark.
        if stream.startswith(b"\xef\xbb\xbf"):
            stream = stream[3:]
        for line in self._lines(stream.decode("utf-8", "replace")):
            self._process_line(line)
        # "Once the end of the file is reached, any pending data must be discarded."

    def _lines(self, text: str) -> list[str]:
        lines, line, position = [], "", 0
        while position < len(text):
            character = text[position]
            if character == "\r":
                lines.append(line)
                line = ""
                if position + 1 < len(text) and text[position + 1] == "\n":
                    position += 1
            elif character == "\n":
                lines.append(line)
                line = ""
            else:
                line += character
            position += 1
        return lines  # characters without a line terminator are not a line

    def _process_line(self, line: str) -> None:
        if line == "":
            self._dispatch()
        elif line[0] == ":":
            return
        elif ":" in line:
            field_name = line[: line.index(":")]
            value = line[line.index(":") + 1 :]
            if value[:1] == " ":
                value = value[1:]
            self._process_field(field_name, value)
        else:
            self._process_field(line, "")

    def _process_field(self, name: str, value: str) -> None:
        if name == "event":
            self._event_type = value
        elif name == "data":
            self._data += value
            self._data += "\n"
        elif name == "id":
            if "\0" not in value:
                self._id = value
        elif name == "retry" and value and all(character in "0123456789" for character in value):
            self.reconnection_time = int(value)

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data == "":
            self._event_type = ""
            return
        if self._data[-1] == "\n":
            self._data = self._data[:-1]
        self.dispatched.append(Dispatched(self._event_type or "message", self._data, self.last_event_id))
        self._data = ""
        self._event_type = ""
