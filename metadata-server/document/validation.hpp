// The parts of validate(), one .cpp each. Of this room only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "document/problem.hpp"

namespace muster {

// Collects problems: expect(ok, where, "an IPv4 address", found) adds "expected an IPv4 address,
// found 'x'" unless ok.
class Findings {
 public:
  void expect(bool ok, std::string where, std::string_view expected, std::string_view found);
  void add(std::string where, std::string message);
  [[nodiscard]] std::vector<Problem> take() { return std::move(problems_); }

 private:
  std::vector<Problem> problems_;
};

// Of a machine, wherever it is written: `where` is the pointer of the field.
void validate_labels(const std::map<std::string, std::string>& labels, const std::string& where,
                     Findings& findings);
void validate_taints(const std::vector<Taint>& taints, const std::string& where,
                     Findings& findings);

void validate_role(const MachineIdentity& role, Findings& findings);
void validate_certificates(const NodeDocument& document, Findings& findings);
void validate_config(const NodeDocument& document, Findings& findings);
// Every path that the document makes the machine write belongs to one entry.
void validate_paths(const NodeDocument& document, Findings& findings);

}  // namespace muster
