# find_package(websocket_addin) gives websocket_addin::websocket_addin, the shared library of the target platform, and
# on Linux x86-64 websocket_addin::static.

get_filename_component(_wsaddin_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(_wsaddin_machine arm64)
elseif(CMAKE_SIZEOF_VOID_P EQUAL 4)
    set(_wsaddin_machine i386)
else()
    set(_wsaddin_machine x86_64)
endif()
if(WIN32)
    set(_wsaddin_folder "${_wsaddin_root}/lib/${_wsaddin_machine}-windows")
    set(_wsaddin_library "${_wsaddin_folder}/websocket_addin.dll")
else()
    set(_wsaddin_folder "${_wsaddin_root}/lib/${_wsaddin_machine}-linux")
    set(_wsaddin_library "${_wsaddin_folder}/libwebsocket_addin.so")
endif()

if(NOT EXISTS "${_wsaddin_library}")
    set(websocket_addin_FOUND FALSE)
    set(websocket_addin_NOT_FOUND_MESSAGE "this SDK has no library for the platform: ${_wsaddin_library}")
    return()
endif()

if(NOT TARGET websocket_addin::websocket_addin)
    add_library(websocket_addin::websocket_addin SHARED IMPORTED)
    set_target_properties(websocket_addin::websocket_addin PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${_wsaddin_root}/include"
        IMPORTED_LOCATION "${_wsaddin_library}")
    if(MSVC)
        set_target_properties(websocket_addin::websocket_addin PROPERTIES
            IMPORTED_IMPLIB "${_wsaddin_folder}/websocket_addin.lib")
    elseif(WIN32)
        set_target_properties(websocket_addin::websocket_addin PROPERTIES
            IMPORTED_IMPLIB "${_wsaddin_folder}/libwebsocket_addin.dll.a")
    else()
        set_target_properties(websocket_addin::websocket_addin PROPERTIES
            IMPORTED_SONAME libwebsocket_addin.so)
    endif()
endif()

if(EXISTS "${_wsaddin_folder}/libwebsocket_addin.a" AND NOT TARGET websocket_addin::static)
    find_package(Threads REQUIRED)
    add_library(websocket_addin::static STATIC IMPORTED)
    set_target_properties(websocket_addin::static PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${_wsaddin_root}/include"
        IMPORTED_LOCATION "${_wsaddin_folder}/libwebsocket_addin.a"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
endif()
