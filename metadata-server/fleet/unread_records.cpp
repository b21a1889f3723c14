#include "fleet/unread_records.hpp"

#include "enrolment/join_token.hpp"
#include "enrolment/operators.hpp"
#include "publish/templates.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

template <class Parse>
Result<void> add_unread(const Store& store, std::string_view kind, std::string_view word,
                        std::string_view cure, const Parse& parse,
                        std::vector<UnreadRecord>& unread) {
  const auto records = all_records(store, kind);
  if (!records) return pass(records.error());
  for (const auto& record : *records) {
    const auto parsed = parse(record.value);
    if (!parsed)
      unread.push_back({std::string(word), record.key, parsed.error().message,
                        fmt::format(fmt::runtime(cure), record.key)});
  }
  return {};
}

}  // namespace

Result<std::vector<UnreadRecord>> unread_records(const Store& store) {
  std::vector<UnreadRecord> unread;
  auto added =
      add_unread(store, kinds::token, "token", "muster token revoke {}", parse_join_token, unread);
  if (added)
    added = add_unread(store, kinds::cluster_template, "template",
                       "muster template set {0} DIR, or muster template remove {0}", parse_template,
                       unread);
  if (added)
    added = add_unread(store, kinds::operator_record, "operator",
                       "muster operator revoke {0}, then muster operator add {0}",
                       parse_operator_record, unread);
  if (!added) return pass(added.error());
  return unread;
}

}  // namespace muster
