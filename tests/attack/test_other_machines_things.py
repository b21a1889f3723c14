"""A valid machine reaches its own things alone, whatever it puts into the path."""
TRICKS = ["/v1/document/n2", "/v1/document?node=n2", "/v1/nodes/n2/document", "/v1/document/../documents/lab/n2", "/v1/document%2f..%2fn2",
          "//v1/document//n2", "/V1/DOCUMENT/n2", "/v1/document;node=n2", "/v1/document%00n2", "/v1/peers?cluster=other"]


def test_no_path_names_another_machine(site):
    machine = site.enrolled("n1", "node", 21)
    own = machine.ask("GET", "/v1/document")
    assert own[0] == 200
    for path in TRICKS:
        status, answer = machine.ask("GET", path)
        assert status in (400, 404) or (status, answer) == own or path.startswith("/v1/peers"), (path, status)


def test_operator_routes_are_not_for_machines(site):
    machine = site.enrolled("n1", "node", 21)
    for method, path in (("GET", "/v1/operator/nodes"), ("GET", "/v1/operator/audit"), ("POST", "/v1/operator/tokens"),
                         ("POST", "/v1/operator/kubeconfig"), ("GET", "/v1/operator/secrets")):
        status, answer = machine.ask(method, path, {} if method == "POST" else None)
        assert status in (403, 404), (path, status, answer)


def test_not_yours_reads_like_does_not_exist(site):
    machine = site.enrolled("n1", "node", 21)
    yours = machine.ask("GET", "/v1/secrets/service-account-key?version=1")
    nobodys = machine.ask("GET", "/v1/secrets/no-such-secret?version=1")
    assert yours[0] == nobodys[0] and yours[0] in (403, 404)
    for answer in (yours[1], nobodys[1]):
        answer.pop("requestId", None)
    assert str(yours[1]).replace("service-account-key", "X") == str(nobodys[1]).replace("no-such-secret", "X")


def test_a_banned_machine_is_out_and_back_after_unban(site):
    machine = site.enrolled("n1", "node", 21)
    site.muster("ban", "n1", "--cluster", "lab")
    try:
        status, answer = machine.ask("GET", "/v1/document")
        assert status == 403 and answer["kind"] == "banned", answer
    finally:
        site.muster("unban", "n1", "--cluster", "lab")
    assert machine.ask("GET", "/v1/document")[0] == 200


def test_no_ca_key_and_no_secret_in_any_answer(site):
    machine = site.enrolled("n1", "node", 21)
    for path in ("/v1/document", "/v1/peers", "/v1/trust"):
        status, answer = machine.ask("GET", path)
        assert status == 200
        assert "PRIVATE" not in str(answer)
