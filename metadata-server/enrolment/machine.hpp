// What the server remembers of one machine: kind "machine", key "<cluster>/<node>". A struct, its
// JSON, and the questions that follow from it. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/match.hpp"
#include "pki/certificate.hpp"
#include "records/bans.hpp"
#include "store/store.hpp"

namespace muster {

// One identity: a key pair is what a machine is recognised by; certificates for it come and go.
struct IssuedIdentity {
  std::string key;             // fingerprint of the public key
  std::string serial;          // of the newest certificate for it
  std::int64_t not_after = 0;  // of that certificate, Unix seconds
  std::int64_t issued_at = 0;
};

// One boot that reported with this machine's identity key (clone_detection.hpp).
struct SeenBoot {
  std::string machine_id, boot_id;
  std::uint64_t counter = 0;       // of its newest report
  std::int64_t first_sent_at = 0;  // the machine's clock at its first report
  // Of one boot that reported under two machine ids: the one before, and how often it came back.
  std::string other_machine_id;
  std::uint64_t returns = 0;
};

struct MachineRecord {
  std::string cluster, node;
  std::optional<IssuedIdentity> current;
  std::optional<IssuedIdentity> previous;  // still accepted until `current` was used once
  bool frozen = false;                     // nothing new is issued; what runs keeps running
  std::string freeze_reason;
  bool replace_ordered = false;         // one other key may take the name over
  std::int64_t replace_ordered_at = 0;  // Unix seconds; 0: by a server before 0.3
  std::string replace_key;              // fingerprint of that key; empty: any with a valid proof
  bool converge_ordered = false;        // the next report's answer says so
  std::int64_t converge_ordered_at = 0;
  std::vector<SeenBoot> boots;  // newest last, at most 8
  std::string uuid, serial;     // hardware as of the enrolment, for people
  // Unix seconds; since when who has the name: also by a restore, or by an operator's word.
  std::int64_t enrolled_at = 0;
  // Keys that renewals replaced, newest last, at most 8, since it was last decided who has the
  // name.
  std::vector<std::string> renewed;
  // Whose key was renewed away and called again (clone_detection.hpp): two machines hold this
  // identity. Or who claims the name as well since a restore (freeze_between).
  std::optional<IssuedIdentity> claimant;
};

[[nodiscard]] std::string to_json(const MachineRecord& record);
[[nodiscard]] Result<MachineRecord> parse_machine_record(std::string_view json);

struct FoundMachine {
  MachineRecord record;
  std::uint64_t version = 0;  // 0: there is no record yet, `record` has only the name
  std::optional<BanRecord> ban = {};
};
// Of one cluster, by node: those that have a record, or a ban.
[[nodiscard]] Result<std::map<std::string, FoundMachine>> list_machines(const Store& store,
                                                                        const std::string& cluster);
[[nodiscard]] Result<FoundMachine> find_machine(const Store& store, const NodeName& node);
// Guards by the version that was found, and writes.
void put_machine(const FoundMachine& found, Transaction& transaction);

// The name is taken: the newest identity is valid, or could still be recovered.
[[nodiscard]] bool has_live_identity(const MachineRecord& record, TimePoint now,
                                     std::chrono::seconds recovery_window);
// Nobody has the name any more, and which keys had it is forgotten: they are told that they are
// out.
void end_keys(MachineRecord& record);
// Every key that it is known by.
[[nodiscard]] std::vector<std::string> keys_of(const MachineRecord& record);
// `key` takes the name over: nothing before it is accepted any more.
void take_over(MachineRecord& record, IssuedIdentity identity);
// Two keys claim the name, and nothing says which has it: an operator decides.
void freeze_between(MachineRecord& record, IssuedIdentity newest, IssuedIdentity rival);
// `identity` replaces the one that `caller_key` presents, which stays valid until the new one is
// used.
void rotate(MachineRecord& record, std::string_view caller_key, IssuedIdentity identity);

}  // namespace muster
