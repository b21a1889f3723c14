#include "fleet/duties_holder.hpp"

#include <doctest/doctest.h>

#include <list>
#include <optional>

using namespace muster;

namespace {

// Masters m-1 to m-3 and what each says.
class Masters {
 public:
  // `names` nothing: an agent before 0.3.
  Masters& say(const std::string& node, std::optional<std::string> names, bool does_duties = false,
               std::int64_t seen_at = 100) {
    Report& report = reports_.emplace_back();
    report.machine_id = node;
    report.lease_holder = std::move(names);
    if (does_duties) report.duties.emplace();
    words_.push_back({node, &report, seen_at});
    return *this;
  }
  Masters& unheard(const std::string& node) {
    words_.push_back({node, nullptr, 0});
    return *this;
  }
  [[nodiscard]] std::string holder() const {
    const Report* report = report_of_holder(words_);
    return report == nullptr ? "nobody" : report->machine_id;
  }

 private:
  std::list<Report> reports_;
  std::vector<MasterWord> words_;
};

}  // namespace

TEST_CASE("the holder is whom a majority of the masters name, and who says so itself") {
  CHECK(Masters().say("m-1", "m-1", true).holder() == "m-1");
  CHECK(Masters().say("m-1", "m-1", true).say("m-2", "m-1").say("m-3", "").holder() == "m-1");
  CHECK(Masters().say("m-1", "m-1", true).say("m-2", "").say("m-3", "").holder() == "nobody");
  CHECK(Masters().say("m-1", "m-2").say("m-2", "").say("m-3", "m-2").holder() == "nobody");
  CHECK(Masters().holder() == "nobody");
}

TEST_CASE("of two masters both name the holder") {
  CHECK(Masters().say("m-1", "m-1", true).say("m-2", "m-1").holder() == "m-1");
  CHECK(Masters().say("m-1", "m-1", true).say("m-2", "m-2", true).holder() == "nobody");
  CHECK(Masters().say("m-1", "m-1", true).say("m-2", "").holder() == "nobody");
}

TEST_CASE("one master that claims the duties has nobody with it") {
  Masters masters;
  masters.say("m-1", "m-2").say("m-2", "m-2", true).say("m-3", "m-3", true);
  CHECK(masters.holder() == "m-2");
}

TEST_CASE("masters that were never switched on are waited for by nobody") {
  CHECK(Masters().say("m-1", "m-1", true).unheard("m-2").unheard("m-3").holder() == "m-1");
}

TEST_CASE("an agent before 0.3 names itself by doing the duties") {
  CHECK(Masters().say("m-1", std::nullopt, true).say("m-2", std::nullopt).holder() == "m-1");
  CHECK(Masters().say("m-1", std::nullopt).say("m-2", std::nullopt).holder() == "nobody");
  // The holder of before fell silent; its last word still has the duties.
  Masters moved;
  moved.say("m-1", std::nullopt, true, 100).say("m-2", std::nullopt, true, 300);
  CHECK(moved.holder() == "m-2");
}

TEST_CASE("while agents are upgraded, newer masters vouch for the older holder") {
  CHECK(Masters()
            .say("m-1", "m-2")
            .say("m-2", std::nullopt, true)
            .say("m-3", std::nullopt)
            .holder() == "m-2");
  CHECK(Masters().say("m-1", "m-1", true).say("m-2", std::nullopt, true).holder() == "nobody");
}
