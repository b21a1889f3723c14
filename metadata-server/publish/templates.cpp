#include "publish/templates.hpp"

#include "document/field_syntax.hpp"
#include "document/problem.hpp"
#include "inventory/cluster_template.hpp"
#include "publish/cluster_publication.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr JsonLimits template_limits{2 * maximum_inventory_total + (1u << 20), 8};

constexpr auto template_fields = [](auto& fields, auto& made) {
  fields.text("name", made.name);
  fields.text_map("files", made.files);
  fields.text("setBy", made.set_by);
  fields.number("setAt", made.set_at);
};

tl::unexpected<Error> no_template(const std::string& name) {
  return fail(
      ErrorKind::not_found,
      fmt::format(
          "template {}: there is none; `muster template list` shows those there are, `muster template set NAME DIR` makes one",
          in_ticks(name)));
}

}  // namespace

Result<Template> parse_template(std::string_view json) {
  return parse_record<Template>("template record", json, template_fields, template_limits);
}

Published<void> set_template(Store& store, const Template& made, TimePoint now) {
  if (!is_dns_label(made.name)) {
    return tl::unexpected(refused(
        {ErrorKind::invalid,
         fmt::format("template: expected a name such as 'small', found {}", in_ticks(made.name))}));
  }
  const auto inventory = load(made.files);
  if (!inventory) return tl::unexpected(refused(inventory.error()));
  if (auto problems = check_template(*inventory); !problems.empty())
    return tl::unexpected(refused(std::move(problems)));
  Transaction transaction;
  transaction.put(kinds::cluster_template, made.name, record_text(made, template_fields));
  append_audit(transaction, now, made.set_by, "template-set", made.name, "");
  if (auto committed = store.commit(transaction); !committed)
    return tl::unexpected(refused(committed.error()));
  return {};
}

Result<Template> find_template(const Store& store, const std::string& name) {
  const auto record = store.get(kinds::cluster_template, name);
  if (!record && record.error().kind == ErrorKind::not_found) return no_template(name);
  if (!record) return pass(record.error());
  return parse_template(record->value);
}

Result<std::vector<Template>> list_templates(const Store& store) {
  const auto records = all_records(store, kinds::cluster_template);
  if (!records) return pass(records.error());
  std::vector<Template> templates;
  for (const auto& record : *records) {
    if (auto made = parse_template(record.value)) templates.push_back(std::move(*made));
  }
  return templates;
}

Result<void> remove_template(Store& store, const std::string& name, TimePoint now,
                             const std::string& by) {
  const auto found = store.get(kinds::cluster_template, name);
  if (!found && found.error().kind == ErrorKind::not_found) return no_template(name);
  if (!found) return pass(found.error());
  Transaction transaction;
  transaction.remove(kinds::cluster_template, name);
  append_audit(transaction, now, by, "template-removed", name, "");
  return commit(store, transaction);
}

}  // namespace muster
