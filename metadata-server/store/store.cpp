#include "store/store.hpp"

namespace muster {

Transaction& Transaction::expect(std::string_view kind, std::string_view key,
                                 std::uint64_t version) {
  expectations.push_back({std::string(kind), std::string(key), version});
  return *this;
}

Transaction& Transaction::put(std::string_view kind, std::string_view key, std::string value) {
  changes.push_back({std::string(kind), std::string(key), std::move(value)});
  return *this;
}

Transaction& Transaction::remove(std::string_view kind, std::string_view key) {
  changes.push_back({std::string(kind), std::string(key), std::nullopt});
  return *this;
}

tl::unexpected<Error> no_record(std::string_view kind, std::string_view key) {
  return fail(ErrorKind::not_found, fmt::format("{} '{}': there is none", kind, key));
}

Error version_conflict(const Transaction::Expectation& expectation, std::uint64_t found) {
  const auto& [kind, key, version] = expectation;
  if (version == 0) {
    return {
        ErrorKind::conflict,
        fmt::format("{} '{}': expected none, found version {}; read it again", kind, key, found)};
  }
  if (found == 0) {
    return {
        ErrorKind::conflict,
        fmt::format("{} '{}': expected version {}, found none; read it again", kind, key, version)};
  }
  return {ErrorKind::conflict,
          fmt::format("{} '{}': expected version {}, found version {}; read it again", kind, key,
                      version, found)};
}

tl::unexpected<Error> fail_compacted(std::uint64_t after, std::uint64_t dropped) {
  return fail(
      ErrorKind::not_found,
      fmt::format(
          "feed after revision {}: expected every commit since, found them kept only after revision {}; list anew",
          after, dropped));
}

Result<void> commit(Store& store, const Transaction& transaction) {
  if (auto committed = store.commit(transaction); !committed) return pass(committed.error());
  return {};
}

Result<void> update(Store& store, std::string_view kind, std::string_view key,
                    const std::function<Result<void>(const std::optional<std::string>& value,
                                                     Transaction& transaction)>& change) {
  // Each conflict means that somebody else's commit went through, so this ends by itself unless a
  // record is written all the time; the bound turns that into an error instead of a spin.
  constexpr int attempts = 100;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    auto record = store.get(kind, key);
    if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
    Transaction transaction;
    transaction.expect(kind, key, record ? record->version : 0);
    const auto value = record ? std::optional(std::move(record->value)) : std::nullopt;
    if (auto decided = change(value, transaction); !decided) return decided;
    if (transaction.changes.empty()) return {};
    auto committed = commit(store, transaction);
    if (committed || committed.error().kind != ErrorKind::conflict) return committed;
  }
  return fail(ErrorKind::unavailable,
              fmt::format("{} '{}': changed by others during {} attempts; try again later", kind,
                          key, attempts));
}

}  // namespace muster
