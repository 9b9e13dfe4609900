#define TY_ISA avx2
#define TY_ISA_NAME "avx2"
#include "isa.inl.h"
