"""Sends through a WebSocket server that another program owns, by plain HTTP on the server's own port.

    CONTROL_TOKEN=... python3 control.py PORT list
    CONTROL_TOKEN=... python3 control.py PORT name NAME TEXT
    CONTROL_TOKEN=... python3 control.py PORT group GROUP TEXT
    CONTROL_TOKEN=... python3 control.py PORT all TEXT

Prints how many it was queued for, or the names of those who are there. Needs nothing but Python's own library.
"""

import json
import os
import sys
from http.client import HTTPConnection
from urllib.parse import quote


class Control:
    """One connection for any number of requests."""

    def __init__(self, port, token, path="/control"):
        self.connection = HTTPConnection("127.0.0.1", port, timeout=10)
        self.headers = {"Authorization": "Bearer " + token}
        self.path = path

    def ask(self, method, action, body=None):
        """The answer's JSON; None where the recipient does not exist."""
        self.connection.request(method, f"{self.path}/{action}", body, self.headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status == 404 and method == "POST":
            return None
        if response.status != 200:
            raise RuntimeError(f"{answer['text']} (HTTP {response.status})")
        return answer

    def connections(self):
        return self.ask("GET", "connections")

    def send(self, name, text):
        """False: nobody of that name is there or expected back."""
        return self.ask("POST", "send?name=" + quote(name, safe=""), text.encode()) is not None

    def broadcast(self, text, group=""):
        """How many it was queued for."""
        query = "?group=" + quote(group, safe="") if group else ""
        return self.ask("POST", "broadcast" + query, text.encode())["queued"]


def main():
    port, command, *rest = sys.argv[1:]
    control = Control(int(port), os.environ["CONTROL_TOKEN"])
    if command == "list":
        print(*(connection["name"] for connection in control.connections()))
    elif command == "name":
        print(int(control.send(*rest)))
    elif command == "group":
        group, text = rest
        print(control.broadcast(text, group))
    else:
        print(control.broadcast(*rest))


if __name__ == "__main__":
    main()
