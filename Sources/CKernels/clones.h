/// Compiles a function once per instruction set, the machine's best being chosen when the program starts.
#ifndef FIGMENT_CLONES_H
#define FIGMENT_CLONES_H

#if defined(__x86_64__) && defined(__linux__) && !defined(FIGMENT_BASELINE)
#define FK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FK_CLONES
#endif

#endif
