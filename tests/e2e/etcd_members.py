"""What the cases ask of a cluster's etcd and of the boots of its masters."""
import json

CERTIFICATES = "/etc/kubernetes/pki/etcd-client"


def etcdctl(cluster, host, *arguments, **options):
    return cluster.run(host, "/opt/muster/current/etcd/bin/etcdctl", "--endpoints=https://127.0.0.1:2379",
                       f"--cacert={CERTIFICATES}/ca.crt", f"--cert={CERTIFICATES}/tls.crt", f"--key={CERTIFICATES}/tls.key",
                       *arguments, **options)


def voters(cluster, host="m1"):
    """{name: (id, peer URL)}, asked on one of them; two of one name are a failure."""
    listed = json.loads(etcdctl(cluster, host, "member", "list", "-w", "json").stdout)["members"]
    found = [member for member in listed if not member.get("isLearner")]
    assert len({member.get("name") for member in found}) == len(found), found
    return {member["name"]: (member["ID"], member["peerURLs"][0]) for member in found}


def show_members(cluster, host="m1"):
    print("\n" + etcdctl(cluster, host, "member", "list", "-w", "table").stdout)


def wait_for_verdict(cluster, name, boot, verdict, seconds=180):
    """Of a boot that is not `boot`."""
    def has_verdict():
        report = cluster.report(name)
        return report.get("bootId") != boot and report.get("verdict") == verdict
    cluster.wait_for(f"{name} to be {verdict}", has_verdict, seconds)
    return cluster.report(name)
