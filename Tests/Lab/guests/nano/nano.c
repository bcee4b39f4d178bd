/*
 * nano: a guest for migration tests.  A multiboot kernel of some 10 KiB that boots in milliseconds, idles in HLT, needs
 * 8 MiB, and shows to the outside that it never stopped:
 *
 *   - "SSH-2.0-nano tick=SECONDS ms=MILLISECONDS" on TCP port 22, ping, and "tick SECONDS" on the serial console.
 *     The time is the guest's own run time: it goes on across a migration and starts at 0 after a reset.
 *   - It obeys the power button (shutdown, reboot) and PCI hot-unplug, unless it is told not to.
 *
 * Command line:
 *   ip=A.B.C.D     the address; without it there is no network
 *   fill=MiB       fill so much memory with random data once, so that there is something to copy
 *   dirty=MiB/s    write to so much memory per second, ws=MiB of it in turn (all memory by default)
 *   hz=N           wake up so often (20 by default)
 *   noeject=1      ignore hot-unplug          nooff=1   ignore the power button
 */
#include "machine.h"

enum {
  MIB = 1 << 20,
  PAGE = 4096,
  WORKING_SET_BASE = 4 * MIB, /* above the kernel, its stack and buffers */

  COM1 = 0x3f8,
  COM_LINE_STATUS_EMPTY = 0x20,

  PIC1 = 0x20, /* command port; the mask is one above */
  PIC2 = 0xa0,
  FIRST_VECTOR = 32, /* below are the processor's own exceptions */
  CASCADE = 2,       /* the line of PIC1 on which PIC2 hangs */

  PIT_CHANNEL0 = 0x40,
  PIT_COMMAND = 0x43,
  PIT_HZ = 1193182,

  /* ACPI as SeaBIOS sets it up on the machine type "pc" (PIIX4). */
  PM_STATUS = 0x600,
  PM_ENABLE = 0x602,
  PM_CONTROL = 0x604,
  PM_POWER_BUTTON = 0x100,
  PM_SLEEP_ENABLE = 0x2000, /* with sleep type 0: off */
  PM_TIMER = 0x608,         /* 24 bits at 3.579545 MHz, counts while the guest runs */
  PM_TIMER_MASK = 0xffffff,

  PCI_HOTPLUG_DOWN = 0xae04, /* a bit per slot that is to be unplugged */
  PCI_HOTPLUG_EJECT = 0xae08,
  PCI_HOTPLUG_SELECT = 0xae10,
};

struct multiboot_info {
  uint32_t flags, memory_lower_kib, memory_upper_kib, boot_device;
  const char *command_line;
};
enum { MULTIBOOT_HAS_COMMAND_LINE = 4 };

/* ---- text ---- */

char *append_text(char *to, const char *text) {
  while (*text) *to++ = *text++;
  *to = 0;
  return to;
}

char *append_number(char *to, uint32_t number) {
  char digits[10];
  int count = 0;
  do digits[count++] = '0' + number % 10;
  while (number /= 10);
  while (count) *to++ = digits[--count];
  *to = 0;
  return to;
}

static void serial_start(void) {
  out8(COM1 + 3, 0x80); /* the divisor's turn */
  out8(COM1, 1);        /* 115200 baud */
  out8(COM1 + 1, 0);
  out8(COM1 + 3, 3); /* 8 bits, no parity, 1 stop bit */
  out8(COM1 + 2, 0);
  out8(COM1 + 4, 3);
}

void print(const char *text) {
  for (; *text; text++) {
    while (!(in8(COM1 + 5) & COM_LINE_STATUS_EMPTY)) continue;
    out8(COM1, *text);
  }
}

void print_number(uint32_t number) {
  char text[11];
  append_number(text, number);
  print(text);
}

/* ---- command line ---- */

/* What follows `name=` in the command line, or a null pointer. */
static const char *option(const char *line, const char *name) {
  for (bool word_start = true; *line; word_start = *line++ == ' ') {
    if (!word_start) continue;
    const char *here = line, *wanted = name;
    while (*wanted && *here == *wanted) here++, wanted++;
    if (!*wanted && *here == '=') return here + 1;
  }
  return 0;
}

static uint32_t number_option(const char *line, const char *name, uint32_t otherwise) {
  const char *text = option(line, name);
  if (!text) return otherwise;
  uint32_t value = 0;
  while (*text >= '0' && *text <= '9') value = value * 10 + (*text++ - '0');
  return value;
}

static uint32_t address_option(const char *line, const char *name) {
  const char *text = option(line, name);
  if (!text) return 0;
  uint32_t address = 0, part = 0;
  for (;; text++) {
    if (*text >= '0' && *text <= '9') {
      part = part * 10 + (*text - '0');
      continue;
    }
    address = address << 8 | part;
    part = 0;
    if (*text != '.') return address;
  }
}

/* ---- interrupts and time ---- */

extern void on_timer(void), on_other(void);

static struct gate {
  uint16_t offset_low, selector;
  uint8_t zero, flags;
  uint16_t offset_high;
} __attribute__((packed)) gates[256];

static void set_gate(unsigned vector, void (*handler)(void)) {
  uint16_t code_segment;
  __asm__("mov %%cs, %0" : "=r"(code_segment));
  uint32_t address = (uint32_t)handler;
  gates[vector] = (struct gate){address, code_segment, 0, 0x8e, address >> 16};
}

static void interrupts_start(void) {
  for (int vector = 0; vector < 256; vector++) set_gate(vector, on_other);
  struct {
    uint16_t limit;
    uint32_t base;
  } __attribute__((packed)) table = {sizeof gates - 1, (uint32_t)gates};
  __asm__ volatile("lidt %0" ::"m"(table));

  /* Both interrupt controllers: initialise, first vector, wiring, 8086 mode; then mask everything but the cascade. */
  out8(PIC1, 0x11);
  out8(PIC2, 0x11);
  out8(PIC1 + 1, FIRST_VECTOR);
  out8(PIC2 + 1, FIRST_VECTOR + 8);
  out8(PIC1 + 1, 1 << CASCADE);
  out8(PIC2 + 1, CASCADE);
  out8(PIC1 + 1, 1);
  out8(PIC2 + 1, 1);
  out8(PIC1 + 1, 0xff & ~(1 << CASCADE));
  out8(PIC2 + 1, 0xff);
}

void enable_interrupt(unsigned irq, void (*handler)(void)) {
  set_gate(FIRST_VECTOR + irq, handler);
  uint16_t mask = (irq < 8 ? PIC1 : PIC2) + 1;
  out8(mask, in8(mask) & ~(1 << irq % 8));
}

/* A wake-up at a steady rate; the time itself comes from the PM timer, which loses nothing on a busy host. */
static void timer_start(uint32_t hz) {
  if (hz < 19) hz = 19; /* the divisor has 16 bits */
  uint32_t divisor = PIT_HZ / hz;
  out8(PIT_COMMAND, 0x34); /* channel 0, low then high byte, rate generator */
  out8(PIT_CHANNEL0, divisor);
  out8(PIT_CHANNEL0, divisor >> 8);
  enable_interrupt(0, on_timer);
}

static uint32_t run_time_last;

/* The PM timer goes on across a reset, our run time begins anew. */
static void run_time_start(void) { run_time_last = in32(PM_TIMER); }

uint32_t run_time_ms(void) {
  /* 3579.545 timer ticks are a millisecond: 715909 / 200.  The counter wraps every 4.7 s, far beyond a wake-up. */
  static uint32_t milliseconds, rest;
  uint32_t now = in32(PM_TIMER);
  rest += ((now - run_time_last) & PM_TIMER_MASK) * 200;
  run_time_last = now;
  milliseconds += rest / 715909;
  rest %= 715909;
  return milliseconds;
}

/* ---- ACPI ---- */

static void power_button_start(void) {
  out16(PM_STATUS, PM_POWER_BUTTON); /* writing the bit clears it */
  out16(PM_ENABLE, PM_POWER_BUTTON);
}

static void power_button_poll(void) {
  if (!(in16(PM_STATUS) & PM_POWER_BUTTON)) return;
  print("nano: power button, off\n");
  out16(PM_STATUS, PM_POWER_BUTTON);
  out16(PM_CONTROL, PM_SLEEP_ENABLE | (in16(PM_CONTROL) & 1));
}

/* Lets go of every PCI device that the host wants back. */
static void hot_unplug_poll(void) {
  out32(PCI_HOTPLUG_SELECT, 0);
  uint32_t slots = in32(PCI_HOTPLUG_DOWN);
  if (slots == 0xffffffff) return; /* no such controller */
  for (int slot = 0; slot < 32; slot++) {
    if (!(slots >> slot & 1)) continue;
    print("nano: eject slot ");
    print_number(slot);
    print("\n");
    out32(PCI_HOTPLUG_EJECT, 1u << slot);
  }
}

/* ---- memory ---- */

static void fill_with_random(uint32_t mib) {
  uint32_t x = 2463534242u;
  for (uint32_t address = WORKING_SET_BASE; address < WORKING_SET_BASE + mib * MIB; address += 4) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5; /* xorshift */
    *(volatile uint32_t *)address = x;
  }
}

/* Writes one word to each of the pages that are due after `elapsed` ms at `rate` MiB/s, round and round. */
static void dirty_memory(uint32_t elapsed, uint32_t rate, uint32_t working_set) {
  static uint32_t position, credit;
  if (elapsed > 1000) elapsed = 1000; /* no catching up after a stall */
  credit += elapsed * rate * (MIB / PAGE);
  uint32_t pages = credit / 1000;
  credit %= 1000;
  while (pages--) {
    *(volatile uint32_t *)(WORKING_SET_BASE + position) += 0x9e3779b9;
    position += PAGE;
    if (position >= working_set) position = 0;
  }
}

/* ---- */

static uint32_t at_most(uint32_t value, uint32_t limit) { return value < limit ? value : limit; }

void kernel_main(const struct multiboot_info *info) {
  const char *line = info->flags & MULTIBOOT_HAS_COMMAND_LINE ? info->command_line : "";
  uint32_t top = MIB + info->memory_upper_kib * 1024;
  uint32_t free_mib = top > WORKING_SET_BASE ? (top - WORKING_SET_BASE) / MIB : 0;
  uint32_t dirty = at_most(number_option(line, "dirty", 0), 16000);
  uint32_t working_set = at_most(number_option(line, "ws", free_mib), free_mib);
  if (!working_set) working_set = free_mib; /* ws=0: everything */
  bool ejects = !number_option(line, "noeject", 0), turns_off = !number_option(line, "nooff", 0);

  serial_start();
  print("nano: up, MiB ");
  print_number(top / MIB);
  print("\n");
  interrupts_start();
  power_button_start();
  run_time_start();
  fill_with_random(at_most(number_option(line, "fill", 0), free_mib));
  uint32_t address = address_option(line, "ip");
  bool connected = address && network_start(address);
  timer_start(number_option(line, "hz", 20));
  print("nano: ready\n");

  for (uint32_t last = run_time_ms();;) {
    /* Interrupts are open only while halted, so none can slip in between the last look and the sleep. */
    __asm__ volatile("sti; hlt; cli");
    if (connected) network_poll();
    uint32_t now = run_time_ms();
    if (dirty && working_set) dirty_memory(now - last, dirty, working_set * MIB);
    if (now / 1000 != last / 1000) {
      print("tick ");
      print_number(now / 1000);
      print("\n");
    }
    last = now;
    if (ejects) hot_unplug_poll();
    if (turns_off) power_button_poll();
  }
}
