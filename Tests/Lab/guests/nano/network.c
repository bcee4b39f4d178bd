/*
 * The guest's network: a driver for the RTL8139 (QEMU's e1000 drops all input for a second after its start), ARP, ping,
 * and a TCP port 22 that greets and listens no further.  TCP keeps no state at all: the initial sequence number follows
 * from the peer's address and port, so a connection begun on one host can be finished on another.
 */
#include "machine.h"

/* ---- RTL8139 ---- */

enum {
  PCI_ADDRESS = 0xcf8,
  PCI_DATA = 0xcfc,
  PCI_ID = 0x00,
  PCI_COMMAND = 0x04,
  PCI_COMMAND_ALL = 7, /* I/O, memory, bus master */
  PCI_BASE_ADDRESS = 0x10,
  PCI_INTERRUPT_LINE = 0x3c,
  RTL8139_ID = 0x813910ec,

  /* The card's registers, from its I/O base. */
  MAC_ADDRESS = 0x00,
  TRANSMIT_STATUS = 0x10, /* four of them; writing the length sends */
  TRANSMIT_START = 0x20,
  RECEIVE_START = 0x30,
  COMMAND = 0x37,
  COMMAND_BUFFER_EMPTY = 0x01,
  COMMAND_ENABLE = 0x0c, /* receiver and transmitter */
  COMMAND_RESET = 0x10,
  RECEIVE_READ_POINTER = 0x38,
  INTERRUPT_MASK = 0x3c,
  INTERRUPT_STATUS = 0x3e,
  INTERRUPT_RECEIVED = 0x01,
  RECEIVE_CONFIG = 0x44,
  RECEIVE_CONFIG_OURS = 0x80 | 2 << 11 | 0x0a, /* wrap into the slack, 32 KiB, own address and broadcast */
  CONFIG1 = 0x52,

  RECEIVE_SIZE = 32768,
  RECEIVE_OK = 1,
  TRANSMIT_SLOTS = 4,
  FRAME_MIN = 60,
  FRAME_MAX = 1600,
  FRAME_CHECKSUM = 4,
};

uint32_t network_status_port; /* read by the interrupt handler in nano.S */
extern void on_network(void);

static uint16_t card;
static uint32_t own_address;
static uint8_t own_mac[6];
static uint8_t receive_buffer[RECEIVE_SIZE + 16 + 2048] __attribute__((aligned(16)));
static uint8_t transmit_buffers[TRANSMIT_SLOTS][2048] __attribute__((aligned(16)));
static uint32_t receive_offset, transmitted;

static uint32_t pci_read(uint32_t device, uint32_t offset) {
  out32(PCI_ADDRESS, 0x80000000u | device << 11 | offset);
  return in32(PCI_DATA);
}

static void pci_write(uint32_t device, uint32_t offset, uint32_t value) {
  out32(PCI_ADDRESS, 0x80000000u | device << 11 | offset);
  out32(PCI_DATA, value);
}

static void card_start(uint32_t device) {
  pci_write(device, PCI_COMMAND, pci_read(device, PCI_COMMAND) | PCI_COMMAND_ALL);
  card = pci_read(device, PCI_BASE_ADDRESS) & ~3u;
  network_status_port = card + INTERRUPT_STATUS;
  out8(card + CONFIG1, 0); /* power on */
  out8(card + COMMAND, COMMAND_RESET);
  while (in8(card + COMMAND) & COMMAND_RESET) continue;
  for (int i = 0; i < 6; i++) own_mac[i] = in8(card + MAC_ADDRESS + i);
  out32(card + RECEIVE_START, (uint32_t)receive_buffer);
  out16(card + INTERRUPT_MASK, INTERRUPT_RECEIVED);
  out32(card + RECEIVE_CONFIG, RECEIVE_CONFIG_OURS);
  out8(card + COMMAND, COMMAND_ENABLE);
  enable_interrupt(pci_read(device, PCI_INTERRUPT_LINE) & 15, on_network);
}

/* The next frame to send; QEMU sends at once, so a slot is always free again. */
static uint8_t *next_frame(void) { return transmit_buffers[transmitted % TRANSMIT_SLOTS]; }

static void send_frame(uint32_t length) {
  uint32_t slot = transmitted++ % TRANSMIT_SLOTS;
  out32(card + TRANSMIT_START + 4 * slot, (uint32_t)transmit_buffers[slot]);
  out32(card + TRANSMIT_STATUS + 4 * slot, length < FRAME_MIN ? FRAME_MIN : length);
}

/* ---- packets: offsets into an Ethernet frame ---- */

enum {
  ETHERNET_TO = 0,
  ETHERNET_FROM = 6,
  ETHERNET_TYPE = 12,
  TYPE_IP = 0x0800,
  TYPE_ARP = 0x0806,

  ARP_HARDWARE = 14, /* the fixed part: Ethernet, IP, their sizes */
  ARP_OPERATION = 20,
  ARP_REQUEST = 1,
  ARP_REPLY = 2,
  ARP_SENDER_MAC = 22,
  ARP_SENDER = 28,
  ARP_TARGET_MAC = 32,
  ARP_TARGET = 38,
  ARP_END = 42,

  IP = 14,
  IP_HEADER = 20,
  IP_LENGTH = IP + 2,
  IP_TIME_TO_LIVE = IP + 8,
  IP_PROTOCOL = IP + 9,
  IP_CHECKSUM = IP + 10,
  IP_FROM = IP + 12,
  IP_TO = IP + 16,
  PROTOCOL_ICMP = 1,
  PROTOCOL_TCP = 6,

  ICMP = IP + IP_HEADER,
  ICMP_CHECKSUM = ICMP + 2,
  ICMP_ECHO_REQUEST = 8,

  TCP = IP + IP_HEADER,
  TCP_HEADER = 20,
  TCP_FROM = TCP,
  TCP_TO = TCP + 2,
  TCP_SEQUENCE = TCP + 4,
  TCP_ACKNOWLEDGED = TCP + 8,
  TCP_HEADER_WORDS = TCP + 12,
  TCP_FLAGS = TCP + 13,
  TCP_WINDOW = TCP + 14,
  TCP_CHECKSUM = TCP + 16,
  TCP_DATA = TCP + TCP_HEADER,
  FIN = 1,
  SYN = 2,
  RST = 4,
  PSH = 8,
  ACK = 16,

  SSH_PORT = 22,
};

static uint32_t get16(const uint8_t *p) { return p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return get16(p) << 16 | get16(p + 2); }
static void put16(uint8_t *p, uint32_t value) { p[0] = value >> 8, p[1] = value; }
static void put32(uint8_t *p, uint32_t value) { put16(p, value >> 16), put16(p + 2, value); }

/* The Internet checksum's sum, begun with `sum`. */
static uint32_t add_up(const uint8_t *p, uint32_t count, uint32_t sum) {
  for (; count > 1; count -= 2, p += 2) sum += get16(p);
  if (count) sum += p[0] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/* ---- ARP ---- */

static void send_arp(uint32_t operation, const uint8_t *to_mac, const uint8_t *target_mac, uint32_t target) {
  static const uint8_t ethernet_and_ip[] = {0, 1, 8, 0, 6, 4};
  uint8_t *frame = next_frame();
  copy(frame + ETHERNET_TO, to_mac, 6);
  copy(frame + ETHERNET_FROM, own_mac, 6);
  put16(frame + ETHERNET_TYPE, TYPE_ARP);
  copy(frame + ARP_HARDWARE, ethernet_and_ip, sizeof ethernet_and_ip);
  put16(frame + ARP_OPERATION, operation);
  copy(frame + ARP_SENDER_MAC, own_mac, 6);
  put32(frame + ARP_SENDER, own_address);
  copy(frame + ARP_TARGET_MAC, target_mac, 6);
  put32(frame + ARP_TARGET, target);
  send_frame(ARP_END);
}

/* Tells everybody at once, so that nobody has to wait for the answer to a question asked too early. */
static void announce(void) {
  static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255}, nobody[6];
  send_arp(ARP_REQUEST, everybody, nobody, own_address);
}

static void receive_arp(const uint8_t *in, uint32_t length) {
  if (length < ARP_END || get16(in + ARP_OPERATION) != ARP_REQUEST || get32(in + ARP_TARGET) != own_address) return;
  send_arp(ARP_REPLY, in + ETHERNET_FROM, in + ARP_SENDER_MAC, get32(in + ARP_SENDER));
}

/* ---- IP ---- */

/* Begins an answer to `in`: Ethernet and IP headers for `size` bytes of payload. */
static void begin_answer(uint8_t *frame, const uint8_t *in, uint32_t size, uint8_t protocol) {
  copy(frame + ETHERNET_TO, in + ETHERNET_FROM, 6);
  copy(frame + ETHERNET_FROM, own_mac, 6);
  put16(frame + ETHERNET_TYPE, TYPE_IP);
  fill(frame + IP, 0, IP_HEADER);
  frame[IP] = 0x45; /* version 4, five words of header */
  put16(frame + IP_LENGTH, IP_HEADER + size);
  frame[IP_TIME_TO_LIVE] = 64;
  frame[IP_PROTOCOL] = protocol;
  put32(frame + IP_FROM, own_address);
  copy(frame + IP_TO, in + IP_FROM, 4);
  put16(frame + IP_CHECKSUM, ~add_up(frame + IP, IP_HEADER, 0));
}

static void receive_icmp(const uint8_t *in, uint32_t size) {
  if (in[ICMP] != ICMP_ECHO_REQUEST) return;
  uint8_t *frame = next_frame();
  begin_answer(frame, in, size, PROTOCOL_ICMP);
  copy(frame + ICMP, in + ICMP, size);
  frame[ICMP] = 0; /* echo reply */
  put16(frame + ICMP_CHECKSUM, 0);
  put16(frame + ICMP_CHECKSUM, ~add_up(frame + ICMP, size, 0));
  send_frame(ICMP + size);
}

/* ---- TCP ---- */

static void send_tcp(const uint8_t *in, uint32_t sequence, uint32_t acknowledged, uint8_t flags, const char *text) {
  uint8_t *frame = next_frame();
  uint32_t size = 0;
  while (text[size]) size++;
  begin_answer(frame, in, TCP_HEADER + size, PROTOCOL_TCP);
  fill(frame + TCP, 0, TCP_HEADER);
  copy(frame + TCP_FROM, in + TCP_TO, 2);
  copy(frame + TCP_TO, in + TCP_FROM, 2);
  put32(frame + TCP_SEQUENCE, sequence);
  put32(frame + TCP_ACKNOWLEDGED, acknowledged);
  frame[TCP_HEADER_WORDS] = TCP_HEADER / 4 << 4;
  frame[TCP_FLAGS] = flags;
  put16(frame + TCP_WINDOW, 8192);
  copy(frame + TCP_DATA, text, size);
  uint32_t pseudo_header = add_up(frame + IP_FROM, 8, PROTOCOL_TCP + TCP_HEADER + size);
  put16(frame + TCP_CHECKSUM, ~add_up(frame + TCP, TCP_HEADER + size, pseudo_header));
  send_frame(TCP_DATA + size);
}

static const char *banner(void) {
  static char text[64];
  uint32_t milliseconds = run_time_ms();
  char *end = append_text(text, "SSH-2.0-nano tick=");
  end = append_number(end, milliseconds / 1000);
  end = append_text(end, " ms=");
  end = append_number(end, milliseconds);
  append_text(end, "\r\n");
  return text;
}

static void receive_tcp(const uint8_t *in, uint32_t size) {
  uint32_t header = (in[TCP_HEADER_WORDS] >> 4) * 4;
  if (header < TCP_HEADER || header > size) return;
  uint8_t flags = in[TCP_FLAGS];
  uint32_t data = size - header;
  uint32_t peer_next = get32(in + TCP_SEQUENCE) + data + (flags & (SYN | FIN) ? 1 : 0);
  uint32_t acknowledged = get32(in + TCP_ACKNOWLEDGED);
  uint32_t first = get32(in + IP_FROM) * 2654435761u ^ get16(in + TCP_FROM) * 40503u;

  if (flags & RST) return;
  if (get16(in + TCP_TO) != SSH_PORT) {
    send_tcp(in, flags & ACK ? acknowledged : 0, peer_next, RST | ACK, "");
  } else if (flags & SYN) {
    send_tcp(in, first, peer_next, SYN | ACK, "");
  } else if (flags & FIN) {
    send_tcp(in, acknowledged, peer_next, FIN | ACK, "");
  } else if (acknowledged == first + 1 && !data) {
    send_tcp(in, first + 1, peer_next, PSH | ACK, banner());
  } else if (data) {
    send_tcp(in, acknowledged, peer_next, ACK, "");
  }
}

/* ---- */

static void receive(const uint8_t *in, uint32_t length) {
  if (get16(in + ETHERNET_TYPE) == TYPE_ARP) return receive_arp(in, length);
  if (get16(in + ETHERNET_TYPE) != TYPE_IP || length < IP + IP_HEADER) return;
  if (in[IP] != 0x45 || get32(in + IP_TO) != own_address) return;
  uint32_t total = get16(in + IP_LENGTH); /* the frame may be padded beyond it */
  if (IP + total > length || total < IP_HEADER + 8) return;
  if (in[IP_PROTOCOL] == PROTOCOL_ICMP) receive_icmp(in, total - IP_HEADER);
  if (in[IP_PROTOCOL] == PROTOCOL_TCP && total >= IP_HEADER + TCP_HEADER) receive_tcp(in, total - IP_HEADER);
}

bool network_start(uint32_t address) {
  for (uint32_t device = 0; device < 32; device++) {
    if (pci_read(device, PCI_ID) != RTL8139_ID) continue;
    own_address = address;
    card_start(device);
    announce();
    return true;
  }
  print("nano: no network card\n");
  return false;
}

void network_poll(void) {
  while (!(in8(card + COMMAND) & COMMAND_BUFFER_EMPTY)) {
    const uint8_t *header = receive_buffer + receive_offset; /* status, length, both little-endian; then the frame */
    uint32_t length = header[2] | header[3] << 8;
    if (header[0] & RECEIVE_OK && length >= 14 + FRAME_CHECKSUM && length < FRAME_MAX) {
      receive(header + 4, length - FRAME_CHECKSUM);
    }
    receive_offset = (receive_offset + 4 + length + 3) / 4 * 4 % RECEIVE_SIZE;
    out16(card + RECEIVE_READ_POINTER, receive_offset - 16); /* the card counts from -16 */
  }
}
