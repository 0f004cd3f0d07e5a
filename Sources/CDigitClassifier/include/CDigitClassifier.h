/// The file of the classifier of digits that the program holds: safetensors, written by Scripts/digit-classifier.
#ifndef FIGMENT_CDIGITCLASSIFIER_H
#define FIGMENT_CDIGITCLASSIFIER_H
#include <stddef.h>
#include <stdint.h>

/// The length of the file in bytes.
size_t digit_classifier_count(void);

/// Copies the file to `bytes`, which has room for all of it.
void digit_classifier_copy(uint8_t *bytes);

#endif
