#include "enrolment/identity.hpp"

#include <openssl/x509.h>

#include <algorithm>

#include "enrolment/way_back.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

Error nonce_unknown() {
  return {
      ErrorKind::unauthenticated, "nonce_unknown",
      "nonce: expected one of this server's, unused and at most 60 s old; ask for another with POST /v1/nonce"};
}

}  // namespace

Result<PublicKey> check_proof(const EnrolmentContext& context, ProofPurpose purpose,
                              const KeyProof& proof) {
  if (!context.nonces.is_good(proof.nonce)) return pass(nonce_unknown());
  const auto request = CertificateRequest::from_pem(proof.csr_pem);
  if (!request) {
    return fail(ErrorKind::invalid, "csr_invalid", fmt::format("csr: {}", request.error().message));
  }
  PublicKey key = request->public_key();
  if (!key.verify(proof_message(purpose, proof.nonce, proof.csr_pem), proof.signature)) {
    return fail(
        ErrorKind::unauthenticated, "proof_invalid",
        "proof: expected a signature by the csr's key over this nonce and csr; make both anew");
  }
  // Only what cost a signature is remembered.
  if (!context.nonces.take(proof.nonce)) return pass(nonce_unknown());
  return key;
}

Result<IssuedCertificateOfIdentity> issue_identity(const EnrolmentContext& context,
                                                   const NodeName& node, const PublicKey& key) {
  Subject subject;
  subject.common_name = node.node;
  subject.organizations = {std::string(machine_organization)};
  subject.organizational_units = {node.cluster};
  subject.client = true;
  const TimePoint now = context.now(), earliest = std::min(now, earliest_now(context));
  const auto certificate =
      context.machines.issuing.issue(key, subject, context.limits.identity_lifetime, now, earliest);
  if (!certificate)
    return muster::while_doing(certificate.error(), "issuing an identity certificate");
  return IssuedCertificateOfIdentity{
      {key.fingerprint(), certificate->serial(), unix_seconds(certificate->not_after()),
       unix_seconds(earliest)},
      certificate->pem() + context.machines.issuing.certificate().pem()};
}

Result<void> check_issuer(const EnrolmentContext& context, const Certificate& certificate) {
  const auto signed_by = [&](const Certificate& authority) {
    return X509_verify(certificate.native(), authority.public_key().native()) == 1;
  };
  const auto& trusted = context.machines.trusted;
  if (std::any_of(trusted.begin(), trusted.end(), signed_by)) return {};
  return fail(ErrorKind::unauthenticated, "certificate_foreign",
              fmt::format("client certificate: not issued by this site; to let the machine in: {}",
                          enrols_anew));
}

Result<void> check_may_be_issued(const FoundMachine& machine) {
  const MachineRecord& record = machine.record;
  if (machine.ban) {
    return fail(
        ErrorKind::forbidden, "banned",
        fmt::format("machine '{0}': banned; an operator may lift it with `muster unban {0}`",
                    record.node));
  }
  if (record.frozen) {
    return fail(
        ErrorKind::forbidden, "frozen",
        fmt::format(
            "machine '{0}': frozen, its identity key was seen on two machines; an operator decides with `muster node unfreeze {0} --keep FINGERPRINT`",
            record.node));
  }
  return {};
}

Result<void> check_key_not_banned(const Store& store, std::string_view fingerprint) {
  const auto banned = find_banned_key(store, fingerprint);
  if (!banned) return pass(banned.error());
  if (!*banned) return {};
  const auto name = kinds::parse_pair_key(**banned).value_or(std::pair("CLUSTER", "NAME"));
  return fail(
      ErrorKind::forbidden, "banned",
      fmt::format(
          "machine '{}': its key was banned under this name; an operator may lift it with `muster unban {} --cluster {}`",
          **banned, name.second, name.first));
}

}  // namespace muster
