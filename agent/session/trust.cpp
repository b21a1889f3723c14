#include "agent/session/trust.hpp"

#include <nlohmann/json.hpp>

#include "agent/paths.hpp"
#include "agent/session/kept_copy.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

using Chain = std::vector<Envelope>;

Result<Chain> parse_chain(std::string_view text) {
  const auto json = parse_strict_json(paths::trust_cache, text, {maximum_envelope_size});
  if (!json) return pass(json.error());
  if (!json->is_array()) return fail(ErrorKind::corrupt, "trust cache: expected a list");
  Chain chain;
  for (const auto& entry : *json) {
    auto envelope = parse_envelope(canonical_text(entry));
    if (!envelope) return pass(envelope.error());
    chain.push_back(*envelope);
  }
  return chain;
}

std::string to_text(const Chain& chain) {
  std::string text = "[";
  for (const auto& envelope : chain) text += (text.size() > 1 ? "," : "") + to_json(envelope);
  return text + "]";
}

// A server that refuses this machine will do so again; one that is silent or in trouble may not.
ConvergeResult<TrustList> fail_contact(const Error& error) {
  const bool is_refusal =
      error.kind == ErrorKind::forbidden || error.kind == ErrorKind::unauthenticated;
  return fail_converge(is_refusal ? FailureClass::identity : FailureClass::network, error);
}

ConvergeResult<> check_clock(const Run& run, std::int64_t server_time) {
  if (server_time == 0) return {};
  const auto own = std::chrono::system_clock::to_time_t(run.host.clock.now());
  const std::int64_t skew = own - server_time;
  if (std::abs(skew) <= maximum_clock_skew.count()) return {};
  return fail_converge(
      FailureClass::clock, ErrorKind::invalid,
      fmt::format(
          "clock: expected within {} s of the server's, found {} s {}; set it (timedatectl set-ntp true, or the firmware's clock) and converge again",
          maximum_clock_skew.count(), std::abs(skew), skew > 0 ? "ahead" : "behind"));
}

// Where it cannot be kept, it holds for this run, and the server is asked again in the next.
void keep(Run& run, const Chain& chain, const TrustList& list) {
  if (auto kept = write_kept(run.host.files, paths::trust_cache, to_text(chain)); !kept) {
    run.memory.own_unwell.push_back({"disk", kept.error().message, 0});
  }
  run.checkpoint.trust_version = list.version;
}

}  // namespace

std::optional<TrustList> cached_trust(Run& run) {
  const auto verify = [&](const std::string& text) -> Result<TrustList> {
    const auto chain = parse_chain(text);
    if (!chain) return pass(chain.error());
    return verify_trust_list(*chain, run.settings.site_pin, run.checkpoint.trust_version);
  };
  auto list = read_kept(run.host.files, paths::trust_cache, verify);
  if (!list) return std::nullopt;
  return std::move(*list);
}

ConvergeResult<TrustList> first_contact(Run& run) {
  TlsClientSettings tls;
  tls.verify_server = false;
  auto server = run.network.connect(run.settings.enrol_servers, tls);
  auto chain = server->trust();
  // Nobody vouches for this server yet: that it refuses this machine is no site's word.
  if (!chain && chain.error().kind == ErrorKind::forbidden)
    return fail_converge(FailureClass::identity, ErrorKind::unauthenticated, chain.error().message);
  if (!chain) return fail_contact(chain.error());
  // Verified before the clock is: a stranger's clock is no reason to doubt the machine's own.
  auto list = verify_trust_list(*chain, run.settings.site_pin, run.checkpoint.trust_version);
  if (!list) return fail_converge(FailureClass::identity, list.error());
  if (auto clock = check_clock(run, server->server_time()); !clock)
    return pass_failure(clock.error());
  keep(run, *chain, *list);
  return std::move(*list);
}

ConvergeResult<TrustList> refresh_trust(Run& run, Server& server, const TrustList& known,
                                        std::vector<HealthProblem>& unwell) {
  auto chain = server.trust();
  if (!chain) return fail_contact(chain.error());
  if (auto clock = check_clock(run, server.server_time()); !clock) {
    // Where nothing was ever in effect, there is nothing to go on with.
    if (run.checkpoint.settled_document.empty()) return pass_failure(clock.error());
    unwell.push_back({"clock", clock.error().error.message, 0});
  }
  // To the hour, of an age that is judged by days: a poll without news writes nothing.
  constexpr std::int64_t hour = 3600;
  if (server.server_time() >= run.checkpoint.last_contact + hour) {
    run.checkpoint.last_contact = server.server_time();
  }
  auto list = verify_trust_list(*chain, run.settings.site_pin, run.checkpoint.trust_version);
  if (!list) {
    unwell.push_back({"trust", list.error().message, 0});
    return known;
  }
  keep(run, *chain, *list);
  return std::move(*list);
}

}  // namespace muster
