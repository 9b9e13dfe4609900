#define TY_ISA avx512bf16
#define TY_ISA_NAME "avx512bf16"
#include "isa.inl.h"
