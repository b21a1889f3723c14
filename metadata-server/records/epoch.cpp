#include "records/epoch.hpp"

#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

struct EpochRecord {
  std::uint64_t epoch = 0;
};

constexpr auto epoch_fields = [](auto& fields, auto& record) {
  fields.number("epoch", record.epoch);
};

struct FoundEpoch {
  std::uint64_t epoch = 0, version = 0;
};

Result<FoundEpoch> find(const Store& store) {
  const auto record = store.get(kinds::site, kinds::epoch_key);
  if (!record && record.error().kind == ErrorKind::not_found) return FoundEpoch{};
  if (!record) return pass(record.error());
  const auto read = parse_record<EpochRecord>("the site's epoch", record->value, epoch_fields);
  if (!read) return pass(read.error());
  return FoundEpoch{read->epoch, record->version};
}

}  // namespace

Result<void> check_epoch_record(std::string_view json) {
  return check_record<EpochRecord>("the site's epoch", json, epoch_fields);
}

Result<std::uint64_t> find_epoch(const Store& store) {
  const auto found = find(store);
  if (!found) return pass(found.error());
  return found->epoch;
}

Result<void> put_epoch(const Store& store, std::uint64_t epoch, Transaction& transaction) {
  const auto found = find(store);
  if (!found) return pass(found.error());
  if (epoch > highest_epoch)
    return fail(
        ErrorKind::exhausted,
        fmt::format(
            "epoch: expected at most {}, found {}: this site was restored too often; begin a new one",
            highest_epoch, epoch));
  if (epoch <= found->epoch)
    return fail(ErrorKind::conflict,
                fmt::format("epoch: expected one above {}, found {}", found->epoch, epoch));
  transaction.expect(kinds::site, kinds::epoch_key, found->version);
  transaction.put(kinds::site, kinds::epoch_key, record_text(EpochRecord{epoch}, epoch_fields));
  return {};
}

}  // namespace muster
