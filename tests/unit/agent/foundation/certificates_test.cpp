#include "agent/foundation/certificates.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

struct CertificatesFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeServer server{site};
  Authorities authorities{{"cluster", {site.cluster_ca.certificate().pem()}}};
  CertificateSpec spec;
  CertificatesFixture() {
    spec.name = "kubelet-client";
    spec.authority = "cluster";
    spec.path = "/etc/kubernetes/pki/kubelet-client";
    spec.common_name = "system:node:m1";
    spec.usages = {CertificateUsage::client};
    spec.lifetime = std::chrono::hours(24);
  }
  std::string reason() {
    return reason_to_obtain(machine.files, spec, authorities, machine.clock.now());
  }
};

}  // namespace

TEST_CASE_FIXTURE(CertificatesFixture, "a certificate is obtained once and is then in order") {
  CHECK(reason() == "missing");
  REQUIRE(obtain(machine.files, server, {spec}, authorities, machine.clock.now()));
  CHECK(reason().empty());
  const auto key = must(PrivateKey::from_pem(machine.files.text(spec.path + "/tls.key")));
  const auto certificate = must(Certificate::from_pem(machine.files.text(spec.path + "/tls.crt")));
  CHECK(certificate.matches(key));
  CHECK(machine.files.status(spec.path + "/tls.key")->mode == 0600);
  CHECK(machine.files.text(spec.path + "/ca.crt") == authorities["cluster"][0]);
}

TEST_CASE_FIXTURE(CertificatesFixture,
                  "it is due at half life, with another specification or authority") {
  REQUIRE(obtain(machine.files, server, {spec}, authorities, machine.clock.now()));
  spec.common_name = "system:node:m2";
  CHECK(reason() == "its specification changed");
  spec.common_name = "system:node:m1";
  // Nothing to the server: the key is given to its new owner as it is (file_looks).
  spec.owner = "etcd";
  CHECK(reason().empty());
  authorities["cluster"].push_back(site.machine_ca.certificate().pem());
  CHECK(reason() == "its authority changed");
  authorities["cluster"].pop_back();
  machine.clock.sleep(std::chrono::hours(13));
  CHECK(reason() == "half of its lifetime has passed");
}

TEST_CASE_FIXTURE(CertificatesFixture, "the version before is kept, older ones go") {
  std::vector<std::string> versions;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(obtain(machine.files, server, {spec}, authorities, machine.clock.now()));
    versions.push_back(current_version(machine.files, spec));
  }
  CHECK_FALSE(machine.files.has(versions[0]));
  CHECK(machine.files.has(versions[1]));
  CHECK(machine.files.has(versions[2]));
}

TEST_CASE_FIXTURE(CertificatesFixture, "one that is not valid yet by this clock is not taken") {
  REQUIRE(obtain(machine.files, server, {spec}, authorities, machine.clock.now()));
  const auto version = current_version(machine.files, spec);
  const auto early = machine.clock.now() - std::chrono::minutes(6);
  const auto done = obtain(machine.files, server, {spec}, authorities, early);
  REQUIRE_FALSE(done);
  CHECK(
      done.error().message ==
      "certificate 'kubelet-client': by this machine's clock it is not valid yet; the one before is kept");
  CHECK(current_version(machine.files, spec) == version);
}

TEST_CASE_FIXTURE(CertificatesFixture, "no failing write leaves a key without its certificate") {
  REQUIRE(obtain(machine.files, server, {spec}, authorities, machine.clock.now()));
  for (int at = 0; at < 20; ++at) {
    machine.files.restart();
    machine.files.crash_at = at;
    const auto done = obtain(machine.files, server, {spec}, authorities, machine.clock.now());
    machine.files.restart();
    CHECK(reason().empty());
    if (done) return;
  }
  FAIL("expected obtaining a certificate to take fewer writes");
}

TEST_CASE_FIXTURE(CertificatesFixture,
                  "a renewal may wait while the certificate is valid, another reason not") {
  const auto waits = [&] {
    return may_wait(machine.files, spec, authorities, machine.clock.now());
  };
  CHECK_FALSE(waits());
  REQUIRE(obtain(machine.files, server, {spec}, authorities, machine.clock.now()));
  machine.clock.sleep(std::chrono::hours(13));
  CHECK(waits());
  spec.common_name = "system:node:m2";
  CHECK_FALSE(waits());
  spec.common_name = "system:node:m1";
  machine.clock.sleep(std::chrono::hours(12));
  CHECK_FALSE(waits());
}
