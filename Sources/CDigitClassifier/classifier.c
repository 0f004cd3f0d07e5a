#include "CDigitClassifier.h"

#include <string.h>

// Part of the program, so that it is found wherever the program is. Clang has #embed in every version of C; before C23
// it is an extension.
#pragma clang diagnostic ignored "-Wc23-extensions"
static const uint8_t file[] = {
#embed "mnist.safetensors"
};

size_t digit_classifier_count(void) { return sizeof file; }

void digit_classifier_copy(uint8_t *bytes) { memcpy(bytes, file, sizeof file); }
