/* Entry from the multiboot loader (QEMU's -kernel), and the interrupt handlers. */

#define MULTIBOOT_MAGIC 0x1BADB002
#define MULTIBOOT_FLAGS 3 /* page-aligned modules, memory map */

#define PIC1_COMMAND 0x20
#define PIC2_COMMAND 0xa0
#define PIC_END_OF_INTERRUPT 0x20

.section .multiboot, "a"
.align 4
.long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

.section .note.GNU-stack, "", @progbits

.text
.globl _start
_start:
  cli
  cld
  mov $bss_start, %edi /* after a reset the last run's values are still there */
  mov $bss_end, %ecx
  sub %edi, %ecx
  xor %eax, %eax
  rep stosb
  mov $stack_top, %esp
  push %ebx /* multiboot information */
  call kernel_main
1:
  hlt
  jmp 1b

/* The handlers only say "seen": the main loop does the work after each wake-up. */

.globl on_timer
on_timer:
  push %eax
  mov $PIC_END_OF_INTERRUPT, %al
  outb %al, $PIC1_COMMAND
  pop %eax
  iret

.globl on_network
on_network:
  push %eax
  push %edx
  mov network_status_port, %edx /* writing the bits back clears them */
  inw %dx, %ax
  outw %ax, %dx
  mov $PIC_END_OF_INTERRUPT, %al
  outb %al, $PIC2_COMMAND
  outb %al, $PIC1_COMMAND
  pop %edx
  pop %eax
  iret

.globl on_other
on_other:
  iret

.bss
.align 16
.skip 16384
stack_top:
