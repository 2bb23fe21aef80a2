/*
 * A stand-in for the system library of that name, for Wine 8, which lacks it. It lies beside the test programs and is
 * never handed out.
 */
#include <windows.h>

#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return RtlGenRandom(data, (ULONG)size); }
