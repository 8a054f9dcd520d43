# Flags of every target of ours: warnings, C++20, reproducible paths.
add_library(cupel_flags INTERFACE)
# Those only for GNU are false in g++ 12 at -O2 and -O3 (std::string appends, variants of optionals). clang warns of
# what libstdc++ 12 itself calls (std::stable_sort takes a temporary buffer).
target_compile_features(cupel_flags INTERFACE cxx_std_20)
target_compile_options(cupel_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations> $<$<BOOL:${CUPEL_WARNINGS_AS_ERRORS}>:-Werror>
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
target_include_directories(cupel_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
set(CMAKE_CXX_EXTENSIONS OFF)
# Files of x86 levels (*_avx*.cpp, *_emulated_test.cpp) are left out elsewhere: the scalar level is enough.
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  set(CUPEL_X86_ONLY "_(avx[0-9]+(bf16)?|amx|emulated_test)\\.cpp$")
endif()

# The folder of a build does not count, so that dev and train share what both compile; the sloppiness is what a
# precompiled header needs.
find_program(CUPEL_CCACHE ccache)
if(CUPEL_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CUPEL_CCACHE})
endif()
find_program(CUPEL_MOLD mold)
if(CUPEL_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# One module = one static library of all .cpp files below its folder.
#   cupel_module(NAME rank DEPS base core [LIBS PkgConfig::X …] [FOLDERS data …] [TORCH])
# FOLDERS: only the files below these; a module of which a part needs more than the rest is several libraries.
# TORCH: its files see libtorch, through the precompiled header of tensor/tensor.h.
# Kernel files of one CPU level get their flags by name: *_avx2.cpp, *_avx512.cpp, *_avx512bf16.cpp, *_amx.cpp. They say
# themselves where a multiply and an add are fused: the compiler's own choice would differ by level.
function(cupel_module)
  cmake_parse_arguments(M "TORCH" "NAME" "DEPS;LIBS;FOLDERS" ${ARGN})
  if(NOT M_FOLDERS)
    set(M_FOLDERS .)
  endif()
  list(TRANSFORM M_FOLDERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE patterns)
  list(TRANSFORM patterns APPEND /*.cpp)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${patterns})
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(CUPEL_X86_ONLY)
    list(FILTER sources EXCLUDE REGEX "${CUPEL_X86_ONLY}")
  endif()
  add_library(cupel_${M_NAME} STATIC ${sources})
  target_link_libraries(cupel_${M_NAME} PUBLIC cupel_flags ${M_LIBS})
  foreach(dep IN LISTS M_DEPS)
    target_link_libraries(cupel_${M_NAME} PUBLIC cupel_${dep})
  endforeach()
  if(M_TORCH)
    cupel_use_tensor_header(cupel_${M_NAME})
  endif()
  # At -O3 the sanitizers' checks make three kernel files take 100 s each (measured); at -O1 a few.
  set(kernel_level "-O3")
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    set(kernel_level "-O1")
  endif()
  foreach(source IN LISTS sources)
    if(source MATCHES "_avx2\\.cpp$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
        "-mavx2;-mfma;-mf16c;${kernel_level};-ffp-contract=off")
    elseif(source MATCHES "_(avx512(bf16)?|amx)\\.cpp$")
      set(more)
      if(source MATCHES "bf16\\.cpp$")
        set(more ";-mavx512bf16")
      endif()
      set(own_header)
      if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # g++ 12 warns of the undefined pass-through operands in its own AVX-512 header.
        set(own_header ";-Wno-uninitialized;-Wno-maybe-uninitialized")
      endif()
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
        "-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx512vnni${more};${kernel_level};-ffp-contract=off${own_header}")
    elseif(source MATCHES "/kernels/[^/]*\\.cpp$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${kernel_level};-ffp-contract=off")
    endif()
  endforeach()
endfunction()

# One test binary per module: all *_test.cpp below tests/<name>/, one ctest per TEST.
# Labels come from the file's folder:
#   tests/<module>/model/*_test.cpp  label `model` (real small models)
#   tests/<module>/slow/*_test.cpp   label `slow`
# TORCH: as of a module; there a test is a whole suite, since libtorch takes 0.4 s to start (measured).
function(cupel_tests)
  cmake_parse_arguments(T "TORCH" "NAME" "DEPS" ${ARGN})
  foreach(kind unit model slow)
    if(kind STREQUAL unit)
      file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${T_NAME}/*_test.cpp)
      set(target ${T_NAME}_test)
    else()
      file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${T_NAME}/${kind}/*_test.cpp)
      set(target ${T_NAME}_${kind}_test)
    endif()
    if(CUPEL_X86_ONLY)
      list(FILTER sources EXCLUDE REGEX "${CUPEL_X86_ONLY}")
    endif()
    if(NOT sources)
      continue()
    endif()
    add_executable(${target} ${sources})
    target_link_libraries(${target} PRIVATE cupel_test_support GTest::gtest GTest::gmock GTest::gtest_main)
    foreach(dep IN LISTS T_DEPS)
      target_link_libraries(${target} PRIVATE cupel_${dep})
    endforeach()
    if(T_TORCH)
      cupel_use_tensor_header(${target})
      cupel_test_files(${target} ${T_NAME} ${kind} "${sources}")
    else()
      # Without the option the sanitizer ends the program where the system says that memory is short.
      gtest_discover_tests(${target} TEST_PREFIX "${T_NAME}."
        DISCOVERY_TIMEOUT 60 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
        PROPERTIES TIMEOUT ${CUPEL_TEST_SECONDS} LABELS ${kind} ENVIRONMENT ASAN_OPTIONS=allocator_may_return_null=1)
    endif()
    # Instructions of a higher level emulated on AVX2 (tests/engine_kernels/avx512_emulation.h). Sanitized, this
    # one file takes longer to compile than the rest of the suite.
    foreach(source IN LISTS sources)
      if(source MATCHES "_emulated_test\\.cpp$")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
          "-mavx2;-mfma;-mf16c;-O1;-fno-tree-loop-optimize;-ffp-contract=off;-fno-sanitize=all")
      endif()
    endforeach()
    cupel_label_systems(${target} ${T_NAME} ${kind} "${sources}")
  endforeach()
endfunction()

# The gtest filter of all suites of a test file.
function(cupel_suites_of source out)
  file(STRINGS ${source} tests REGEX "^TEST(_F|_P)?\\(")
  set(suites)
  foreach(line IN LISTS tests)
    string(REGEX REPLACE "^TEST(_F|_P)?\\(([A-Za-z0-9_]+).*" "\\2" suite "${line}")
    list(APPEND suites "${suite}.*:*/${suite}.*")
  endforeach()
  list(REMOVE_DUPLICATES suites)
  list(JOIN suites ":" filter)
  set(${out} "${filter}" PARENT_SCOPE)
endfunction()

# One test per file of a binary: <module>.<file>.
function(cupel_test_files target module kind sources)
  foreach(source IN LISTS sources)
    # A suite that was added is seen without asking for it.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    cupel_suites_of(${source} filter)
    get_filename_component(stem ${source} NAME_WE)
    string(REGEX REPLACE "_test$" "" stem ${stem})
    add_test(NAME ${module}.${stem} COMMAND ${target} "--gtest_filter=${filter}" WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${module}.${stem} PROPERTIES TIMEOUT ${CUPEL_TEST_SECONDS} LABELS ${kind})
  endforeach()
endfunction()

# `ctest -L system_<n>`: each file that says `// Proves: system <n>` is registered once more as one test
# of all its suites, under that label.
function(cupel_label_systems target module kind sources)
  foreach(source IN LISTS sources)
    file(STRINGS ${source} marks REGEX "^// Proves: system [0-9]+")
    foreach(mark IN LISTS marks)
      string(REGEX MATCH "[0-9]+" number "${mark}")
      cupel_suites_of(${source} filter)
      get_filename_component(stem ${source} NAME_WE)
      add_test(NAME system_${number}.${module}.${stem} COMMAND ${target} "--gtest_filter=${filter}"
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(system_${number}.${module}.${stem} PROPERTIES
        LABELS "system_${number};${kind}" TIMEOUT ${CUPEL_TEST_SECONDS})
    endforeach()
  endforeach()
endfunction()
