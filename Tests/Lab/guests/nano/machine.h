/* What all parts of the guest need from a PC: port I/O, the serial console, bytes in network order. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline uint16_t in16(uint16_t port) {
  uint16_t value;
  __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline uint32_t in32(uint16_t port) {
  uint32_t value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline void copy(void *to, const void *from, uint32_t count) {
  uint8_t *t = to;
  const uint8_t *f = from;
  while (count--) *t++ = *f++;
}

static inline void fill(void *to, uint8_t value, uint32_t count) {
  uint8_t *t = to;
  while (count--) *t++ = value;
}

/* Appends `text`, or `number` in decimal, at `to`; returns the new end. */
char *append_text(char *to, const char *text);
char *append_number(char *to, uint32_t number);

/* The serial console (COM1), which ends in the host's NAME.serial. */
void print(const char *text);
void print_number(uint32_t number);

/* Lets `handler` take the interrupt line `irq` (0 to 15). */
void enable_interrupt(unsigned irq, void (*handler)(void));

/* Milliseconds for which this guest has run: stands still with it, goes on across a migration, is 0 after a reset. */
uint32_t run_time_ms(void);

/* Finds the network card and announces `address`; false without a card. */
bool network_start(uint32_t address);

/* Answers everything that has arrived. */
void network_poll(void);

#endif
