#include "cli/translate.hpp"

#include "cli/answer.hpp"
#include "cli/text_file.hpp"
#include "inventory/flat_inventory.hpp"

namespace muster {
namespace {

constexpr std::size_t largest_hosts = 16u << 20;

Exit refuse(const Session& session, const Error& error) {
  static_cast<void>(complain(session, error));
  return Exit::invalid_inventory;
}

}  // namespace

Exit translate(const Session& session, const TranslateInputs& inputs) {
  FlatTranslation translation;
  translation.kubernetes_version = inputs.kubernetes_version;
  std::string refusals;
  for (const auto& file : inputs.files) {
    const auto text = read_text_file(file, 64u << 10);
    auto flat = text ? parse_flat_metadata(file, *text) : Result<FlatMetadata>(pass(text.error()));
    if (flat) {
      translation.documents.emplace(file, std::move(*flat));
    } else {
      refusals += (refusals.empty() ? "" : "\n") + flat.error().message;
    }
  }
  if (!refusals.empty()) return refuse(session, {ErrorKind::invalid, refusals});
  const auto hosts = read_text_file(inputs.hosts, largest_hosts);
  if (!hosts) return complain(session, hosts.error());
  translation.addresses = read_hosts(*hosts);
  const auto yaml = to_inventory_yaml(translation);
  if (!yaml) return refuse(session, yaml.error());
  print(session.wants_json() ? json_text({{"inventory", *yaml}}) : *yaml);
  return Exit::ok;
}

}  // namespace muster
