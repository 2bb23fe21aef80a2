# A newer version serves those who ask for an older one as long as the first number that is not 0 is the same
# (Semantic Versioning).
set(PACKAGE_VERSION "@VERSION@")
string(REGEX MATCH "^(0\\.)?[0-9]+" _wsaddin_series "${PACKAGE_VERSION}")
string(REGEX MATCH "^(0\\.)?[0-9]+" _wsaddin_asked "${PACKAGE_FIND_VERSION}")
if(PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION OR NOT _wsaddin_series STREQUAL _wsaddin_asked)
    set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
    if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)
        set(PACKAGE_VERSION_EXACT TRUE)
    endif()
endif()
