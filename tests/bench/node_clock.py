"""When a node is Ready again: asked of the API server over one kept connection, so that asking costs little."""
import base64
import http.client
import json
import os
import ssl
import time
import urllib.parse

from waiting import wait_for


class NodeClock:
    def __init__(self, cluster):
        config = json.loads(cluster.kubectl("config", "view", "--raw", "-o", "json").stdout)
        where = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        path = os.path.join(cluster.state, "bench-user.pem")
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            out.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
        tls = ssl.create_default_context(cadata=base64.b64decode(where["certificate-authority-data"]).decode())
        tls.load_cert_chain(path)
        server = urllib.parse.urlsplit(where["server"])
        self.connection = http.client.HTTPSConnection(server.hostname, server.port, context=tls, timeout=5)

    def node(self, name):
        self.connection.request("GET", f"/api/v1/nodes/{name}")
        answer = self.connection.getresponse()
        text = answer.read()
        return json.loads(text) if answer.status == 200 else None

    def boot_id(self, name):
        return self.node(name)["status"]["nodeInfo"]["bootID"]

    def wait_ready(self, name, other_than_boot=None, seconds=120):
        """Until the node is Ready in a boot that is not `other_than_boot`; time.monotonic() of that moment."""
        def is_ready():
            node = self.node(name)
            if not node or node["status"]["nodeInfo"]["bootID"] == other_than_boot:
                return False
            return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
        wait_for(f"{name} to be Ready", is_ready, seconds, pause=0.02)
        return time.monotonic()
