// SPDX-License-Identifier: Apache-2.0
// The JSON form of layouts: docs/formats/layouts.md.
#include "formats/layouts/layout_reader.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <limits>

#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>

#include "formats/base/field.hpp"

namespace vmstate {
namespace {

namespace json = boost::json;

constexpr std::string_view msix_name = "(msix)";
constexpr std::uint64_t largest_count = std::uint64_t{1} << 32;

// Where something is wrong in a file: unwinds to read_layout_file(), nothing else sees it.
struct Complaint {
  std::string text;
};

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(' ');
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(' ') - from + 1);
}

// One JSON object whose keys are all known.
class Object {
 public:
  Object(const json::value& value, std::string where, std::initializer_list<std::string_view> known)
      : where_(std::move(where)) {
    if (!value.is_object()) fail("must be an object");
    object_ = &value.get_object();
    for (const auto& member : *object_)
      if (std::ranges::find(known, std::string_view(member.key())) == known.end())
        fail("unknown key " + quoted(std::string_view(member.key())));
  }

  [[noreturn]] void fail(const std::string& what) const { throw Complaint{where_ + ": " + what}; }
  const std::string& where() const { return where_; }
  const json::value* find(std::string_view key) const { return object_->if_contains(key); }

  std::string text(std::string_view key) const {
    const json::value* value = find(key);
    if (value == nullptr) fail("lacks " + quoted(key));
    if (!value->is_string() || value->get_string().empty()) fail(quoted(key) + " must be a text");
    return std::string(value->get_string());
  }
  std::string text_or(std::string_view key, std::string otherwise) const {
    return find(key) == nullptr ? std::move(otherwise) : text(key);
  }
  bool flag(std::string_view key) const {
    const json::value* value = find(key);
    if (value == nullptr) return false;
    if (!value->is_bool()) fail(quoted(key) + " must be true or false");
    return value->get_bool();
  }
  std::uint64_t number(const json::value& value, std::string_view key, std::uint64_t most) const {
    std::uint64_t got = 0;
    if (value.is_uint64())
      got = value.get_uint64();
    else if (value.is_int64() && value.get_int64() >= 0)
      got = static_cast<std::uint64_t>(value.get_int64());
    else
      fail(quoted(key) + " must be a number that is not negative");
    if (got > most) fail(quoted(key) + " is larger than " + std::to_string(most));
    return got;
  }
  std::optional<std::uint32_t> number_if(std::string_view key) const {
    const json::value* value = find(key);
    if (value == nullptr) return std::nullopt;
    return static_cast<std::uint32_t>(number(*value, key, std::numeric_limits<std::uint32_t>::max()));
  }
  std::vector<std::string> texts(std::string_view key) const {
    std::vector<std::string> all;
    for (const json::value& value : array(key)) {
      if (!value.is_string() || value.get_string().empty()) fail(quoted(key) + " must hold texts");
      all.emplace_back(value.get_string());
    }
    return all;
  }
  const json::array& array(std::string_view key) const {
    static const json::array none;
    const json::value* value = find(key);
    if (value == nullptr) return none;
    if (!value->is_array()) fail(quoted(key) + " must be a list");
    return value->get_array();
  }

 private:
  std::string where_;
  const json::object* object_ = nullptr;
};

// The fields of one layout.
class FieldReader {
 public:
  FieldReader(LayoutDraft& draft, std::string where) : draft_(draft), where_(std::move(where)) {}

  void read(const json::value& value) {
    const Object object(value, where_ + ", field " + std::to_string(fields().size()),
                        {"name", "type", "struct", "embedded", "list", "size", "count", "since", "until", "if"});
    const std::string name = object.text("name");
    const Object named(value, where_ + ", field " + quoted(name),
                       {"name", "type", "struct", "embedded", "list", "size", "count", "since", "until", "if"});
    LayoutField field;
    field.name = name;
    std::string body = read_form(named, field);
    read_extent(named, field);
    field.since = named.number_if("since");
    field.until = named.number_if("until");
    if (field.since && field.until && *field.since > *field.until) named.fail("'since' is behind 'until'");
    if (named.find("if") != nullptr) read_conditions(named, named.text("if"), field);
    fields().push_back(std::move(field));
    draft_.field_bodies.push_back(std::move(body));
  }

 private:
  std::vector<LayoutField>& fields() { return draft_.layout.fields; }

  static std::string read_form(const Object& object, LayoutField& field) {
    using Form = LayoutField::Form;
    constexpr std::pair<std::string_view, Form> forms[] = {
        {"type", Form::value}, {"struct", Form::structure}, {"embedded", Form::embedded}, {"list", Form::list}};
    std::string text;
    for (const auto& [key, form] : forms) {
      if (object.find(key) == nullptr) continue;
      if (!text.empty()) object.fail("has more than one of 'type', 'struct', 'embedded' and 'list'");
      text = object.text(key);
      field.form = form;
    }
    if (text.empty()) object.fail("lacks 'type', 'struct', 'embedded' or 'list'");
    field.type = field.form == Form::value ? text : "struct";
    return field.form == Form::value ? std::string() : text;
  }

  void read_extent(const Object& object, LayoutField& field) {
    const json::value* size = object.find("size");
    const json::value* count = object.find("count");
    if (field.form == LayoutField::Form::value) {
      field.element_size = scalar_size(field.type);
      if (field.element_size > 0 && size != nullptr) object.fail("type " + quoted(field.type) + " has a size of its own");
      if (field.element_size == 0) read_size(object, size, field);
    } else if (size != nullptr) {
      object.fail("'size' belongs to values only");
    }
    if (count == nullptr) return;
    if (field.form == LayoutField::Form::list) object.fail("a list ends by itself: no 'count'");
    if (field.sized) object.fail("cannot have both a 'count' and a 'size' that is not fixed");
    field.array = true;
    field.count = read_count(object, *count, "count", field);
  }

  void read_size(const Object& object, const json::value* size, LayoutField& field) {
    if (size == nullptr) object.fail("lacks 'size', and type " + quoted(field.type) + " has none of its own");
    if (size->is_number()) {
      field.element_size = object.number(*size, "size", largest_count);
      return;
    }
    field.element_size = 1;
    field.sized = true;
    field.count = read_count(object, *size, "size", field);
  }

  LayoutCount read_count(const Object& object, const json::value& value, std::string_view key, const LayoutField& field) {
    LayoutCount count;
    if (value.is_number()) {
      count.fixed = object.number(value, key, largest_count);
      return count;
    }
    if (value.is_string()) {
      count.number = refer(object, std::string_view(value.get_string()));
      return count;
    }
    const Object parts(value, object.where() + ", " + quoted(key), {"field", "times", "plus", "divide"});
    count.number = refer(parts, parts.text("field"));
    count.times = parts.number_if("times").value_or(1);
    count.plus = parts.number_if("plus").value_or(0);
    count.divide = parts.number_if("divide").value_or(1);
    if (count.divide == 0) parts.fail("'divide' is zero");
    (void)field;
    return count;
  }

  // The nearest earlier field of that name.
  LayoutNumber refer(const Object& object, std::string_view name) {
    LayoutNumber number;
    number.name = std::string(name);
    if (name == msix_name) return number;
    const auto found = std::find_if(fields().rbegin(), fields().rend(), [&](const LayoutField& f) { return f.name == name; });
    if (found == fields().rend()) object.fail("refers to " + quoted(name) + ", which is no earlier field");
    if (found->form != LayoutField::Form::value || scalar_size(found->type) == 0 || found->array)
      object.fail("refers to " + quoted(name) + ", which is no single number");
    number.field = static_cast<std::uint32_t>(fields().rend() - found - 1);
    for (LayoutField& earlier : fields()) earlier.named_later = earlier.named_later || earlier.name == name;
    return number;
  }

  // "a == 1 && b & 4 != 0"
  void read_conditions(const Object& object, std::string_view text, LayoutField& field) {
    while (true) {
      const auto end = text.find("&&");
      field.conditions.push_back(read_condition(object, text.substr(0, end)));
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 2);
    }
  }

  LayoutCondition read_condition(const Object& object, std::string_view text) {
    using Test = LayoutCondition::Test;
    // Longer signs first: "<" also begins "<=".
    constexpr std::pair<std::string_view, Test> signs[] = {{"==", Test::equal},        {"!=", Test::not_equal},
                                                           {"<=", Test::less_equal},   {">=", Test::greater_equal},
                                                           {"<", Test::less},          {">", Test::greater}};
    for (const auto& [sign, test] : signs) {
      const auto at = text.find(sign);
      if (at == std::string_view::npos) continue;
      LayoutCondition condition;
      condition.test = test;
      condition.value = parse<std::int64_t>(object, text.substr(at + sign.size()));
      std::string_view left = text.substr(0, at);
      if (const auto mask = left.rfind(" & "); mask != std::string_view::npos) {
        condition.mask = parse<std::uint64_t>(object, left.substr(mask + 3));
        left = left.substr(0, mask);
      }
      condition.number = refer(object, trimmed(left));
      return condition;
    }
    object.fail("'if' wants NAME, a comparison and a number, not " + quoted(trimmed(text)));
  }

  template <class Number>
  static Number parse(const Object& object, std::string_view text) {
    text = trimmed(text);
    std::string_view digits = text;
    const bool hex = digits.starts_with("0x");
    if (hex) digits.remove_prefix(2);
    Number number{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.empty())
      object.fail(quoted(text) + " is no number");
    return number;
  }

  LayoutDraft& draft_;
  std::string where_;
};

LayoutDraft read_layout(const json::value& value, std::size_t number, const std::string& file) {
  const auto known = {std::string_view("name"), std::string_view("id"), std::string_view("sections"),
                      std::string_view("releases"), std::string_view("version"), std::string_view("minimum"),
                      std::string_view("fields"), std::string_view("subsections"), std::string_view("comment")};
  const Object numbered(value, "layout " + std::to_string(number), known);
  const std::string name = numbered.text("name");
  const Object object(value, "layout " + quoted(numbered.text_or("id", name)), known);
  LayoutDraft draft;
  Layout& layout = draft.layout;
  layout.name = name;
  layout.id = object.text_or("id", name);
  layout.source = file;
  layout.sections = object.find("sections") != nullptr ? object.texts("sections") : std::vector<std::string>{name};
  layout.releases = object.texts("releases");
  if (object.find("version") == nullptr) object.fail("lacks 'version'");
  layout.version = *object.number_if("version");
  layout.minimum = object.number_if("minimum").value_or(layout.version);
  if (layout.minimum > layout.version) object.fail("'minimum' is above 'version'");
  if (object.find("fields") == nullptr) object.fail("lacks 'fields'");
  FieldReader fields(draft, object.where());
  for (const json::value& field : object.array("fields")) fields.read(field);
  draft.subsection_ids = object.texts("subsections");
  return draft;
}

// The document, or a complaint with the line where it stops being JSON.
json::value parse_document(std::string_view text) {
  json::stream_parser parser;
  boost::system::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error) {
    const bool rest = text.find_first_not_of(" \t\r\n", used) != std::string_view::npos;
    if (!rest) parser.finish(error);
    if (rest) error = json::error::extra_data;
  }
  if (error) {
    const auto line = 1 + std::ranges::count(text.substr(0, used), '\n');
    throw Complaint{"line " + std::to_string(line) + ": no JSON: " + error.message()};
  }
  return parser.release();
}

}  // namespace

Result<std::vector<LayoutDraft>> read_layout_file(const LayoutFile& file) {
  try {
    const json::value document = parse_document(file.text);
    const Object object(document, "top level", {"layouts", "made_by", "comment"});
    if (object.find("layouts") == nullptr) object.fail("lacks 'layouts'");
    std::vector<LayoutDraft> drafts;
    for (const json::value& layout : object.array("layouts")) drafts.push_back(read_layout(layout, drafts.size(), file.name));
    return drafts;
  } catch (const Complaint& complaint) {
    return refused(file.name + ": " + complaint.text);
  }
}

}  // namespace vmstate
