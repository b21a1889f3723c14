"""A machine as the server sees one, in a few lines: its key, its requests, its identity. For tests that
speak HTTP to a real server and must be free to misbehave."""
import base64
import hashlib
import http.client
import json
import os
import ssl
import subprocess


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Machine:
    def __init__(self, folder, name, address="127.0.0.1", ports=(8443, 8444), source=None):
        self.source = source and (source, 0)  # from which address it speaks
        self.name, self.address, (self.enrol_port, self.node_port) = name, address, ports
        self.folder = os.path.join(str(folder), name)
        os.makedirs(self.folder, exist_ok=True)
        self.key, self.certificate = os.path.join(self.folder, "key.pem"), os.path.join(self.folder, "certificate.pem")
        if not os.path.exists(self.key):
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)

    def csr(self, subject="/CN=muster-machine", *extensions):
        arguments = ["req", "-new", "-key", self.key, "-subj", subject]
        for extension in extensions:
            arguments += ["-addext", extension]
        return openssl(*arguments).decode()

    def request(self, port, method, path, body=None, with_certificate=False, headers=None):
        """(status, parsed or raw body); ssl.SSLError and ConnectionError pass through."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if with_certificate:
            context.load_cert_chain(self.certificate, self.key)
        connection = http.client.HTTPSConnection(self.address, port, timeout=10, context=context, source_address=self.source)
        try:
            text = json.dumps(body) if isinstance(body, (dict, list)) else body
            connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(raw)
        except ValueError:
            return answer.status, raw

    def proof(self, purpose, nonce, csr):
        message = f"muster {purpose} v1\n{nonce}\nsha256:{hashlib.sha256(csr.encode()).hexdigest()}"
        return base64.b64encode(openssl("dgst", "-sha256", "-sign", self.key, data=message.encode())).decode()

    def enrol_body(self, token="", mac="", csr=None):
        _, answer = self.request(self.enrol_port, "POST", "/v1/nonce", {})
        csr = csr or self.csr()
        body = {"nonce": answer["nonce"], "csr": csr, "proof": self.proof("enrol", answer["nonce"], csr),
                "hints": {"macs": [mac] if mac else [], "uuid": "", "serial": "", "hostname": self.name, "machineId": "", "bootId": ""}}
        if token:
            body["token"] = token
        return body

    def enrol(self, token="", mac="", csr=None, identity=None):
        body = self.enrol_body(token, mac, csr)
        if identity is not None:
            body["instanceIdentity"] = identity
        status, answer = self.request(self.enrol_port, "POST", "/v1/enrol", body)
        if status == 200:
            with open(self.certificate, "w", encoding="ascii") as out:
                out.write(answer["certificate"])
        return status, answer

    def ask(self, method, path, body=None):
        return self.request(self.node_port, method, path, body, with_certificate=True)
