#include "inventory/image_definition.hpp"

#include <fmt/format.h>

#include <set>

#include "document/problem.hpp"
#include "inventory/load.hpp"
#include "inventory/schema_tree.hpp"
#include "inventory/validate_fields.hpp"
#include "inventory/yaml_reader.hpp"

namespace muster {
namespace {

std::string text_at(const Value& spec, std::string_view field) {
  const Value* value = spec.find(field);
  return value == nullptr ? std::string(default_of(fmt::format("Image.spec.{}", field)))
                          : value->scalar;
}

std::vector<std::string> texts_at(const Value& spec, std::string_view field) {
  std::vector<std::string> texts;
  if (const Value* list = spec.find(field)) {
    for (const Value& item : list->items) texts.push_back(item.scalar);
  }
  return texts;
}

std::string field_of(const Value& object, std::string_view field, std::string_view otherwise = {}) {
  const Value* value = object.find(field);
  return value == nullptr ? std::string(otherwise) : value->scalar;
}

void refuse_twice(const Value& spec, std::vector<InventoryProblem>& problems) {
  const Value* files = spec.find("files");
  if (files == nullptr) return;
  std::set<std::string> paths;
  for (std::size_t i = 0; i < files->items.size(); ++i) {
    const Value* path = files->items[i].find("path");
    if (path == nullptr || paths.insert(path->scalar).second) continue;
    problems.push_back(problem_at(path->place, fmt::format("spec.files[{}].path", i),
                                  "a path that no file before it has", in_ticks(path->scalar)));
  }
}

ImageDefinition to_definition(const Value& document) {
  static const Value nothing;
  const Value* written = document.find("spec");
  const Value& spec = written == nullptr ? nothing : *written;
  ImageDefinition image;
  if (const Value* name = document.find_path("metadata.name")) image.name = name->scalar;
  image.suite = text_at(spec, "suite");
  image.kernel = text_at(spec, "kernel");
  image.kernel_arguments = texts_at(spec, "kernelArguments");
  image.packages = texts_at(spec, "packages");
  if (const Value* releases = spec.find("releases")) {
    for (const auto& [name, version] : releases->fields) {
      image.releases[name] = {version.scalar, version.place};
    }
  }
  if (const Value* files = spec.find("files")) {
    for (const Value& file : files->items) {
      image.files.push_back(
          {field_of(file, "path"), field_of(file, "mode", "0644"), field_of(file, "content")});
    }
  }
  return image;
}

}  // namespace

Checked<ImageDefinition> read_image_definition(const std::string& file, const std::string& text) {
  std::vector<InventoryProblem> problems;
  const Place whole{std::make_shared<const std::string>(escaped(file)), 0, 0};
  if (text.size() > maximum_inventory_file) {
    problems.push_back(problem_at(whole, "",
                                  fmt::format("at most {} bytes", maximum_inventory_file),
                                  fmt::format("{}", text.size())));
    return tl::unexpected(std::move(problems));
  }
  std::size_t values_left = maximum_inventory_values;
  YamlFile read = read_yaml(file, text, values_left);
  problems = std::move(read.problems);
  if (read.complete && read.documents.size() != 1) {
    const Place& place = read.documents.empty() ? whole : read.documents[1].place;
    problems.push_back(problem_at(place, "", "one object of kind Image",
                                  fmt::format("{} objects", read.documents.size())));
  }
  for (Value& document : read.documents) {
    validate_fields(document, *schema_of("Image"), "", problems);
    if (const Value* spec = document.find("spec")) refuse_twice(*spec, problems);
  }
  if (problems.empty()) return to_definition(read.documents.front());
  sort_by_place(problems);
  return tl::unexpected(std::move(problems));
}

}  // namespace muster
