#include "enrolment/enrol_request.hpp"

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {
constexpr std::size_t longest_hint = 256;
constexpr std::size_t most_macs = 32;
constexpr std::size_t longest_identity = 16u << 10;

void read_hint(JsonObject& object, std::string_view field, std::string& target) {
  object.text(field, target, Need::optional);
  if (target.size() > longest_hint) {
    object.problem(field,
                   fmt::format("expected at most {} bytes, found {}", longest_hint, target.size()));
  }
}

void read_hints(JsonObject& object, MachineHints& hints) {
  object.texts("macs", hints.macs, Need::optional);
  if (hints.macs.size() > most_macs) {
    object.problem("macs",
                   fmt::format("expected at most {}, found {}", most_macs, hints.macs.size()));
  }
  for (const auto& mac : hints.macs) {
    if (mac.size() > longest_hint) {
      object.problem("macs", fmt::format("expected at most {} bytes each, found {}", longest_hint,
                                         mac.size()));
    }
  }
  read_hint(object, "uuid", hints.uuid);
  read_hint(object, "serial", hints.serial);
  read_hint(object, "hostname", hints.hostname);
  read_hint(object, "machineId", hints.machine_id);
  read_hint(object, "bootId", hints.boot_id);
}
}  // namespace

Result<EnrolRequest> parse_enrol_request(std::string_view json) {
  const auto value = parse_strict_json("enrol request", json, {64U << 10, 4});
  if (!value) return pass(value.error());
  EnrolRequest request;
  std::string signature;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  root.text("nonce", request.proof.nonce);
  root.text("csr", request.proof.csr_pem);
  root.text("proof", signature);
  root.text("token", request.token, Need::optional);
  root.text("instanceIdentity", request.instance_identity, Need::optional);
  if (request.instance_identity.size() > longest_identity) {
    root.problem("instanceIdentity",
                 fmt::format("expected at most {} bytes, found {}", longest_identity,
                             request.instance_identity.size()));
  }
  root.object(
      "hints", [&](JsonObject& object) { read_hints(object, request.hints); }, Need::optional);
  if (auto decoded = base64_decode(signature)) {
    request.proof.signature = std::move(*decoded);
  } else {
    root.problem("proof", "expected base64");
  }
  root.close();
  if (!problems.empty()) return fail("enrol request", problems);
  return request;
}

std::string_view name(Awaits awaits) {
  switch (awaits) {
    case Awaits::approval:
      break;
    case Awaits::masters:
      return "masters";
    case Awaits::backup:
      return "backup";
  }
  return "approval";
}

std::string to_json(const EnrolOutcome& outcome) {
  if (outcome.pending) {
    return canonical_text({{"fingerprint", outcome.fingerprint},
                           {"pollAfter", outcome.poll_after.count()},
                           {"awaits", name(outcome.awaits)}});
  }
  return canonical_text({{"node", outcome.node.node},
                         {"cluster", outcome.node.cluster},
                         {"certificate", outcome.certificate_pem}});
}

}  // namespace muster
