# SPDX-License-Identifier: Apache-2.0
# The libraries that vmstate links, for its own build and for whoever links the installed static library.
# Debian 12 has them all (`./dev setup`); Boost 1.81 or later.
find_package(Boost 1.81 REQUIRED COMPONENTS iostreams json)
find_package(fmt 9 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(pugixml REQUIRED)
find_package(BZip2 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(VMSTATE_CODECS REQUIRED QUIET IMPORTED_TARGET zlib liblzma libzstd liblz4 libxxhash)
if(VMSTATE_WITH_LZO)
  pkg_check_modules(VMSTATE_LZO REQUIRED QUIET IMPORTED_TARGET lzo2)
endif()
