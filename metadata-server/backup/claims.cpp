#include "backup/claims.hpp"

#include <algorithm>
#include <tuple>

namespace muster {
namespace {

bool is_previous(const MachineRecord& record, const std::string& key) {
  return record.previous && record.previous->key == key;
}

bool is_renewed_away(const MachineRecord& record, const std::string& key) {
  return std::find(record.renewed.begin(), record.renewed.end(), key) != record.renewed.end();
}

// An older key that was served something later than what the newest one shows.
std::optional<IssuedIdentity> rival_among(const std::vector<Learned>& shown, const Learned& newest,
                                          const MachineRecord& record) {
  const Learned* rival = nullptr;
  for (const auto& other : shown) {
    const bool is_told_apart =
        other.issued_at < newest.issued_at && other.generation <= newest.generation;
    if (other.key == newest.key || is_told_apart || is_previous(record, other.key)) continue;
    if (rival == nullptr || other.generation > rival->generation) rival = &other;
  }
  return rival == nullptr ? std::nullopt : std::optional(identity_of(*rival));
}

}  // namespace

IssuedIdentity identity_of(const Learned& learned) {
  return {learned.key, learned.serial, learned.not_after, learned.issued_at};
}

const Learned& newest_of(const std::vector<Learned>& shown) {
  return *std::max_element(shown.begin(), shown.end(), [](const auto& left, const auto& right) {
    return std::tie(left.issued_at, left.generation) < std::tie(right.issued_at, right.generation);
  });
}

Claim claim_of(const std::vector<Learned>& shown, const MachineRecord& record,
               std::uint64_t known) {
  const Learned& newest = newest_of(shown);
  const auto is_holders = [&](const Learned& learned) {
    return record.current && learned.key == record.current->key;
  };
  const bool is_holder_heard = std::any_of(shown.begin(), shown.end(), is_holders);
  if (!record.current || is_holder_heard || record.current->issued_at < newest.issued_at)
    return {identity_of(newest), rival_among(shown, newest, record)};
  // What was served after the backup, the holder of then did not have.
  const bool is_later = newest.generation > known;
  const bool is_same_time =
      record.current->issued_at == newest.issued_at && !is_renewed_away(record, newest.key);
  const bool is_rival = !is_previous(record, newest.key) && (is_later || is_same_time);
  return {*record.current, is_rival ? std::optional(identity_of(newest)) : std::nullopt};
}

}  // namespace muster
