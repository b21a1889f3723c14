// The command line of one component, and the environment file that hands it to the component's
// unit.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

// Flags in the order in which they were first set. A value type; thread-safe as such.
class Arguments {
 public:
  Arguments(std::initializer_list<std::pair<std::string, std::string>> flags);
  // `flag` without dashes. A flag that is there keeps its place and gets the new value.
  void set(const std::string& flag, const std::string& value);
  // What the inventory says of this component wins over what Muster says.
  void override_with(const std::map<std::string, std::map<std::string, std::string>>& by_component,
                     const std::string& component);
  // Of a flag whose value is a list: what the inventory says adds to `entries`, it does not replace
  // them. "x", "-x" and "x=1" are of one name, and who names it decides it.
  void keep_entries(const std::string& flag, const std::vector<std::string>& entries);
  // Empty when the flag is not set.
  [[nodiscard]] std::string_view value(std::string_view flag) const;
  [[nodiscard]] std::vector<std::string> words() const;  // "--flag=value"

 private:
  std::vector<std::pair<std::string, std::string>> flags_;
};

// "ARGS=--a=1 --b=2\n": an EnvironmentFile= for ExecStart=... $ARGS. Every byte of every value but
// a line break (which document validation refuses) arrives at the component as it is: quoted for
// both of systemd's passes, the file's own (systemd.exec, EnvironmentFile=) and the splitting of
// $ARGS (systemd.service, "Command lines").
[[nodiscard]] std::string environment_file(const Arguments& arguments,
                                           std::string_view variable = "ARGS");

}  // namespace muster
