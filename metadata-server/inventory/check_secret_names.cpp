#include "inventory/check_secret_names.hpp"

#include "document/problem.hpp"
#include "inventory/own_secrets.hpp"

namespace muster {

namespace {

void check_reference(const Value* value, const std::string& field, RuleFindings& findings) {
  const Value* name = value == nullptr ? nullptr : value->find("secretRef");
  if (name == nullptr || !is_own_secret(name->scalar)) return;
  findings.refuse(name->place, field + ".secretRef", "a secret that 'muster secret set' made",
                  in_ticks(name->scalar),
                  "the server makes that one for the masters alone; take another name");
}

}  // namespace

void check_secret_names(const Value& settings, const std::string& path, RuleFindings& findings) {
  if (const Value* files = settings.find("files")) {
    for (std::size_t index = 0; index < files->items.size(); ++index)
      check_reference(files->items[index].find("content"),
                      fmt::format("{}.files[{}].content", path, index), findings);
  }
  if (const Value* credentials = settings.find_path("containerd.registryCredentials")) {
    for (const auto& [registry, secret] : credentials->fields)
      check_reference(&secret, path + ".containerd.registryCredentials." + registry, findings);
  }
}

}  // namespace muster
