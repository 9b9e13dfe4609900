#define TY_ISA avx512bf16
#define TY_AVX512
#define TY_BF16
#define TY_ISA_NAME "avx512bf16"
#include "isa.inl.h"
