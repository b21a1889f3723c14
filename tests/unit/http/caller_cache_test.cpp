#include "http/caller_cache.hpp"

#include <doctest/doctest.h>

#include "enrolment/machine.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"

using namespace muster;

namespace {

Caller machine(const std::string& name) {
  Caller caller;
  caller.node = {"lab", name};
  return caller;
}

Caller person(const std::string& name) {
  Caller caller;
  caller.kind = Caller::Kind::person;
  caller.name = name;
  return caller;
}

struct Watched {
  MemoryStore memory;
  CallerCache cache;
  Views views{memory, {&cache}};
  ViewedStore store{memory, views};
  Watched() {
    REQUIRE(views.load());
    cache.put("certificate of n1", machine("n1"), cache.changes());
    cache.put("certificate of n2", machine("n2"), cache.changes());
    cache.put("certificate of anna", person("anna"), cache.changes());
  }
  [[nodiscard]] std::string known() {
    std::string names;
    for (const char* name : {"n1", "n2", "anna"}) {
      if (cache.find(std::string("certificate of ") + name)) names += std::string(name) + " ";
    }
    return names;
  }
  void put(std::string_view kind, std::string_view key, const std::string& value = "{}") {
    Transaction transaction;
    transaction.put(kind, key, value);
    REQUIRE(store.commit(transaction));
  }
};

}  // namespace

TEST_CASE("a commit forgets the machines and operators that it touches, and no others") {
  Watched watched;
  CHECK(watched.known() == "n1 n2 anna ");
  watched.put(kinds::report, "lab/n1");
  watched.put(kinds::document, "lab/n1");
  watched.put(kinds::machine, "lab/n3");
  watched.put(kinds::machine, "other/n1");
  CHECK(watched.known() == "n1 n2 anna ");
  watched.put(kinds::machine, "lab/n1");
  CHECK(watched.known() == "n2 anna ");
  watched.put(kinds::operator_record, "anna");
  CHECK(watched.known() == "n2 ");
  Transaction removal;
  removal.remove(kinds::machine, "lab/n2");
  REQUIRE(watched.store.commit(removal));
  CHECK(watched.known().empty());
}

TEST_CASE(
    "an answer that a change of this caller overtook is not kept; another's change is nothing") {
  Watched watched;
  const std::uint64_t before = watched.cache.changes();
  watched.put(kinds::machine, "lab/n1");
  watched.cache.put("certificate of n1", machine("n1"), before);
  watched.cache.put("certificate of n2", machine("n2"), before);
  CHECK(watched.known() == "n2 anna ");
  watched.cache.put("certificate of n1", machine("n1"), watched.cache.changes());
  CHECK(watched.known() == "n1 n2 anna ");
}

TEST_CASE("every certificate of a machine is forgotten with it") {
  Watched watched;
  watched.cache.put("next certificate of n1", machine("n1"), watched.cache.changes());
  watched.put(kinds::machine, "lab/n1");
  CHECK_FALSE(watched.cache.find("next certificate of n1"));
  CHECK_FALSE(watched.cache.find("certificate of n1"));
}

TEST_CASE("whose turn it is goes by who it was, until it was looked up and is nobody") {
  Watched watched;
  MachineRecord n1;
  n1.cluster = "lab";
  n1.node = "n1";
  watched.put(kinds::machine, "lab/n1", to_json(n1));
  CHECK_FALSE(watched.cache.find("certificate of n1"));
  CHECK(watched.cache.last_known("certificate of n1")->node.node == "n1");
  watched.put(kinds::ban, "lab/n1");
  CHECK_FALSE(watched.cache.find("certificate of n1"));
  // Nor when it changed once more.
  watched.put(kinds::machine, "lab/n1", to_json(n1));
  CHECK_FALSE(watched.cache.last_known("certificate of n1"));
  Transaction unbanned;
  unbanned.remove(kinds::ban, "lab/n1");
  REQUIRE(watched.store.commit(unbanned));
  CHECK(watched.cache.last_known("certificate of n1"));
  watched.cache.forget_certificate("certificate of n1");
  CHECK_FALSE(watched.cache.last_known("certificate of n1"));
  watched.put(kinds::operator_record, "anna");
  CHECK_FALSE(watched.cache.last_known("certificate of anna"));
}

TEST_CASE("a commit that was refused forgets nobody") {
  Watched watched;
  Transaction transaction;
  transaction.expect(kinds::machine, "lab/n1", 7).put(kinds::machine, "lab/n1", "{}");
  CHECK_FALSE(watched.store.commit(transaction));
  CHECK(watched.known() == "n1 n2 anna ");
}

TEST_CASE("what the cache forgets of its changes makes it distrust what it knew, not trust it") {
  CallerCache cache(3);
  cache.put("1", machine("n1"), cache.changes());
  const std::uint64_t before = cache.changes();
  Commit commit;
  for (const char* name : {"a", "b", "c", "d"})
    commit.changes.push_back({"machine", std::string("lab/") + name, "{}"});
  REQUIRE(cache.follow(commit));
  CHECK_FALSE(cache.find("1"));
  cache.put("1", machine("n1"), before);
  CHECK_FALSE(cache.find("1"));
  cache.put("1", machine("n1"), cache.changes());
  CHECK(cache.find("1"));
}

TEST_CASE("a view that lists anew forgets everybody, and what was read before") {
  Watched watched;
  const std::uint64_t before = watched.cache.changes();
  REQUIRE(watched.views.load());
  CHECK(watched.known().empty());
  watched.cache.put("certificate of n1", machine("n1"), before);
  CHECK(watched.known().empty());
}
