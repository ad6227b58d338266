/* One source, several builds. setup.py compiles every native/FAMILY.c once for any processor ("base") and, on x86-64, once for
 * processors with AVX2 and FMA ("v3"); each build ends in one table of functions, and PICK gives the best that runs here.
 *
 *     FAMILY.h    typedef struct { void (*forward)(...); } conv_kernels;
 *                 EVERY_ISA(conv_kernels, conv_table)
 *     FAMILY.c    const conv_kernels ISA(conv_table) = { forward };
 *     FAMILY.pyx  kernels = PICK(conv_table)
 *
 * REFTORCH_ISA=base in the environment asks for the plain build. */
#pragma once
#include <stdlib.h>
#include <string.h>

#ifdef ISA_V3
#define EVERY_ISA(TYPE, NAME) extern const TYPE NAME##_base, NAME##_v3;
#define PICK(NAME) (isa_v3() ? &NAME##_v3 : &NAME##_base)
static int isa_v3(void) {
    const char *asked = getenv("REFTORCH_ISA");
    return !(asked && !strcmp(asked, "base")) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
#define EVERY_ISA(TYPE, NAME) extern const TYPE NAME##_base;
#define PICK(NAME) (&NAME##_base)
#endif
