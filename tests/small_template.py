"""What a cluster on demand is made from: pools of masters and workers on loopback."""
import os

TEMPLATE = """apiVersion: muster/v1
kind: Cluster
metadata: {name: small}
spec: {kubernetesVersion: 1.36.3, podCidr: 10.64.0.0/16, serviceCidr: 10.96.0.0/16, nodeCidr: 127.0.0.0/16}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: masters}
spec: {cluster: small, role: master, namePattern: "m-{index}", maximum: 3, addressRanges: [127.0.2.0/24], proofs: [token]}
---
apiVersion: muster/v1
kind: NodePool
metadata: {name: workers}
spec: {cluster: small, role: node, namePattern: "w-{index}", maximum: 50, addressRanges: [127.0.3.0/24], proofs: [token]}
"""


def set_small_template(site, *names):
    """Known to the site's server by each of the names; by default as `small`."""
    folder = os.path.join(site.state, "template")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "small.yaml"), "w", encoding="ascii") as out:
        out.write(TEMPLATE)
    for name in names or ("small",):
        site.muster("template", "set", name, folder)
