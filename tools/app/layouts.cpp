// SPDX-License-Identifier: Apache-2.0
#include "tools/app/layouts.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "tools/app/text.hpp"

namespace vmstate::app {
namespace {

namespace fs = std::filesystem;

Result<LayoutFile> read_layout_text(const fs::path& path) {
  constexpr std::uintmax_t largest = 64u << 20;
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return medium_fault(path.string() + ": " + error.message());
  if (size > largest) return refused(path.string() + ": larger than any layout file");
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad() || text.size() != size) return medium_fault(path.string() + ": cannot be read");
  return LayoutFile{path.string(), std::move(text)};
}

std::string releases_of(const Layout& layout) {
  if (layout.releases.empty()) return "any release";
  if (layout.releases.size() == 1) return layout.releases.front();
  return fmt::format("{} to {} ({})", layout.releases.front(), layout.releases.back(), layout.releases.size());
}

std::string elements_text(const LayoutCount& count) {
  if (!count.number) return std::to_string(count.fixed);
  std::string text = count.number->name;
  if (count.times != 1) text += fmt::format(" * {}", count.times);
  if (count.plus != 0) text = fmt::format("{} + {}", text, count.plus);
  return count.divide == 1 ? text : fmt::format("({}) / {}", text, count.divide);
}

std::string_view sign_of(LayoutCondition::Test test) {
  using Test = LayoutCondition::Test;
  switch (test) {
    case Test::equal: return "==";
    case Test::not_equal: return "!=";
    case Test::less: return "<";
    case Test::less_equal: return "<=";
    case Test::greater: return ">";
    case Test::greater_equal: return ">=";
  }
  return "?";
}

// When the field is there, or nothing if it always is.
std::string presence_of(const LayoutField& field) {
  std::vector<std::string> all;
  if (field.since) all.push_back(fmt::format("since version {}", *field.since));
  if (field.until) all.push_back(fmt::format("until version {}", *field.until));
  for (const LayoutCondition& condition : field.conditions) {
    const std::string mask = condition.mask == ~std::uint64_t{0} ? "" : fmt::format(" & {:#x}", condition.mask);
    all.push_back(fmt::format("if {}{} {} {}", condition.number.name, mask, sign_of(condition.test), condition.value));
  }
  return all.empty() ? "" : fmt::format("  [{}]", fmt::join(all, ", "));
}

std::string field_text(const LayoutField& field) {
  using Form = LayoutField::Form;
  const std::string number = field.array ? "[" + elements_text(field.count) + "]" : "";
  switch (field.form) {
    case Form::structure: return fmt::format("{}{}: struct {}", field.name, number, field.body->id);
    case Form::embedded: return fmt::format("{}{}: {}, written by hand", field.name, number, field.body->id);
    case Form::list: return fmt::format("{}[...]: list of {}", field.name, field.body->id);
    case Form::value: break;
  }
  if (field.sized) return fmt::format("{}: {}, {} bytes", field.name, field.type, elements_text(field.count));
  const bool scalar = scalar_size(field.type) > 0;
  return fmt::format("{}{}: {}{}", field.name, number, field.type, scalar ? "" : fmt::format(", {} bytes", field.element_size));
}

// A folder's layouts may hold each other often enough to fill a disk.
constexpr std::size_t most_lines = 100000;

void write_fields(Text& text, const Layout& layout, std::size_t indent, std::size_t& lines) {
  const std::string blanks(indent, ' ');
  for (const LayoutField& field : layout.fields) {
    if (++lines > most_lines) return;
    text.line(blanks + printable(field_text(field) + presence_of(field)));
    if (field.body != nullptr) write_fields(text, *field.body, indent + 2, lines);
  }
  for (const Layout* subsection : layout.subsections) {
    text.line(fmt::format("{}subsection {}, version {}", blanks, printable(subsection->name), subsection->version));
    write_fields(text, *subsection, indent + 2, lines);
  }
}

int list(const LayoutCatalogue& catalogue, Text& text) {
  std::map<std::string, std::vector<const Layout*>> by_section;
  for (const Layout* layout : catalogue.all())
    for (const std::string& section : layout->sections) by_section[section].push_back(layout);
  for (const auto& [section, some] : by_section)
    for (const Layout* layout : some)
      text.line(fmt::format("{:<32} {:<10} {:<26} {}", printable(section),
                            layout->minimum == layout->version ? fmt::format("v{}", layout->version)
                                                               : fmt::format("v{} to v{}", layout->minimum, layout->version),
                            releases_of(*layout), printable(layout->source)));
  return exit_nothing_found;
}

int show(const LayoutCatalogue& catalogue, const std::string& name, Text& text, const Io& io) {
  bool found = false;
  for (const Layout* layout : catalogue.all()) {
    const bool meant = layout->id == name || std::ranges::find(layout->sections, name) != layout->sections.end();
    if (!meant) continue;
    if (found) text.line("");
    found = true;
    text.line(fmt::format("{}, version {}, oldest {} ({}, {})", printable(layout->id), layout->version, layout->minimum,
                          releases_of(*layout), printable(layout->source)));
    std::size_t lines = 0;
    write_fields(text, *layout, 2, lines);
  }
  if (found) return exit_nothing_found;
  io.err(fmt::format("vmstate-dump: no layout is called '{}'; 'layouts list' names them\n", printable(name)));
  return exit_usage;
}

Result<LayoutCatalogue> read_folder(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".json") paths.push_back(at->path());
  if (error) return medium_fault(folder + ": " + error.message());
  std::ranges::sort(paths);
  std::vector<LayoutFile> files;
  for (const fs::path& path : paths) {
    auto file = read_layout_text(path);
    if (!file) return tl::make_unexpected(file.error());
    files.push_back(std::move(*file));
  }
  if (files.empty()) return refused(folder + ": holds no .json file");
  return LayoutCatalogue::with(files);
}

}  // namespace

std::optional<int> load_layouts(CommonOptions& options, std::string_view tool, const Io& io) {
  if (options.layouts_folder.empty()) return std::nullopt;
  auto read = read_folder(options.layouts_folder);
  if (!read) {
    io.err(fmt::format("{}: {}\n", tool, printable(read.error().message)));
    return read.error().kind == Fault::Kind::medium ? exit_io_error : exit_usage;
  }
  options.layouts = std::make_shared<const LayoutCatalogue>(std::move(*read));
  return std::nullopt;
}

int layouts(const DumpOptions& options, const Io& io) {
  const LayoutCatalogue& catalogue = options.layouts ? *options.layouts : LayoutCatalogue::built_in();
  Text text(io, options.color);
  if (options.part == "show") return show(catalogue, options.section, text, io);
  return list(catalogue, text);
}

}  // namespace vmstate::app
