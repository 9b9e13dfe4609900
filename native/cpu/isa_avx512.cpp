#define TY_ISA avx512
#define TY_ISA_NAME "avx512"
#include "isa.inl.h"
