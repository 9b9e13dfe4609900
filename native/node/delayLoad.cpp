// Windows: the addon is linked against node.exe, and its host may be called otherwise (electron.exe, Trainyard.exe). The
// import is loaded when first used, and this hook gives the running program in the place of node.exe.
#ifdef _WIN32
#include <windows.h>

#include <delayimp.h>

#include <cstring>

static FARPROC WINAPI giveHost(unsigned event, DelayLoadInfo* info) {
  if (event != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) return nullptr;
  return reinterpret_cast<FARPROC>(GetModuleHandle(nullptr));
}

decltype(__pfnDliNotifyHook2) __pfnDliNotifyHook2 = giveHost;
#endif
