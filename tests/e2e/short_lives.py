"""Certificates that live for minutes: who serves them, and which ones a machine has."""

# Every certificate that is valid now: "PATH serial=... Certificate will not expire".
SERIALS = r"""for c in /etc/kubernetes/pki/*/tls.crt /var/lib/muster/identity/certificate.pem; do
  echo "$c $(openssl x509 -in "$c" -noout -serial -checkend 0 | tr '\n' ' ')"; done"""


def serials(cluster, host):
    """{name of the certificate: serial}; none of them has expired."""
    rows = (line.split(None, 2) for line in cluster.run(host, "sh", "-c", SERIALS).stdout.splitlines())
    found = {path: (serial, text) for path, serial, text in rows}
    assert all("will not expire" in text for _, text in found.values()), (host, found)
    return {path.split("/")[-2]: serial for path, (serial, _) in found.items()}


def kept_serials(first, last):
    """{(host, name)}: the certificates that are the same ones in both."""
    return {(host, name) for host in first for name in first[host] if last[host].get(name) == first[host][name]}


def restart_server(cluster, **settings):
    cluster.stop_server()
    cluster.server_settings = settings
    cluster.start_server()
