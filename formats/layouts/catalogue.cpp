// SPDX-License-Identifier: Apache-2.0
#include "formats/layouts/catalogue.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "formats/layouts/built_in_layouts.hpp"
#include "formats/layouts/layout_reader.hpp"

namespace vmstate {

struct LayoutCatalogue::Contents {
  std::deque<Layout> layouts;  // stable addresses
  std::vector<const Layout*> all;
  std::map<std::string, std::vector<const Layout*>, std::less<>> by_section;
};

namespace {

// Parts inside parts of one layout; real ones have five levels.
constexpr std::size_t most_levels = 32;

// Replaces references by the layouts they mean. Which one an id means depends on the release: a layout becomes as many
// layouts as there are different ways to build it.
class Resolver {
 public:
  Resolver(const std::vector<LayoutDraft>& drafts, std::deque<Layout>& out) : drafts_(drafts), out_(out) {
    for (std::size_t i = 0; i < drafts.size(); ++i) {
      by_id_[drafts[i].layout.id].push_back(i);
      releases_.insert(drafts[i].layout.releases.begin(), drafts[i].layout.releases.end());
    }
    if (releases_.empty()) releases_.insert(std::string());
  }

  // The layouts that draft `i` stands for. None: `complaint()` says why.
  std::vector<const Layout*> resolve(std::size_t i) {
    std::vector<const Layout*> made;
    const auto& own = drafts_[i].layout.releases;
    const std::vector<std::string> releases = own.empty() ? std::vector(releases_.begin(), releases_.end()) : own;
    for (const std::string& release : releases) {
      const Layout* layout = build(i, release);
      if (layout != nullptr && std::ranges::find(made, layout) == made.end()) made.push_back(layout);
      // What a release was seen to write must be whole; what is said by hand only has to fit one of them.
      if (layout == nullptr && (!own.empty() || levels_exceeded_)) return {};
    }
    return made;
  }
  const std::string& complaint() const { return complaint_; }

 private:
  std::optional<std::size_t> find(const std::string& id, const std::string& release) const {
    const auto it = by_id_.find(id);
    if (it == by_id_.end()) return std::nullopt;
    for (const std::size_t i : it->second) {
      const auto& releases = drafts_[i].layout.releases;
      if (releases.empty() || std::ranges::find(releases, release) != releases.end()) return i;
    }
    return std::nullopt;
  }

  const Layout* build(std::size_t i, const std::string& release) {
    if (const auto known = built_.find({i, release}); known != built_.end()) return known->second;
    if (++level_ > most_levels) levels_exceeded_ = true;
    const Layout* made = levels_exceeded_ ? too_deep(i) : build_parts(i, release);
    --level_;
    return built_[{i, release}] = made;
  }

  const Layout* build_parts(std::size_t i, const std::string& release) {
    const LayoutDraft& draft = drafts_[i];
    std::vector<const Layout*> parts;
    for (const std::string& id : draft.field_bodies) {
      if (!id.empty() && !add_part(parts, draft, id, release)) return nullptr;
    }
    for (const std::string& id : draft.subsection_ids)
      if (!add_part(parts, draft, id, release)) return nullptr;
    auto& made = made_[{i, parts}];
    if (made == nullptr) made = make(draft, parts);
    // Of the releases that share a table each has its own parts in it.
    if (!draft.layout.releases.empty()) made->releases.push_back(release);
    return made;
  }

  bool add_part(std::vector<const Layout*>& parts, const LayoutDraft& draft, const std::string& id, const std::string& release) {
    const auto part = find(id, release);
    if (!part) {
      complaint_ = draft.layout.source + ": layout '" + draft.layout.id + "' refers to '" + id + "', which no layout defines" +
                   (release.empty() ? "" : " for " + release);
      return false;
    }
    parts.push_back(build(*part, release));
    return parts.back() != nullptr;
  }

  const Layout* too_deep(std::size_t i) {
    complaint_ = drafts_[i].layout.source + ": layout '" + drafts_[i].layout.id + "' contains itself, or more than " +
                 std::to_string(most_levels) + " levels";
    return nullptr;
  }

  Layout* make(const LayoutDraft& draft, const std::vector<const Layout*>& parts) {
    Layout& layout = out_.emplace_back(draft.layout);
    layout.releases.clear();
    auto part = parts.begin();
    for (std::size_t f = 0; f < layout.fields.size(); ++f)
      if (!draft.field_bodies[f].empty()) layout.fields[f].body = *part++;
    layout.subsections.assign(part, parts.end());
    return &layout;
  }

  const std::vector<LayoutDraft>& drafts_;
  std::deque<Layout>& out_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_id_;
  std::set<std::string> releases_;
  std::map<std::pair<std::size_t, std::string>, const Layout*> built_;
  std::map<std::pair<std::size_t, std::vector<const Layout*>>, Layout*> made_;
  std::size_t level_ = 0;
  bool levels_exceeded_ = false;
  std::string complaint_;
};

std::set<const Layout*> parts_of(const std::vector<const Layout*>& layouts) {
  std::set<const Layout*> parts;
  for (const Layout* layout : layouts)
    for (const LayoutField& field : layout->fields)
      if (field.body != nullptr) parts.insert(field.body);
  return parts;
}

Result<std::vector<LayoutDraft>> read_all(std::span<const LayoutFile> files) {
  std::vector<LayoutDraft> all;
  for (const LayoutFile& file : files) {
    auto drafts = read_layout_file(file);
    if (!drafts) return tl::make_unexpected(drafts.error());
    all.insert(all.end(), std::make_move_iterator(drafts->begin()), std::make_move_iterator(drafts->end()));
  }
  return all;
}

// Later drafts replace earlier ones of the same id.
void replace(std::vector<LayoutDraft>& drafts, std::vector<LayoutDraft> by) {
  std::set<std::string> ids;
  for (const LayoutDraft& draft : by) ids.insert(draft.layout.id);
  std::erase_if(drafts, [&](const LayoutDraft& draft) { return ids.contains(draft.layout.id); });
  drafts.insert(drafts.begin(), std::make_move_iterator(by.begin()), std::make_move_iterator(by.end()));
}

std::vector<LayoutFile> built_in_files() {
  std::vector<LayoutFile> files;
  for (const BuiltInLayoutFile& file : built_in_layout_files()) files.push_back({std::string(file.name), std::string(file.text)});
  return files;
}

}  // namespace

LayoutCatalogue::LayoutCatalogue(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
LayoutCatalogue::LayoutCatalogue(LayoutCatalogue&&) noexcept = default;
LayoutCatalogue& LayoutCatalogue::operator=(LayoutCatalogue&&) noexcept = default;
LayoutCatalogue::~LayoutCatalogue() = default;

std::span<const Layout* const> LayoutCatalogue::all() const { return contents_->all; }

std::span<const Layout* const> LayoutCatalogue::for_section(std::string_view name) const {
  // A device path has no end mark of its own and layouts may have a '/' in their names: the longest name wins.
  while (true) {
    if (const auto it = contents_->by_section.find(name); it != contents_->by_section.end()) return it->second;
    const auto slash = name.find('/');
    if (slash == std::string_view::npos) return {};
    name.remove_prefix(slash + 1);
  }
}

Result<LayoutCatalogue> LayoutCatalogue::build(const std::vector<LayoutDraft>& drafts) {
  auto contents = std::make_unique<Contents>();
  Resolver resolver(drafts, contents->layouts);
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const auto made = resolver.resolve(i);
    if (made.empty()) return refused(resolver.complaint());
    contents->all.insert(contents->all.end(), made.begin(), made.end());
  }
  for (Layout& layout : contents->layouts) std::ranges::sort(layout.releases);
  for (const Layout* layout : contents->all)
    for (const std::string& section : layout->sections) contents->by_section[section].push_back(layout);
  // Some devices wrap a part that other boards use as a device of its own: the wrapper is likelier.
  const std::set<const Layout*> parts = parts_of(contents->all);
  for (auto& [section, layouts] : contents->by_section)
    std::stable_partition(layouts.begin(), layouts.end(), [&](const Layout* layout) { return !parts.contains(layout); });
  return LayoutCatalogue(std::move(contents));
}

Result<LayoutCatalogue> LayoutCatalogue::of(const std::vector<LayoutFile>& files) {
  const auto drafts = read_all(files);
  if (!drafts) return tl::make_unexpected(drafts.error());
  return build(*drafts);
}

Result<LayoutCatalogue> LayoutCatalogue::with(const std::vector<LayoutFile>& files) {
  auto drafts = read_all(built_in_files());
  if (!drafts) return tl::make_unexpected(drafts.error());
  auto added = read_all(files);
  if (!added) return tl::make_unexpected(added.error());
  replace(*drafts, std::move(*added));
  return build(*drafts);
}

const LayoutCatalogue& LayoutCatalogue::built_in() {
  static const LayoutCatalogue catalogue = [] {
    auto made = with({});
    if (!made) throw std::logic_error("built-in layouts: " + made.error().message);
    return std::move(*made);
  }();
  return catalogue;
}

}  // namespace vmstate
