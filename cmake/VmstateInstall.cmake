# SPDX-License-Identifier: Apache-2.0
# Headers go to include/vmstate and are included as in the project: "formats/base/events.hpp".
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vmstate)

foreach(room IN ITEMS formats/base formats/wire formats/layouts formats/encode formats/loaders parsers/api parsers/inspect)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${room}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vmstate/${room}
          FILES_MATCHING PATTERN "*.hpp" PATTERN "*.def")
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/parsers/source/open_chain.hpp
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vmstate/parsers/source)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(TARGETS vmstate EXPORT vmstate-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT vmstate-targets NAMESPACE vmstate:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/vmstate-config.cmake.in
  ${PROJECT_BINARY_DIR}/vmstate-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/vmstate-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/vmstate-config.cmake ${PROJECT_BINARY_DIR}/vmstate-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/VmstateLibraries.cmake DESTINATION ${package_dir})

# Its prefix is found from where the file lies, so that the installed tree can be moved.
file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(lzo_module "")
if(VMSTATE_WITH_LZO)
  set(lzo_module lzo2)
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/vmstate.pc.in ${PROJECT_BINARY_DIR}/vmstate.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/vmstate.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
