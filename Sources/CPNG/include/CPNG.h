/// A small shim over libpng: its longjmp must not cross a Swift frame.
#ifndef FIGMENT_CPNG_H
#define FIGMENT_CPNG_H
#include <stddef.h>
#endif
