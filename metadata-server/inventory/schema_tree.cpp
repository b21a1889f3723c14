#include "inventory/schema_tree.hpp"

#include <deque>

namespace muster {

namespace {

// Owns the nodes; the links between them are plain pointers into the deque.
class SchemaTree {
 public:
  SchemaTree() {
    for (const Field& field : field_table()) place(field);
    const SchemaNode& settings = *roots_.at("Settings");
    for (const std::string_view path :
         {"Profile.spec", "Node.spec.overrides", "NodePool.spec.overrides"})
      by_path_.at(std::string(path))->children = settings.children;
  }
  [[nodiscard]] const SchemaNode* root(std::string_view kind) const {
    const auto found = roots_.find(kind);
    return found == roots_.end() ? nullptr : found->second;
  }
  [[nodiscard]] const SchemaNode* at(std::string_view path) const {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : found->second;
  }

 private:
  SchemaNode& make(const Field* field) {
    nodes_.push_back({});
    nodes_.back().field = field;
    return nodes_.back();
  }

  // A parent stands before its children in the table.
  void place(const Field& field) {
    SchemaNode& node = make(&field);
    const std::string path(field.path);
    by_path_[path] = &node;
    if (path.ends_with("[]")) {
      by_path_.at(path.substr(0, path.size() - 2))->item = &node;
      return;
    }
    const std::size_t dot = path.rfind('.');
    const std::string parent = path.substr(0, dot), name = path.substr(dot + 1);
    SchemaNode& above =
        parent.find('.') == std::string::npos ? kind_root(parent) : *by_path_.at(parent);
    if (name == "*")
      above.map_value = &node;
    else
      above.children.emplace_back(name, &node);
  }

  SchemaNode& kind_root(const std::string& kind) {
    const auto found = roots_.find(kind);
    if (found != roots_.end()) return *found->second;
    SchemaNode& node = make(nullptr);
    roots_[kind] = &node;
    return node;
  }

  std::deque<SchemaNode> nodes_;
  std::map<std::string, SchemaNode*, std::less<>> roots_, by_path_;
};

const SchemaTree& tree() {
  static const SchemaTree made;
  return made;
}

}  // namespace

const SchemaNode* SchemaNode::child(std::string_view name) const {
  for (const auto& [child_name, node] : children) {
    if (child_name == name) return node;
  }
  return nullptr;
}

std::vector<std::string_view> SchemaNode::child_names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, node] : children) names.push_back(name);
  return names;
}

const SchemaNode* schema_of(std::string_view kind) {
  return tree().root(kind);
}

const std::vector<std::string_view>& kinds() {
  static const std::vector<std::string_view> names{"Cluster", "Profile", "Node", "NodePool"};
  return names;
}

std::string_view default_of(std::string_view path) {
  const SchemaNode* node = tree().at(path);
  return node == nullptr ? std::string_view() : node->field->default_text;
}

}  // namespace muster
