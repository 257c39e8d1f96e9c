"""Python client of the service, with the same functions as the command line. Needs httpx; no torch, no Ray.

client = Client.from_home()                      # or Client("http://127.0.0.1:8000", token="...")
search = client.create_search({"name": "first", "fidelity": {"dataset": "scenes"}})
client.wait(search.id)
document = client.best(search.id)                # nas.build_head(document, in_channels=...)
"""

from nas.client.address import DEFAULT_URL, SERVER_FILE, find_url, is_loopback
from nas.client.client import Client
from nas.client.errors import ClientError
from nas.client.events import Event

__all__ = ["DEFAULT_URL", "SERVER_FILE", "Client", "ClientError", "Event", "find_url", "is_loopback"]
