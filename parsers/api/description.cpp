// SPDX-License-Identifier: Apache-2.0
#include "parsers/api/description.hpp"

#include <limits>

#include <boost/json/basic_parser_impl.hpp>

namespace vmstate {
namespace {

std::string device_key(std::string_view name, std::uint32_t instance) {
  return std::to_string(instance) + "/" + std::string(name);
}

}  // namespace

// Receives the JSON as callbacks and builds nodes. Keys may come in any order, unknown ones are passed over, a repeated
// "fields" is noticed: a map of keys would lose that.
class DescriptionBuilder {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = 4096;
  static constexpr std::size_t max_string_size = 4096;

  DescriptionBuilder(VmDescription& out, const Limits& limits) : out_(out), limits_(limits) {}

  using error_code = boost::json::error_code;
  using view = boost::json::string_view;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code& ec) {
    const Frame parent = top();
    Frame frame{Role::ignored, VmDescription::none, Key::other};
    if (stack_.empty()) {
      frame.role = Role::root;
    } else if (parent.role == Role::device_list || parent.role == Role::field_list ||
               parent.role == Role::subsection_list) {
      if (out_.nodes_.size() >= limits_.description_fields) {
        out_.too_large_ = true;
        ec = boost::json::make_error_code(boost::json::error::array_too_large);
        return false;
      }
      frame.role = Role::node;
      frame.node = static_cast<VmDescription::NodeId>(out_.nodes_.size());
      out_.nodes_.emplace_back();
    } else if (parent.role == Role::node && parent.key == Key::structure) {
      frame.role = Role::body;
      frame.node = parent.node;
      out_.nodes_[parent.node].has_body = true;
    }
    stack_.push_back(frame);
    return true;
  }

  bool on_object_end(std::size_t, error_code&) {
    const Frame done = stack_.back();
    stack_.pop_back();
    if (done.role == Role::node) attach(done.node);
    return true;
  }

  bool on_array_begin(error_code&) {
    const Frame parent = top();
    Frame frame{Role::ignored, parent.node, Key::other};
    const bool in_node = parent.role == Role::node || parent.role == Role::body;
    if (parent.role == Role::root && parent.key == Key::devices) {
      frame.role = Role::device_list;
      out_.has_devices_ = true;
    } else if (in_node && parent.key == Key::fields) {
      frame.role = Role::field_list;
      auto& node = out_.nodes_[parent.node];
      node.repeated = node.repeated || node.has_fields;
      node.has_fields = true;
      node.has_body = true;
    } else if (in_node && parent.key == Key::subsections) {
      frame.role = Role::subsection_list;
      out_.nodes_[parent.node].has_body = true;
    }
    stack_.push_back(frame);
    return true;
  }
  bool on_array_end(std::size_t, error_code&) {
    stack_.pop_back();
    return true;
  }

  bool on_key_part(view part, std::size_t, error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(view last, std::size_t, error_code&) {
    text_.append(last.data(), last.size());
    if (!stack_.empty()) stack_.back().key = key_of(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(view part, std::size_t, error_code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(view last, std::size_t, error_code&) {
    text_.append(last.data(), last.size());
    set_text();
    text_.clear();
    return true;
  }
  bool on_number_part(view, error_code&) { return true; }
  bool on_int64(std::int64_t value, view, error_code&) {
    set_number(value < 0 ? 0 : static_cast<std::uint64_t>(value));
    return true;
  }
  bool on_uint64(std::uint64_t value, view, error_code&) {
    set_number(value);
    return true;
  }
  bool on_double(double, view, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(view, error_code&) { return true; }
  bool on_comment(view, error_code&) { return true; }

 private:
  enum class Role : std::uint8_t { root, device_list, field_list, subsection_list, node, body, ignored };
  enum class Key : std::uint8_t {
    other, name, instance, description, version, size, fields, subsections, type, array_length, index, structure,
    page_size, devices
  };
  struct Frame {
    Role role;
    VmDescription::NodeId node;
    Key key;
  };

  static Key key_of(std::string_view key) {
    if (key == "name") return Key::name;
    if (key == "type") return Key::type;
    if (key == "size") return Key::size;
    if (key == "fields") return Key::fields;
    if (key == "struct") return Key::structure;
    if (key == "vmsd_name") return Key::description;
    if (key == "version") return Key::version;
    if (key == "array_len") return Key::array_length;
    if (key == "index") return Key::index;
    if (key == "subsections") return Key::subsections;
    if (key == "instance_id") return Key::instance;
    if (key == "page_size") return Key::page_size;
    if (key == "devices") return Key::devices;
    return Key::other;
  }

  Frame top() const { return stack_.empty() ? Frame{Role::ignored, VmDescription::none, Key::other} : stack_.back(); }
  VmDescription::Node* current() {
    const Frame frame = top();
    return frame.role == Role::node || frame.role == Role::body ? &out_.nodes_[frame.node] : nullptr;
  }

  std::uint32_t intern(const std::string& text) {
    const auto [it, added] = out_.text_ids_.try_emplace(text, static_cast<std::uint32_t>(out_.texts_.size()));
    if (added) out_.texts_.push_back(text);
    return it->second;
  }

  void set_text() {
    VmDescription::Node* node = current();
    if (node == nullptr) return;
    switch (stack_.back().key) {
      case Key::name: node->name = intern(text_); break;
      case Key::type: node->type = intern(text_); break;
      case Key::description: node->description = intern(text_); break;
      default: break;
    }
  }

  void set_number(std::uint64_t value) {
    const Frame frame = top();
    if (frame.role == Role::root && frame.key == Key::page_size) out_.page_size_ = value;
    VmDescription::Node* node = current();
    if (node == nullptr) return;
    const auto narrow = static_cast<std::uint32_t>(std::min<std::uint64_t>(value, 0xffffffffu));
    switch (frame.key) {
      case Key::instance: node->instance = narrow; break;
      case Key::version:
        node->version = narrow;
        node->has_version = true;
        break;
      case Key::array_length: node->array_length = narrow; break;
      case Key::index: node->index = narrow; break;
      case Key::size:
        node->size = value;
        node->has_size = true;
        break;
      default: break;
    }
  }

  // A finished node becomes a device, or the last child of the list it stands in.
  void attach(VmDescription::NodeId id) {
    const Frame list = top();
    auto& node = out_.nodes_[id];
    node.body_bytes = out_.sum_of_parts(node);
    node.body_elements = out_.count_struct_elements(node);
    if (list.role == Role::device_list) {
      const std::string& name = out_.text(node.name);
      out_.by_name_[device_key(name, node.instance)].push_back(out_.devices_.size());
      out_.device_names_.insert(name);
      const auto version = node.has_version ? std::optional(node.version) : std::nullopt;
      out_.devices_.push_back({name, node.instance, version, out_.body_size(id), out_.has_writer_defect(id)});
      out_.device_nodes_.push_back(id);
      return;
    }
    auto& parent = out_.nodes_[list.node];
    const bool field = list.role == Role::field_list;
    auto& first = field ? parent.first_field : parent.first_subsection;
    auto& last = field ? parent.last_field : parent.last_subsection;
    if (last == VmDescription::none)
      first = id;
    else
      out_.nodes_[last].next = id;
    last = id;
  }

  VmDescription& out_;
  const Limits& limits_;
  std::vector<Frame> stack_;
  std::string text_;
};

VmDescription VmDescription::parse(Bytes text, const Limits& limits) {
  VmDescription out;
  boost::json::parse_options options;
  options.max_depth = limits.nesting * 4;  // each struct level is an object, a list and a field
  options.allow_invalid_utf8 = true;
  boost::json::basic_parser<DescriptionBuilder> parser(options, out, limits);
  boost::json::error_code error;
  const std::string_view chars = as_text(text);
  // "more" lets the parser stop right behind the value, whatever follows.
  out.text_size_ = parser.write_some(true, chars.data(), chars.size(), error);
  if (error || !parser.done()) {
    if (!out.too_large_) out.error_offset_ = out.text_size_;
  }
  return out;
}

std::optional<std::size_t> VmDescription::find(std::string_view name, std::uint32_t instance,
                                               std::size_t occurrence) const {
  const auto it = by_name_.find(device_key(name, instance));
  if (it == by_name_.end() || it->second.empty()) return std::nullopt;
  return it->second[std::min(occurrence, it->second.size() - 1)];
}

std::uint64_t VmDescription::sum_of_parts(const Node& node) const {
  constexpr std::uint64_t type_length_version = 1 + 1 + 4;
  std::uint64_t sum = 0;
  for (NodeId field = node.first_field; field != none; field = nodes_[field].next)
    sum = saturating_add(sum, saturating_multiply(nodes_[field].size, nodes_[field].array_length));
  for (NodeId part = node.first_subsection; part != none; part = nodes_[part].next)
    sum = saturating_add(sum, saturating_add(type_length_version + text(nodes_[part].description).size(), nodes_[part].body_bytes));
  return sum;
}

bool VmDescription::is_struct_element(const Node& field) const {
  const std::string& type = text(field.type);
  return is_nested(field) && (type == "struct" || type == "vstruct");
}

std::uint64_t VmDescription::count_struct_elements(const Node& node) const {
  std::uint64_t count = 0;
  for (NodeId field = node.first_field; field != none; field = nodes_[field].next) {
    const Node& inner = nodes_[field];
    if (!is_nested(inner)) continue;
    const std::uint64_t in_one = saturating_add(inner.body_elements, is_struct_element(inner) ? 1 : 0);
    count = saturating_add(count, saturating_multiply(in_one, credible_elements(inner)));
  }
  for (NodeId part = node.first_subsection; part != none; part = nodes_[part].next)
    count = saturating_add(count, nodes_[part].body_elements);
  return count;
}

bool VmDescription::has_writer_defect(NodeId id) const {
  const Node& node = nodes_[id];
  for (NodeId field = node.first_field; field != none; field = nodes_[field].next) {
    const Node& inner = nodes_[field];
    if (inner.has_body && !inner.has_fields && inner.array_length > 1) return true;
    if (inner.has_body && has_writer_defect(field)) return true;
  }
  for (NodeId part = node.first_subsection; part != none; part = nodes_[part].next)
    if (has_writer_defect(part)) return true;
  return false;
}

}  // namespace vmstate
