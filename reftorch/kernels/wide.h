/* WIDE before a function: compiled twice, for any CPU and for x86-64-v3 (AVX2, FMA), and chosen when the library is loaded.
 * The numbers are the same: fma() rounds once everywhere, and compilers may not contract what is written apart. */
#include <limits.h>                         /* defines __GLIBC__ */

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define WIDE
#endif
