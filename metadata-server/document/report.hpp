// What an agent tells the server, from the first second of a boot and on failure too. Everything in
// it is the machine's own claim: length-limited here, escaped wherever it is shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/failure_report.hpp"
#include "result/result.hpp"

namespace muster {

struct Phase {
  std::string name;           // "firmware", "kernel", "fetch", "etcd", "node-ready", ...
  std::int64_t start_us = 0;  // microseconds since power-on (firmware start) of this boot
  std::int64_t end_us = 0;    // 0 while it runs
  std::string detail;
};

enum class Verdict { converging, converged, pending_changes, failed };
[[nodiscard]] std::string_view name(Verdict verdict);

// How far a machine that is to be drained is.
struct NodeDrain {
  std::string node;
  bool is_done = false;
  std::string message;  // what it waits for
};

// What the holder of the duties says of its cluster besides of itself.
struct DutiesReport {
  std::uint64_t peers_generation = 0;  // of the peer list that the Nodes were compared with
  std::vector<std::string> leaving;  // Nodes that are still there, of machines that left that list
  std::vector<NodeDrain> drains;     // of machines that the list has to be drained
};

// What a machine's configuration is; its health is another question.
enum class Configuration {
  settled,     // the newest document is in effect, or waits for the machine's turn
  trying,      // an attempt runs, or ended for a reason that the document did not cause
  refused,     // the newest document does not work here, and there is none to go back to
  fallen_back  // the newest document does not work here, and the last settled one is in effect
};
[[nodiscard]] std::string_view name(Configuration configuration);

// Something that should be in effect on the machine and is not. The agent puts it back by itself,
// for as long as it takes.
struct HealthProblem {
  std::string subject;     // "kubelet", "route 10.244.3.0/24", "unit etcd.service"
  std::string message;     // what was found, and the cure where it takes a person
  std::int64_t since = 0;  // Unix seconds of the machine's clock
};

// A document or a peer list that was refused since the machine has another one of its generation:
// the site has two histories (a database that was put back, or somebody else who signs).
struct Contradiction {
  std::string of;  // "document" or "peers"
  std::uint64_t generation = 0;
  std::string taken, refused;  // digests
};

struct Report {
  std::string machine_id;
  std::string boot_id;
  std::uint64_t counter = 0;  // grows with every report of one boot (clone detection)
  std::string agent_version;
  std::uint32_t document_format = 1;  // the newest that it reads (document_format.hpp)
  // Wholly in effect on the machine, but for what its next boot alone brings; empty before the
  // first.
  std::string document_digest;
  std::string fetched_digest;    // the newest that was verified
  std::string pending_digest;    // of which something waits for a reboot or a turn; else empty
  std::uint64_t generation = 0;  // of the newest that was verified
  std::uint64_t peers_generation = 0;  // the same of the peer list; 0: the agent does not say
  std::optional<Configuration> configuration;  // nothing: an agent before 0.3
  std::optional<RefusedDocument> refused_document;
  std::vector<HealthProblem> unwell;
  std::optional<FailureDetail> failure;
  Verdict verdict = Verdict::converging;
  std::string
      failure_class;     // identity|document|clock|network|disk|package|runtime|kubelet|etcd|api
  std::string message;   // one error or a list of findings, newline-separated
  bool offline = false;  // came up from the signed cache
  std::vector<std::string> pending;  // changes that wait for a reboot or a turn
  // Somebody ordered it on the machine, which is one of several masters: may it take what waits?
  bool asks_turn = false;
  std::vector<Phase> phases;
  std::string etcd_cluster_id;  // control plane with a running member
  std::string etcd_member_id;
  std::int64_t sent_at = 0;            // the machine's clock, Unix seconds
  std::optional<DutiesReport> duties;  // only the holder's
  // Control plane: whom the machine saw hold the Lease of the duties, itself too; empty: it does
  // not know. Nothing: an agent before 0.3, or no control plane.
  std::optional<std::string> lease_holder;
  std::optional<Contradiction> contradiction;
  // The last word of a machine that `muster-agent reset` takes apart: nothing of Kubernetes is left
  // there, and it is not heard of again until it is let in anew.
  bool was_reset = false;
  // The last word of a boot, from a machine that netbooted and is going down: whoever starts in its
  // place is itself.
  bool is_stopping = false;
  std::string boot_image;  // "image-tower/20261202.050000" that it netbooted; empty: its disk's
  // Of the last order to converge that it read in an answer (ReportAnswer::order); 0: none since it
  // started. Nothing: an agent before 0.4, which is told an order once.
  std::optional<std::int64_t> heard_order;
};

// The server's answer.
struct ReportAnswer {
  std::chrono::seconds poll_after{60};
  bool converge = false;  // an operator ordered `muster node converge`
  // To one that asked for its turn and has to wait: for what. The order stands.
  std::string turn_waits_for = {};
  std::int64_t order = 0;  // which, where `converge`: told until the machine says that it heard
};

[[nodiscard]] std::string to_json(const Report& report);
// Refuses more than 256 KiB, more than 200 phases, pending rows or problems; cuts long strings to
// their limit, and times to the years 1970 to 9999, so that they can be reckoned with. Unknown
// fields are a newer agent's, and ignored.
[[nodiscard]] Result<Report> parse_report(std::string_view json);
[[nodiscard]] std::string to_json(const ReportAnswer& answer);
[[nodiscard]] Result<ReportAnswer> parse_report_answer(std::string_view json);

}  // namespace muster
