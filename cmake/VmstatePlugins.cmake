# SPDX-License-Identifier: Apache-2.0
# vmstate_plugins(KIND name…): one line in a folder's CMakeLists plugs a file in. KIND is OPENER, STREAM or SECTION.
# The file <name>.cpp is compiled and its factory <kind>_<name>() is put into the registry table; the test folders make a
# fuzz target and a corpus replay for each name in the global property VMSTATE_PLUGINS.
define_property(GLOBAL PROPERTY VMSTATE_PLUGINS BRIEF_DOCS "KIND:name of every plug-in, in registry order"
                FULL_DOCS "KIND:name of every plug-in, in registry order")

function(vmstate_plugins kind)
  foreach(name IN LISTS ARGN)
    target_sources(vmstate PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp)
    set_property(GLOBAL APPEND PROPERTY VMSTATE_PLUGINS ${kind}:${name})
  endforeach()
endfunction()

function(vmstate_finish_plugins target)
  get_property(plugins GLOBAL PROPERTY VMSTATE_PLUGINS)
  set(table "")
  foreach(plugin IN LISTS plugins)
    string(REPLACE ":" ";" pair ${plugin})
    list(GET pair 0 kind)
    list(GET pair 1 name)
    string(APPEND table "VMSTATE_${kind}(${name})\n")
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/plugins/vmstate_plugins.inc CONTENT "${table}")
  target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR}/plugins)
endfunction()
