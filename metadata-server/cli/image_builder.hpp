// Runs the program that builds images of one kind (images/KIND/build). What it says while it works
// goes to the person's terminal as it is.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "result/result.hpp"

namespace muster {

class ImageBuilder {
 public:
  explicit ImageBuilder(std::string program) : program_(std::move(program)) {}

  // What decides the bytes beside the plan; quick. io: this machine lacks what its words said.
  [[nodiscard]] Result<nlohmann::json> resolve(const std::string& plan) const;
  // The image and contents.json in the folder `into`. Minutes.
  [[nodiscard]] Result<void> make(const std::string& plan, const std::string& into) const;

 private:
  [[nodiscard]] Result<std::string> run(std::vector<std::string> arguments) const;
  std::string program_;
};

}  // namespace muster
