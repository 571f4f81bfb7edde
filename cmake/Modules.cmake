# add_module(NAME SOURCES … [LINK ours…] [PRIVATE_LINK theirs…]): one static library a folder.
function(add_module name)
	cmake_parse_arguments(M "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
	add_library(${name} STATIC ${M_SOURCES})
	target_link_libraries(${name} PRIVATE winnow_flags ${M_PRIVATE_LINK} PUBLIC ${M_LINK})
endfunction()

# add_unit_test(FOLDER MODULE [LINK …] [SOURCES …]): tests/unit/FOLDER/test_MODULE.c, run as unit.MODULE.
function(add_unit_test folder module)
	cmake_parse_arguments(T "" "TIMEOUT" "LINK;SOURCES" ${ARGN})
	if(NOT T_TIMEOUT)
		set(T_TIMEOUT 120)
	endif()
	add_executable(test_${module} ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/test_${module}.c ${T_SOURCES})
	target_link_libraries(test_${module} PRIVATE winnow_flags ${folder} ${T_LINK} PkgConfig::CMOCKA)
	add_test(NAME unit.${module} COMMAND test_${module} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(unit.${module} PROPERTIES LABELS unit TIMEOUT ${T_TIMEOUT})
endfunction()
