/* One source, several builds. setup.py compiles every native/FAMILY.c once for any processor ("base") and, on x86-64, once for
 * processors with AVX2 and FMA ("v3"), a few families also for those with AVX-512 ("v4", where WIDE_VECTORS is defined and real.h takes
 * vectors twice as long); each build ends in one table of functions, and PICK, for these few PICK_WIDE, gives the best that runs here.
 *
 *     FAMILY.h    typedef struct { void (*forward)(...); } conv_kernels;
 *                 EVERY_ISA(conv_kernels, conv_table)
 *     FAMILY.c    const conv_kernels ISA(conv_table) = { forward };
 *     FAMILY.pyx  kernels = PICK(conv_table)
 *
 * REFTORCH_ISA=base or v3 in the environment asks for a plainer build. */
#pragma once
#include <stdlib.h>
#include <string.h>

#ifdef ISA_V3
#define EVERY_ISA(TYPE, NAME) extern const TYPE NAME##_base, NAME##_v3;
#define EVERY_ISA_WIDE(TYPE, NAME) extern const TYPE NAME##_base, NAME##_v3, NAME##_v4;
#define PICK(NAME) (isa_v3() ? &NAME##_v3 : &NAME##_base)
#define PICK_WIDE(NAME) (isa_v4() ? &NAME##_v4 : PICK(NAME))
static int isa_asked(const char *isa) {
    const char *asked = getenv("REFTORCH_ISA");
    return asked && !strcmp(asked, isa);
}
static int isa_v3(void) { return !isa_asked("base") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int isa_v4(void) {
    return isa_v3() && !isa_asked("v3") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
#define EVERY_ISA(TYPE, NAME) extern const TYPE NAME##_base;
#define EVERY_ISA_WIDE(TYPE, NAME) EVERY_ISA(TYPE, NAME)
#define PICK(NAME) (&NAME##_base)
#define PICK_WIDE(NAME) PICK(NAME)
#endif
