// commit-cost DIR: what the views cost a commit, on a database in DIR. For a site of 100 and of
// 10 000 machines: a report, the publication of one machine's document, and of all, into the store
// alone and into the store that writers have. Prints microseconds, the median of 201, of all of 5.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "http/wiring.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"
#include "store/sqlite_store.hpp"

namespace {

using namespace muster;

const TimePoint now = std::chrono::system_clock::now();

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "commit-cost: {}\n", result.error().message);
  std::exit(1);
}

double median_of(int runs, Store& store, const std::function<Transaction(int)>& make) {
  std::vector<double> times;
  for (int run = 0; run < runs; ++run) {
    const Transaction transaction = make(run);
    const auto began = std::chrono::steady_clock::now();
    must(store.commit(transaction));
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    times.push_back(took.count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

std::string node(int number) {
  return fmt::format("n{}", number);
}

// A document of the size that a worker's has.
void put_document(int number, std::uint64_t generation, Transaction& transaction) {
  const std::string envelope = fmt::format("{{\"payload\":\"{}\"}}", std::string(6000, 'x'));
  transaction.put(kinds::document, "lab/" + node(number),
                  to_json(PublishedDocument{"sha256:0", fmt::format("sha256:{}", generation),
                                            envelope, generation}));
}

void put_cluster(std::uint64_t number, Transaction& transaction) {
  ClusterRecord record;
  record.name = "lab";
  record.revision_number = number;
  record.inventory = "sha256:0";
  transaction.put(kinds::cluster, "lab", to_json(record));
}

Transaction a_report(const MachineReports& reports, int number, int run) {
  Report report;
  report.machine_id = report.boot_id = "b0a4cba5d6ad4ff1a8b8f46e6cc1ba4c";
  report.counter = static_cast<std::uint64_t>(run);
  report.verdict = Verdict::converged;
  Transaction transaction;
  reports.write({"lab", node(number)}, report, now, transaction);
  return transaction.put(kinds::machine, "lab/" + node(number), "{}");
}

Transaction a_publication(int number, std::uint64_t generation) {
  Transaction transaction;
  put_document(number, generation, transaction);
  put_cluster(generation, transaction);
  return transaction;
}

void fill(Store& store, int machines) {
  Transaction transaction;
  put_cluster(1, transaction);
  Revision revision;
  revision.cluster = "lab";
  revision.number = 1;
  revision.files["site.yaml"] =
      "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
      "  kubernetesVersion: 1.36.3\n  podCidr: 10.64.0.0/12\n  serviceCidr: 10.96.0.0/16\n"
      "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: m1}\n"
      "spec: {cluster: lab, role: master, address: 10.77.0.11}\n";
  transaction.put(kinds::revision, kinds::revision_key("lab", 1), to_json(revision));
  transaction.put(kinds::peers, "lab", to_json(PublishedDocument{"sha256:0", "sha256:1", "{}", 1}));
  for (int i = 0; i < machines; ++i) put_document(i, 1, transaction);
  must(store.commit(transaction));
}

void measure(const std::string& folder, int machines) {
  const std::string path = fmt::format("{}/commit-cost-{}.db", folder, machines);
  auto database = must(SqliteStore::open(path, SqliteStore::OpenMode::create_if_missing));
  fill(*database, machines);
  const auto print = [&](const char* what, int runs, const std::function<Transaction(int)>& make) {
    // Alone first: there is no watch yet, so that nothing is kept for one.
    const double alone = median_of(runs, *database, make);
    Quarantine quarantine;
    CurrentDocuments current(quarantine);
    InventoryView inventory(quarantine);
    MachineReports reports;
    ClusterEnds ends(quarantine);
    Members members(quarantine);
    CallerCache callers;
    Views views(*database, {&current, &inventory, &reports, &ends, &members, &callers});
    if (auto loaded = views.load(); !loaded) {
      fmt::print(stderr, "commit-cost: {}\n", loaded.error().message);
      std::exit(1);
    }
    ViewedStore store(*database, views);
    const double viewed = median_of(runs, store, make);
    fmt::print("{:6} machines, {:11}: alone {:7.0f} us, with views {:7.0f} us, ratio {:.2f}\n",
               machines, what, alone, viewed, viewed / alone);
  };
  const MachineReports reports;
  print("report", 201, [&](int run) { return a_report(reports, run % machines, run); });
  print("publication", 201, [&](int run) {
    return a_publication(run % machines, static_cast<std::uint64_t>(run) + 2);
  });
  print("of all", 5, [&](int run) {
    Transaction transaction;
    const auto generation = static_cast<std::uint64_t>(run) + 1000;
    for (int i = 0; i < machines; ++i) put_document(i, generation, transaction);
    put_cluster(generation, transaction);
    return transaction;
  });
  database.reset();
  for (const char* end : {"", "-wal"}) std::filesystem::remove(path + end);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    fmt::print(stderr, "usage: commit-cost DIR\n");
    return 2;
  }
  for (const int machines : {100, 10000}) measure(words[1], machines);
}
