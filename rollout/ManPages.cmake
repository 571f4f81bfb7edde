# Write winnow.1 and winnow-COMMAND.1 into DIR, as WINNOW itself words them.
execute_process(COMMAND ${WINNOW} help --names OUTPUT_VARIABLE names COMMAND_ERROR_IS_FATAL ANY)
string(STRIP "${names}" names)
string(REPLACE "\n" ";" names "${names}")
file(MAKE_DIRECTORY ${DIR})
foreach(name ${names})
	execute_process(COMMAND ${WINNOW} help --man ${name} OUTPUT_FILE ${DIR}/winnow-${name}.1
		COMMAND_ERROR_IS_FATAL ANY)
endforeach()
execute_process(COMMAND ${WINNOW} help --man OUTPUT_FILE ${DIR}/winnow.1 COMMAND_ERROR_IS_FATAL ANY)
