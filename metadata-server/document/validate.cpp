#include "document/validate.hpp"

#include <map>

#include "document/field_syntax.hpp"
#include "document/validation.hpp"
#include "pki/signature.hpp"

namespace muster {

void Findings::expect(bool ok, std::string where, std::string_view expected,
                      std::string_view found) {
  if (!ok) add(std::move(where), fmt::format("expected {}, found {}", expected, in_ticks(found)));
}

void Findings::add(std::string where, std::string message) {
  problems_.push_back({std::move(where), std::move(message)});
}

void validate_paths(const NodeDocument& document, Findings& findings) {
  std::map<std::string, std::string> owners;
  const auto claim = [&](const std::string& path, std::string where) {
    where += "/path";
    findings.expect(is_absolute_path(path), where, "an absolute path without '..'", path);
    const auto [entry, is_new] = owners.emplace(path, where);
    if (!is_new) {
      findings.add(where,
                   fmt::format("expected a path of its own, found {}, which is also that of {}",
                               in_ticks(path), entry->second));
    }
  };
  for (std::size_t i = 0; i < document.certificates.size(); ++i) {
    claim(document.certificates[i].path, pointer_to("/certificates", i));
  }
  for (std::size_t i = 0; i < document.config.files.size(); ++i) {
    claim(document.config.files[i].path, pointer_to("/config/files", i));
  }
  for (std::size_t i = 0; i < document.config.secrets.size(); ++i) {
    // A secret without a path is not written by itself: something else of the document names it.
    const std::string& path = document.config.secrets[i].path;
    if (!path.empty()) claim(path, pointer_to("/config/secrets", i));
  }
}

std::vector<Problem> validate_identity(const NodeDocument& document) {
  Findings findings;
  validate_role(document.role, findings);
  validate_certificates(document, findings);
  return findings.take();
}

std::vector<Problem> validate(const NodeDocument& document) {
  Findings findings;
  findings.expect(is_digest(document.site), "/site", "'sha256:' and 64 lower-case hex digits",
                  document.site);
  if (document.generation == 0) findings.add("/generation", "expected 1 or more, found 0");
  validate_role(document.role, findings);
  validate_certificates(document, findings);
  validate_config(document, findings);
  validate_paths(document, findings);
  return findings.take();
}

}  // namespace muster
