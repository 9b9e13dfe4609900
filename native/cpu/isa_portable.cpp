#if defined(__aarch64__) || defined(_M_ARM64)
#define TY_ISA neon
#define TY_ISA_NAME "neon"
#else
#define TY_ISA portable
#define TY_ISA_NAME "portable"
#endif
#include "isa.inl.h"
