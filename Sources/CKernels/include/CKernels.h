/// Kernels: all code that uses vector registers, the thread pool or oneDNN.
///
/// A compiled program is an array of `fk_step`. The compiler (TensorCore/Compiler) fills the
/// argument structures once; running allocates nothing and looks nothing up.
#ifndef FIGMENT_CKERNELS_H
#define FIGMENT_CKERNELS_H

#include "cluster.h"
#include "contraction.h"
#include "functions.h"
#include "movement.h"
#include "pool.h"
#include "random.h"
#include "scan.h"
#include "scalars.h"
#include "special.h"
#include "special_steps.h"

#endif
