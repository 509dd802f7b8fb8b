# SPDX-License-Identifier: Apache-2.0
include(VmstateLibraries)
find_package(CLI11 REQUIRED)

function(vmstate_link_dependencies target)
  target_link_libraries(${target} PUBLIC tl::expected
    PRIVATE Boost::iostreams Boost::json fmt::fmt pugixml::pugixml BZip2::BZip2 PkgConfig::VMSTATE_CODECS)
  if(VMSTATE_WITH_LZO)
    target_link_libraries(${target} PRIVATE PkgConfig::VMSTATE_LZO)
    target_compile_definitions(${target} PRIVATE VMSTATE_WITH_LZO)
  endif()
endfunction()
