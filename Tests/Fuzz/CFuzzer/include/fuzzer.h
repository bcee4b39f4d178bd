#include <stddef.h>
#include <stdint.h>

/// libFuzzer's main loop: calls `read` with one input after another, and ends the program when one crashes it.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*read)(const uint8_t *data, size_t size));
