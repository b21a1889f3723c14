// Inventories and site facts for this room's tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "inventory/compile.hpp"
#include "inventory/load.hpp"

namespace sample {

inline std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The golden file's text. MUSTER_WRITE_GOLDEN=1 writes `actual` there first, for a change that is
// meant.
inline std::string golden(const std::string& name, const std::string& actual) {
  const std::string path = std::string(MUSTER_TESTS_DIR) + "/golden/inventory/" + name;
  if (std::getenv("MUSTER_WRITE_GOLDEN") != nullptr) std::ofstream(path) << actual;
  return read_text(path);
}

inline muster::Inventory example(const std::string& folder) {
  const auto files =
      muster::read_folder(std::string(MUSTER_TESTS_DIR) + "/integration/inventories/" + folder);
  REQUIRE_MESSAGE(files, files.error().message);
  auto inventory = muster::load(*files);
  REQUIRE_MESSAGE(inventory, muster::to_text(inventory.error()));
  return std::move(*inventory);
}

inline muster::SiteFacts facts() {
  muster::SiteFacts facts;
  facts.site = "sha256:" + std::string(64, '5');
  for (const char* name : {"cluster", "etcd", "front-proxy"})
    facts.authorities[name] = {std::string("-----BEGIN CERTIFICATE-----\n") + name +
                               "\n-----END CERTIFICATE-----\n"};
  const auto add = [&](const char* name, const char* version, char digit) {
    facts.catalogue.push_back({name, version, "sha256:" + std::string(64, digit), 1000});
  };
  // Undivided, as stores from before hold it: the golden documents show that these stay the same.
  add("kubernetes", "1.36.3", '1');
  add("etcd", "3.6.9", '2');
  add("etcd", "3.6.16", '3');
  add("containerd", "2.4.2", '4');
  add("runc", "1.5.2", '6');
  add("cni-plugins", "1.9.1", '7');
  add("coredns", "1.15.0", '8');
  add("pause", "3.10.2", '9');
  add("host-tools", "12.1", 'a');
  add("haproxy", "2.6.12", 'b');
  facts.secrets = {
      {"service-account-key", 1}, {"encryption-configuration", 2}, {"registry-login", 3}};
  return facts;
}

// A sound cluster of one master, the way an operator writes it; `spec` adds lines to the cluster's.
inline std::string small_cluster(const std::string& spec = "") {
  return "apiVersion: muster/v1\n"
         "kind: Cluster\n"
         "metadata:\n"
         "  name: lab\n"
         "spec:\n"
         "  kubernetesVersion: 1.36.3\n"
         "  podCidr: 10.64.0.0/16\n"
         "  serviceCidr: 10.96.0.0/16\n" +
         spec;
}

inline std::string node(const std::string& name, const std::string& role,
                        const std::string& address, const std::string& more = "") {
  return "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: " + name +
         "}\nspec: {cluster: lab, role: " + role + ", address: " + address + more + "}\n";
}

// Every problem of these files, as it is printed.
inline std::string problems(const muster::InventoryFiles& files) {
  const auto loaded = muster::load(files);
  return loaded ? "" : muster::to_text(loaded.error());
}

inline muster::Inventory loaded(const std::string& text) {
  auto inventory = muster::load({{"lab.yaml", text}});
  REQUIRE_MESSAGE(inventory, muster::to_text(inventory.error()));
  return std::move(*inventory);
}

inline std::string compile_problems(const muster::Inventory& inventory,
                                    const muster::SiteFacts& facts) {
  const auto compiled = muster::compile(inventory, "lab", facts);
  return compiled ? "" : muster::to_text(compiled.error());
}

// Of the cluster's profile p with these sections, in one line.
inline std::string of_profile(const std::string& sections, const std::string& cluster = "") {
  return problems(
      {{"a.yaml", small_cluster("  profiles: [p]\n" + cluster) +
                      node("m1", "master", "10.77.0.11") +
                      "---\napiVersion: muster/v1\nkind: Profile\nmetadata: {name: p}\nspec: {" +
                      sections + "}\n"}});
}

inline std::string of_arguments(const std::string& arguments, const std::string& cluster = "") {
  return problems(
      {{"a.yaml", small_cluster("  componentArguments: {" + arguments + "}\n" + cluster) +
                      node("m1", "master", "10.77.0.11")}});
}

}  // namespace sample
