# cmake --install: the programs, the runtime's library and public headers, and
# what other projects find it with (CMake package `lathe`, pkg-config `lathe`).
include(CMakePackageConfigHelpers)

install(TARGETS lathe_runtime EXPORT latheTargets COMPONENT runtime
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set_target_properties(lathe_runtime PROPERTIES EXPORT_NAME runtime)
install(FILES ${PROJECT_SOURCE_DIR}/runtime/include/lathe/lathe.h
              ${PROJECT_SOURCE_DIR}/runtime/include/lathe/lathe.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lathe COMPONENT runtime)

foreach(program lathe lathe-compile lathe-opt lathe-lsp-server lathe-reduce)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
  endif()
endforeach()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/lathe)
if(TARGET lathe_compiler)
  install(TARGETS lathe_compiler EXPORT latheCompilerTargets COMPONENT compiler
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  set_target_properties(lathe_compiler PROPERTIES EXPORT_NAME compiler)
  install(FILES ${PROJECT_SOURCE_DIR}/compiler/capi/include/lathe/lathe_compile.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lathe COMPONENT compiler)
  install(EXPORT latheCompilerTargets NAMESPACE lathe:: DESTINATION ${package_folder} COMPONENT compiler)
endif()
install(EXPORT latheTargets NAMESPACE lathe:: DESTINATION ${package_folder} COMPONENT runtime)
configure_package_config_file(tools/cmake/latheConfig.cmake.in
  ${PROJECT_BINARY_DIR}/latheConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/latheConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/latheConfig.cmake ${PROJECT_BINARY_DIR}/latheConfigVersion.cmake
  DESTINATION ${package_folder} COMPONENT runtime)

configure_file(tools/cmake/lathe.pc.in ${PROJECT_BINARY_DIR}/lathe.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lathe.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT runtime)
